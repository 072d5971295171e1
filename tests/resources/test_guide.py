"""The ordering guide and the contacts: found by what offices type, linked to what patients read."""

import re
from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from practice.resources.audiences import Audience
from practice.resources.exam_pages import exam_pages
from practice.resources.models import Contact, OrderingAdvice
from practice.resources.models.guide import validate_codes
from tests.factories import (
    ArticleFactory,
    ContactFactory,
    OrderingAdviceFactory,
    PhysicianFactory,
    TopicFactory,
    UserFactory,
)
from tests.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("identity")


@pytest.fixture
def office(db):
    return sign_in(Client(), UserFactory(roles=["Referring office"]))


def questions(response):
    return re.findall(r"<h3>([^<]+?)(?: <span|</h3>)", response.text)


@pytest.fixture
def guide(db):
    OrderingAdviceFactory(question="Sudden headache", also="thunderclap", exam="CT head", codes="70450", region="head")
    OrderingAdviceFactory(question="Lung clot", exam="CT of the chest", codes="71275, 71260", region="chest")


@pytest.mark.usefixtures("guide")
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", ["Sudden headache", "Lung clot"]),
        ("headache", ["Sudden headache"]),
        ("HEADACHES", ["Sudden headache"]),
        ("thunderclap", ["Sudden headache"]),
        ("71260", ["Lung clot"]),
        ("ct", ["Sudden headache", "Lung clot"]),
        ("knee", []),
        ("%00' OR 1=1 --", []),
    ],
)
def test_guide_is_searched(office, asked, found):
    assert questions(office.get("/resources/ordering-guide/", {"q": asked})) == found


def test_advice_leads_to_what_the_patient_reads(office):
    topic = TopicFactory(slug="head-ct", codes=["70450"])
    for language, title in (("en", "CT of the head"), ("es", "TC de la cabeza")):
        ArticleFactory(topic=topic, language=language, title=title)
    OrderingAdviceFactory(codes="70450, 70450, 99999")
    page = office.get("/resources/ordering-guide/").text
    assert re.findall(r'<a href="([^"]+)">(CT of the head|English|Spanish)</a>', page) == [
        ("/patient-information/head-ct/", "CT of the head"),
        ("/patient-information/head-ct/handout.pdf?part=preparation", "English"),
        ("/es/patient-information/head-ct/handout.pdf?part=preparation", "Spanish"),
    ]
    assert exam_pages(["99999"]) == {}


@pytest.mark.parametrize("count", [1, 3])
def test_guide_asks_the_same_for_any_number(office, count, django_assert_num_queries):
    for number in range(count):
        ArticleFactory(topic=TopicFactory(codes=[f"7045{number}"]))
        OrderingAdviceFactory(codes=f"7045{number}")
    office.get("/resources/ordering-guide/")
    with django_assert_num_queries(10):
        assert len(questions(office.get("/resources/ordering-guide/"))) == count


def test_guide_says_who_reviewed_it(office):
    OrderingAdviceFactory(is_sample=False, reviewed_by=PhysicianFactory(name="Ann Lee"), reviewed_on=date(2026, 3, 1))
    assert "Reviewed by Ann Lee, MD on March 1, 2026." in office.get("/resources/ordering-guide/").text


def test_sample_says_so(office):
    OrderingAdviceFactory()
    assert "Sample advice. It waits for review" in office.get("/resources/ordering-guide/").text


def test_guide_is_nowhere_for_people_without_a_role(db):
    assert sign_in(Client(), UserFactory()).get("/resources/ordering-guide/").status_code == 404


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"region": "toe"}, "resources_orderingadvice_region_known"),
        ({"is_sample": False}, "resources_orderingadvice_reviewed_or_sample"),
        ({"reviewed_on": date(2026, 1, 1)}, "resources_orderingadvice_reviewed_or_sample"),
    ],
)
def test_database_refuses_advice(db, facts, rule):
    OrderingAdviceFactory()
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        OrderingAdvice.objects.update(**facts)


@pytest.mark.parametrize(("codes", "is_good"), [("70450", True), ("70450, 0042T", True), ("", True), ("7045", False),
                                               ("70450;71275", False), ("seven", False)])  # fmt: skip
def test_codes_are_cpt_codes(codes, is_good):
    if is_good:
        validate_codes(codes)
    else:
        with pytest.raises(ValidationError, match="is no CPT code"):
            validate_codes(codes)


def test_contacts_are_those_for_the_reader(office):
    for audience in Audience:
        ContactFactory(name=f"C {audience}", audience=audience)
    assert re.findall(r"<h2>(C [^<]+)</h2>", office.get("/resources/contacts/").text) == ["C referring offices"]


def test_contact_is_for_somebody_known(db):
    ContactFactory()
    with pytest.raises(IntegrityError, match="resources_contact_audience_known"), transaction.atomic():
        Contact.objects.update(audience="all")
