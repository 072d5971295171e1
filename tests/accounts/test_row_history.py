"""The history of a row tells who changed what, and shows only values that its page shows."""

import re
from datetime import time

import pytest
from django.db import connection

from practice.accounts.row_history import mark_changes
from practice.models import OpeningHours, Weekday
from tests.factories import AnnouncementFactory, FeedbackFactory, LocationFactory, PhysicianFactory, UserFactory

pytestmark = pytest.mark.usefixtures("identity")


def steps_of(client, address):
    """[(part and what happened, {label: (before, after)})] of a history page, the newest first."""
    response = client.get(f"{address}history/")
    assert response.status_code == 200
    steps = []
    for step in re.findall(r'<section class="step">(.*?)</section>', response.text, re.DOTALL):
        title = re.search(r"</time> · (.*?)</h2>", step, re.DOTALL).group(1)
        parts = re.split(r"<dt>(.*?)</dt>", step)
        values = [re.sub(r'<span class="visually-hidden">.*?</span>', "", part) for part in parts[2::2]]
        steps.append((title, dict(zip(map(str.lower, parts[1::2]), map(values_of, values), strict=True))))
    return steps


def values_of(html):
    return tuple(re.findall(r'<dd class="(?:was|now)">(.*?)</dd>', html)) or "hidden"


def address_of(row):
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/"


def test_history_tells_what_was_before_and_what_came_after_each_step(staff):
    location = LocationFactory(name="First", phone="(574) 555-0100")
    location.name = "Second"
    location.save()
    location.name, location.phone = "Third <b>", "(574) 555-0199"
    location.save()
    steps = steps_of(staff("Editor"), address_of(location))
    assert steps == [
        ("Changed", {
            "name": ("<del>Second</del>", "<ins>Third &lt;b&gt;</ins>"),
            "phone": ("(574) <del>555-0100</del>", "(574) <ins>555-0199</ins>"),
        }),
        ("Changed", {"name": ("<del>First</del>", "<ins>Second</ins>")}),
        ("Added", {}),
    ]  # fmt: skip


def test_history_names_who_and_how(staff):
    location = LocationFactory()
    client = staff("Editor", name="Edith Quill")
    data = {
        "name": "New", "slug": location.slug, "street": "x", "city": "x", "state": "IN", "postal_code": "46500",
        "phone": "(574) 555-0100", "position": "0", "opening_hours-TOTAL_FORMS": "0", "opening_hours-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert client.post(f"{address_of(location)}change/", data).status_code == 302
    page = client.get(f"{address_of(location)}history/").text
    assert "Edith Quill · admin:practice_location_change" in page


def test_history_has_rows_edited_on_the_same_page_also_when_they_are_gone(staff):
    location, other = LocationFactory.create_batch(2)
    hours = OpeningHours.objects.create(location=location, weekday=Weekday.MONDAY, opens_at="08:00", closes_at="17:00")
    OpeningHours.objects.create(location=other, weekday=Weekday.MONDAY, opens_at="09:00", closes_at="17:00").delete()
    hours.closes_at = time(18)
    hours.save()
    part = "opening hours Monday 08:00–18:00"
    steps = steps_of(staff("Editor"), address_of(location))
    assert [title for title, _differences in steps] == [f"{part} · Changed", f"{part} · Added", "Added"]
    assert steps[0][1] == {"closes at": ("<del>5</del> p.m.", "<ins>6</ins> p.m.")}
    key = hours.pk
    hours.delete()
    assert steps_of(staff("Editor"), address_of(location))[0] == (f"opening hours {key} · Deleted", {})


def test_choices_relations_and_ticks_stand_in_words(staff):
    physician = PhysicianFactory(is_practising=True)
    physician.is_practising = False
    physician.save()
    announcement = AnnouncementFactory(kind="welcome")
    announcement.kind = "community"
    announcement.save()
    client = staff("Editor")
    assert steps_of(client, address_of(physician))[0][1] == {
        "works here now": ("<del>Yes</del>", "<ins>No</ins>"),
    }
    assert steps_of(client, address_of(announcement))[0][1] == {
        "kind": ("<del>Welcome</del>", "<ins>Community</ins>"),
    }


def test_values_about_a_person_stay_hidden(staff):
    feedback = FeedbackFactory(message="canary-message", email="canary@example.com")
    feedback.message = "canary-second"
    feedback.team = "billing"
    feedback.save()
    client = staff("Front desk")
    assert steps_of(client, address_of(feedback))[0][1] == {
        "message": "hidden",
        "who answers": ("<del>Front desk</del>", "<ins>Billing office</ins>"),
    }
    assert "canary" not in client.get(f"{address_of(feedback)}history/").text


def test_values_that_the_page_does_not_show_are_not_shown_in_its_history(staff):
    user = UserFactory(email="quill@example.com")
    user.set_password("another long password")
    user.save()
    steps = steps_of(staff("Administrator"), address_of(user))
    assert steps[0][1] == {"password": "hidden"}


def test_raw_writes_and_columns_without_a_field_are_told(staff):
    location = LocationFactory(name="First")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE practice_location SET name = 'Raw' WHERE id = %s", [location.pk])
    client = staff("Editor")
    assert steps_of(client, address_of(location))[0][1] == {"name": ("<del>First</del>", "<ins>Raw</ins>")}
    assert "by the site itself" in client.get(f"{address_of(location)}history/").text


def test_history_of_what_one_may_not_see_is_refused(staff):
    location = LocationFactory()
    assert staff("Hiring").get(f"{address_of(location)}history/").status_code == 403


LONG = " ".join(f"word{number}" for number in range(60))


@pytest.mark.parametrize(
    ("before", "after", "marked"),
    [
        ("", "New", ("", "<ins>New</ins>")),
        ("Old", "", ("<del>Old</del>", "")),
        ("same words", "same words", ("same words", "same words")),
        ("come on Monday", "come on Friday", ("come on <del>Monday</del>", "come on <ins>Friday</ins>")),
        ("<i>", "<b>", ("<del>&lt;i&gt;</del>", "<ins>&lt;b&gt;</ins>")),
    ],
)
def test_changed_words_are_marked(before, after, marked):
    assert mark_changes(before, after) == marked


def test_long_unchanged_stretches_are_cut():
    was, now = mark_changes(f"{LONG} old", f"{LONG} new")
    assert was.endswith("word59 <del>old</del>")
    assert ("[…]" in was, len(now.split())) == (True, 18)
