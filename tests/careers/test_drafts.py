"""What was typed and chosen is not lost: kept over an error, or saved to be finished by a private link."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from careers import drafts, views
from careers.files import discard, take_in
from careers.intake import NoCV, receive_application
from careers.models import Application, ApplicationFile, Draft, FileKind
from practice import throttles
from practice.resources.demo_pdf import one_page
from tests.factories import OpeningFactory

pytestmark = pytest.mark.usefixtures("identity")

PDF = one_page("CV", ["A line"])
APPLY = "/careers/ct/apply/"


def pdf(name="cv.pdf"):
    return SimpleUploadedFile(name, PDF)


def filled(**changes):
    return {"name": "Ann Lee", "email": "ann@example.com", "phone": "", "message": "Hello.", "website": ""} | changes


def action_of(response):
    (action,) = re.findall(r'<form method="post" action="([^"]+)"', response.text)
    return action


def kept(response):
    labels = re.findall(r'name="drop"[^>]*>.*?<label[^>]*>\s*([^<]+?)\s*</label>', response.text, re.DOTALL)
    return [label.removeprefix("Do not send ").removeprefix("No enviar ") for label in labels]


def files_on_disk(settings):
    return len([path for path in settings.PRIVATE_ROOT.rglob("*") if path.is_file()])


@pytest.fixture
def opening(db):
    return OpeningFactory(slug="ct", title="CT chief", title_es="Jefe de TC")


def test_files_in_order_are_kept_over_an_error_elsewhere(client, opening, settings):
    response = client.post(APPLY, filled(email="", cv=pdf(), others=[pdf("a.pdf"), pdf("b.pdf")]))
    draft = Draft.objects.get()
    assert (action_of(response), kept(response)) == (draft.get_absolute_url(), ["cv.pdf", "a.pdf", "b.pdf"])
    assert (draft.name, draft.is_saved) == ("", False)  # what was typed stands in the page, not here
    assert 'value="Ann Lee"' in response.text
    sent = client.post(action_of(response), filled())
    application = Application.objects.get()
    assert sent["Location"] == f"/careers/application/{application.token}/sent/"
    assert [file.name for file in application.files.all()] == ["cv.pdf", "a.pdf", "b.pdf"]
    assert (Draft.objects.count(), files_on_disk(settings)) == (0, 3)


def test_new_cv_takes_the_place_of_the_kept_one_also_over_an_error(client, opening, settings):
    first = client.post(APPLY, filled(email="", cv=pdf("old.pdf")))
    second = client.post(action_of(first), filled(email="ann@", cv=pdf("new.pdf")))
    assert (kept(second), files_on_disk(settings)) == (["new.pdf"], 1)
    client.post(action_of(second), filled(cv=pdf("newest.pdf")))
    assert [file.name for file in Application.objects.get().files.all()] == ["newest.pdf"]
    assert (ApplicationFile.objects.count(), files_on_disk(settings)) == (1, 1)


def test_file_that_is_ticked_is_not_sent(client, opening, settings):
    response = client.post(APPLY, filled(email="", cv=pdf(), others=[pdf("a.pdf")]))
    other = ApplicationFile.objects.get(kind="other")
    client.post(action_of(response), filled(drop=[other.pk]))
    assert [file.name for file in Application.objects.get().files.all()] == ["cv.pdf"]
    assert (ApplicationFile.objects.count(), files_on_disk(settings)) == (1, 1)


@pytest.mark.parametrize(("prefix", "language"), [("", "en"), ("/es", "es")])
def test_unfinished_application_is_saved_and_finished_by_its_link(
    client, opening, run_jobs, mailoutbox, settings, prefix, language
):
    settings.PUBLIC_ORIGIN = "https://site.test"
    response = client.post(f"{prefix}{APPLY}", filled(name="", save="1", cv=pdf()))
    draft = Draft.objects.get()
    address = f"{prefix}/careers/ct/apply/{draft.token}/"
    assert (response.status_code, response["Location"]) == (302, address)
    assert (draft.email, draft.message, draft.language, draft.is_saved) == ("ann@example.com", "Hello.", language, True)
    run_jobs()
    (mail,) = mailoutbox
    assert mail.to == ["ann@example.com"]
    assert f"https://site.test{address}" in mail.body.split("\n")
    page = client.get(address)
    assert ('value="ann@example.com"' in page.text, kept(page)) == (True, ["cv.pdf"])
    assert "no-store" in page["Cache-Control"]
    client.post(address, filled())
    assert Application.objects.get().name == "Ann Lee"
    gone = client.get(address)
    assert (gone.status_code, gone["Location"]) == (302, f"{prefix}{APPLY}")


def test_link_is_mailed_once_for_an_address(client, opening, run_jobs, mailoutbox):
    client.post(APPLY, filled(save="1"))
    address = Draft.objects.get().get_absolute_url()
    client.post(address, filled(save="1", message="More"))
    run_jobs()
    client.post(address, filled(save="1", email="new@example.com"))
    run_jobs()
    assert [mail.to for mail in mailoutbox] == [["ann@example.com"], ["new@example.com"]]


def test_link_of_what_is_sent_already_is_not_mailed(client, opening, run_jobs, mailoutbox):
    client.post(APPLY, filled(save="1", cv=pdf()))
    client.post(Draft.objects.get().get_absolute_url(), filled())
    run_jobs()
    assert ["unfinished" in mail.subject for mail in mailoutbox].count(True) == 0


def test_nothing_wrong_is_saved(client, opening):
    response = client.post(APPLY, filled(save="1", message="My SSN is 123-45-6789", email="ann@"))
    assert [field.name for field in response.context["form"] if field.errors] == ["email", "message"]
    assert Draft.objects.count() == 0


def test_draft_of_another_opening_is_not_opened(client, opening):
    other = Draft.objects.create(opening=OpeningFactory(slug="mri"), language="en", name="Bo Ray", is_saved=True)
    response = client.get(f"{APPLY}{other.token}/")
    assert (response.status_code, response["Location"]) == (302, APPLY)


def test_old_drafts_go_with_their_files(client, opening, settings):
    with time_machine.travel("2026-05-01 12:00Z", tick=False) as clock:
        client.post(APPLY, filled(save="1", cv=pdf()))
        client.post(APPLY, filled(email="", cv=pdf()))
        clock.shift(24 * 3600)
        assert drafts.delete_old_drafts() == 0
        clock.shift(1)
        assert (drafts.delete_old_drafts(), Draft.objects.get().is_saved, files_on_disk(settings)) == (1, True, 1)
        clock.shift(29 * 24 * 3600)
        assert (drafts.delete_old_drafts(), ApplicationFile.objects.count(), files_on_disk(settings)) == (1, 0, 0)


def test_full_disk_is_said_at_the_file_and_nothing_typed_is_lost(client, opening, settings, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("practice.private_files.os.fsync", full)
    response = client.post(APPLY, filled(cv=pdf()))
    assert response.status_code == 507
    sentence = "We have no room to take this file just now. Please try again in an hour, or call us."
    assert response.context["form"].errors == {"cv": [sentence]}
    assert ('value="Ann Lee"' in response.text, Application.objects.count(), Draft.objects.count()) == (True, 0, 0)
    assert (ApplicationFile.objects.count(), files_on_disk(settings)) == (0, 0)


def test_form_sent_twice_makes_one_application(client, opening):
    once = re.search(r'name="once" value="([^"]+)"', client.get(APPLY).text)[1]
    first, second = (client.post(APPLY, filled(once=once, cv=pdf())) for _number in range(2))
    assert (first["Location"], Application.objects.count()) == (second["Location"], 1)


def test_draft_that_another_tab_has_sent_is_not_made_anew(client, opening, settings):
    response = client.post(APPLY, filled(email="", cv=pdf()))
    address = action_of(response)
    draft = Draft.objects.get()
    client.post(address, filled())
    for late in (
        lambda: drafts.keep_files(draft, opening, "en", [], []),
        lambda: drafts.save_draft(draft, opening, "en", [], name="", email="a@example.com", phone="", message=""),
    ):
        with pytest.raises(drafts.DraftGone):
            late()
    with pytest.raises(NoCV):
        receive_application(
            opening, name="x", email="x@example.com", phone="", message="", language="en", files=[], draft=draft
        )
    assert (Application.objects.count(), Draft.objects.count(), files_on_disk(settings)) == (1, 0, 1)
    (file,) = take_in([(FileKind.OTHER, pdf("letter.pdf"))])
    with pytest.raises(NoCV):
        receive_application(
            opening, name="x", email="x@example.com", phone="", message="", language="en", files=[file], draft=draft
        )
    discard([file])  # a second time
    assert files_on_disk(settings) == 1
    late = client.post(address, filled(cv=pdf("other.pdf")))
    assert (late.status_code, late["Location"], files_on_disk(settings)) == (302, APPLY, 1)


def test_page_filled_in_anew_is_another_application(client, opening):
    once = "6e0d0a4b-5c5f-4f3c-8f5e-111111111111"
    for message in ("One", "One", "Corrected"):
        client.post(APPLY, filled(once=once, message=message, cv=pdf()))
    OpeningFactory(slug="mri")
    client.post("/careers/mri/apply/", filled(once=once, message="One", cv=pdf()))
    assert sorted(Application.objects.values_list("opening__slug", "message")) == [
        ("ct", "Corrected"),
        ("ct", "One"),
        ("mri", "One"),
    ]


def test_kept_files_are_limited_in_all_and_nothing_typed_is_lost(client, opening, settings, monkeypatch):
    monkeypatch.setattr(views, "DRAFTS_IN_ALL", throttles.Limit("test", 1, timedelta(days=1)))
    first = client.post(APPLY, filled(email="", cv=pdf()))
    second = client.post(APPLY, filled(email="", cv=pdf()))
    saved = client.post(APPLY, filled(save="1", cv=pdf()))
    assert (kept(first), kept(second), saved.status_code) == (["cv.pdf"], [], 429)
    assert ('value="Ann Lee"' in second.text, 'value="Ann Lee"' in saved.text) == (True, True)
    assert (Draft.objects.count(), files_on_disk(settings)) == (1, 1)


def test_nobody_is_mailed_links_all_day(client, opening, run_jobs, mailoutbox):
    client.post(APPLY, filled(save="1"))
    address = Draft.objects.get().get_absolute_url()
    for number in range(8):
        client.post(address, filled(save="1", email=("ann@example.com", "bo@example.com")[number % 2]))
        run_jobs()
    assert sorted(mail.to[0] for mail in mailoutbox) == ["ann@example.com"] * 3 + ["bo@example.com"] * 3


@pytest.mark.parametrize(
    "path",
    ["application/%00/", "application/a%00b/sent/", "ct/apply/%00/", "application/x/", f"application/{'x' * 33}/"],
)
def test_link_that_is_none_is_not_found(client, opening, path):
    assert client.get(f"/careers/{path}").status_code == 404
