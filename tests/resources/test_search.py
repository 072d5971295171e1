"""Search in Practice Resources finds, and counts, and corrects to, only what the reader may see."""

import re

import pytest
from django.test import Client

from practice.resources.audiences import Audience
from tests.factories import (
    CallServiceFactory,
    ContactFactory,
    DocumentFactory,
    OrderingAdviceFactory,
    UserFactory,
)
from tests.resources.test_models import MATRIX
from tests.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("identity")


def found(role, asked):
    response = sign_in(Client(), UserFactory(roles=[role])).get("/resources/search/", {"q": asked})
    titles = re.findall(r'<li><a href="[^"]+">(.+?)</a> <span', response.text)
    return response, [re.sub(r"</?mark>", "", title) for title in titles]


@pytest.mark.parametrize("role", list(MATRIX))
def test_only_what_the_reader_may_see_is_found(role):
    for audience in Audience:
        DocumentFactory(title=f"Gadolinium D {audience}", audience=audience)
        DocumentFactory(title=f"Gadolinium off {audience}", audience=audience, is_current=False)
        CallServiceFactory(name=f"Gadolinium S {audience}", audience=audience)
        ContactFactory(name=f"Gadolinium C {audience}", audience=audience)
    response, titles = found(role, "gadolinium")
    assert set(titles) == {f"Gadolinium {letter} {audience}" for letter in "DSC" for audience in MATRIX[role]}
    assert f"{3 * len(MATRIX[role])} found." in response.text


def test_hidden_words_do_not_show_in_a_correction():
    """A title that somebody may not see is not what their word is corrected to."""
    DocumentFactory(title="Brachytherapy", audience=Audience.PHYSICIANS)
    response, titles = found("Referring office", "brachytherapi")
    assert (titles, "rachytherapy" in response.text) == ([], False)


def test_own_words_are_not_taken_for_misspelled():
    DocumentFactory(title="Xyzzy protocol")
    assert found("Hiring", "xyzzy")[1] == ["Xyzzy protocol"]


def test_advice_is_found_by_code_and_by_other_words():
    OrderingAdviceFactory(question="Lung clot", also="embolism", codes="71275")
    assert (found("Referring office", "71275")[1], found("Referring office", "embolism")[1]) == (["Lung clot"],) * 2


@pytest.mark.parametrize("asked", ["", " ", "\0", "'\"<script>", "a" * 5000, "&&& |", "% _ \\"])
def test_anything_may_be_typed(asked):
    DocumentFactory(title="Test")
    response, titles = found("Hiring", asked)
    assert (response.status_code, titles) == (200, [])


def test_words_are_marked_and_everything_else_is_text():
    DocumentFactory(title="<b>Protocol</b> & doses")
    response, _titles = found("Hiring", "protocol")
    assert "&lt;b&gt;<mark>Protocol</mark>&lt;/b&gt; &amp; doses" in response.text
