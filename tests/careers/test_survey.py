"""The voluntary questions: nobody who decides can reach an answer, by any address."""

import json

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.urls import reverse

from careers.models import Application, SurveyAnswer
from careers.survey import Count, survey_counts
from practice.accounts import roles
from practice.accounts.models import AccessEntry, Change
from practice.database_roles import append_only
from tests.factories import ApplicationFactory
from tests.practice.test_urls import ADMIN

pytestmark = pytest.mark.usefixtures("identity")

COUNTS = reverse("admin:careers_survey_counts")


def answers(count, **facts):
    facts = {"role": "nurse", "year": 2026, "sex": "female", "ethnicity": "asian"} | facts
    SurveyAnswer.objects.bulk_create(SurveyAnswer(**facts) for _number in range(count))


def test_answer_is_kept_without_anything_that_leads_to_the_applicant(client):
    application = ApplicationFactory(opening__role="nurse")
    address = f"{application.get_absolute_url()}questions/"
    page = client.get(address).text
    assert page.count("checked") == 0  # what cannot be taken back is not chosen for anybody
    client.post(address, {"sex": "female", "ethnicity": "several"})
    client.post(address, {"sex": "male", "ethnicity": "white"})  # once only
    answer = SurveyAnswer.objects.values().get()
    assert set(answer) == {"id", "role", "year", "sex", "ethnicity", "is_counted"}
    assert (answer["role"], answer["sex"], answer["ethnicity"], answer["id"].version) == (
        "nurse",
        "female",
        "several",
        4,
    )
    assert "You have answered already" in client.get(address).text
    assert [field.name for field in SurveyAnswer._meta.get_fields() if field.is_relation] == []
    assert (
        Change.objects.filter(table_name="careers_surveyanswer").count() == 0
    )  # which would tell the hour and the place


@pytest.mark.parametrize("form", [{}, {"sex": "x", "ethnicity": "asian"}, {"sex": "female"}])
def test_answer_that_is_none_is_explained(client, form):
    application = ApplicationFactory()
    response = client.post(f"{application.get_absolute_url()}questions/", form)
    assert (response.status_code, bool(response.context["form"].errors)) == (200, True)
    assert (SurveyAnswer.objects.count(), Application.objects.get().has_seen_survey) == (0, False)


def test_only_counts_of_five_or_more_leave_the_table():
    answers(5, sex="female", ethnicity="white")
    answers(4, sex="male", ethnicity="asian")
    answers(4, role="office", sex="male", ethnicity="asian")
    assert survey_counts() == [Count("nurse", "sex", "female", 5), Count("nurse", "ethnicity", "white", 5)]


def test_no_count_moves_by_the_one_who_has_just_answered():
    answers(5, sex="female", ethnicity="white")
    before = survey_counts()
    for _number in range(4):  # not counted yet
        answers(1, sex="female", ethnicity="asian")
        assert survey_counts() == before
    answers(1, sex="male", ethnicity="asian")  # five more: nine are female, which is five and some
    assert survey_counts() == [*before, Count("nurse", "ethnicity", "asian", 5)]
    answers(5, sex="female", ethnicity="white")
    assert [count.answers for count in survey_counts()] == [10, 10, 5]


def test_history_does_not_tell_that_somebody_has_answered(client):
    application = ApplicationFactory()
    before = Change.objects.filter(table_name="careers_application").count()
    client.post(f"{application.get_absolute_url()}questions/", {"sex": "female", "ethnicity": "several"})
    assert Application.objects.get().has_seen_survey is True
    assert Change.objects.filter(table_name="careers_application").count() == before


def test_role_of_the_database_cannot_even_read_an_answer():
    assert append_only()["careers_surveyanswer"] == "INSERT"
    answers(5)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE ROLE survey_site; GRANT INSERT ON careers_surveyanswer TO survey_site; SET ROLE survey_site"
        )
        try:
            answers(5)
            cursor.execute("SELECT has_table_privilege('careers_surveyanswer', 'SELECT, UPDATE, DELETE, TRUNCATE')")
            assert cursor.fetchone() == (False,)
            assert survey_counts()[0] == Count("nurse", "sex", "female", 10)
        finally:
            cursor.execute("RESET ROLE; REVOKE ALL ON careers_surveyanswer FROM survey_site; DROP ROLE survey_site")


def test_counts_are_the_administrators_and_nobody_elses(staff):
    answers(5)
    answers(2, role="office")
    statuses = {role: staff(role).get(COUNTS).status_code for role in roles.STAFF_ROLES}
    assert statuses == dict.fromkeys(roles.STAFF_ROLES, 403) | {roles.ADMINISTRATOR: 200}
    rows = staff(roles.ADMINISTRATOR).get(COUNTS).context["rows"]
    assert [(role, answer, count.answers) for role, _question, answer, count in rows] == [
        ("Nurse", "Female", 5),
        ("Nurse", "Asian", 5),
    ]


def test_no_permission_and_no_page_is_about_answers():
    assert SurveyAnswer not in admin.site._registry
    assert Permission.objects.filter(content_type__model="surveyanswer").count() == 0
    assert [name for name in ADMIN if "survey" in name] == ["admin:careers_survey_counts"]
    assert [
        model
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.related_model is SurveyAnswer
    ] == []


@pytest.mark.parametrize("role", roles.STAFF_ROLES)
def test_no_page_of_the_office_shows_an_answer(staff, client, role):
    """Whatever a role can open about an applicant who has answered; also the search, the logs and the export."""
    application = ApplicationFactory(opening__is_read_blind=False, opening__role="nurse")
    client.post(f"{application.get_absolute_url()}questions/", {"sex": "female", "ethnicity": "pacific"})
    office = staff(role)
    application.opening.reviewers.add(office.session["_auth_user_id"])
    answer = SurveyAnswer.objects.get()
    pk, opening = application.pk, application.opening_id
    addresses = [
        "/admin/", "/admin/careers/", "/admin/careers/application/", f"/admin/careers/application/{pk}/change/",
        f"/admin/careers/application/{pk}/history/", f"/admin/careers/opening/{opening}/pipeline/",
        f"/admin/careers/opening/{opening}/export/", f"/admin/careers/opening/{opening}/change/", COUNTS,
        "/admin/find/?q=pacific", f"/admin/find/?q={answer.pk}", "/admin/careers/surveyanswer/",
        f"/admin/careers/surveyanswer/{answer.pk}/change/", "/admin/accounts/change/?q=answer",
        "/admin/accounts/accessentry/", f"/admin/accounts/change/?q={answer.pk}",
        "/admin/autocomplete/?app_label=careers&model_name=surveyanswer&field_name=role&term=n",
    ]  # fmt: skip
    for address in addresses:
        response = office.get(address)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        found = [word for word in ("Pacific", "pacific</", "Female", str(answer.pk)) if word.encode() in content]
        searched = {str(answer.pk)} if str(answer.pk) in address else set()  # the words one has searched for
        assert set(found) <= searched, address


def test_answer_stands_in_its_own_table_alone(client):
    """No copy of what was answered: not in the log of changes, of readings, of the admin, nor among the jobs."""
    application = ApplicationFactory()
    client.post(f"{application.get_absolute_url()}questions/", {"sex": "female", "ethnicity": "pacific"})
    for model in (Application, Change, AccessEntry, LogEntry):
        rows = json.dumps(list(model.objects.values()), cls=DjangoJSONEncoder)
        assert ("pacific" in rows, "female" in rows) == (False, False)
