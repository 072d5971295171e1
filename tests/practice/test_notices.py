"""The register of notices: other languages, what was in force on a day, and how the office writes the next version."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from practice import languages
from practice.models import NoticeTranslation, NoticeVersion
from tests.factories import NoticeFactory, NoticeVersionFactory

pytestmark = pytest.mark.usefixtures("identity")

ADD = "/admin/practice/noticeversion/add/"


@pytest.fixture
def today():
    return timezone.localdate()


def rows_of(prefix, *texts, first=0):
    """The fields of an inline formset."""
    fields = {f"{prefix}-TOTAL_FORMS": len(texts), f"{prefix}-INITIAL_FORMS": first}
    for number, text in enumerate(texts):
        fields |= {f"{prefix}-{number}-{name}": value for name, value in text.items()}
    return fields


# ---- Other languages ------------------------------------------------------------------------------------------------


def test_each_language_has_a_name_of_its_own_and_a_direction():
    names = [languages.native_name(code) for code, _label in languages.CHOICES]
    assert len(set(names)) == len(names) >= 40
    assert {code for code in languages.KNOWN if languages.direction(code) == "rtl"} == {"ar", "fa", "ur", "yi"}


def test_the_page_marks_each_language_and_its_direction(client, today):
    version = NoticeVersionFactory(notice__slug="help", effective_on=today, body="Help is free.", body_es="Es gratis.")
    version.translations.create(language="ar", body="المساعدة مجانية")
    version.translations.create(language="vi", body="**Miễn phí**")
    page = client.get("/notices/help/").text
    assert '<a class="tag" href="#ar" lang="ar" dir="rtl">العربيّة</a>' in page
    assert '<section class="text section" id="vi" lang="vi" dir="ltr"' in page
    assert "<strong>Miễn phí</strong>" in page
    assert "Es gratis." in client.get("/es/notices/help/").text


def test_a_version_is_asked_for_its_languages_once(client, today, django_assert_num_queries):
    version = NoticeVersionFactory(notice__slug="help", effective_on=today)
    for code in ("ar", "vi", "de"):
        version.translations.create(language=code, body="x")
    with django_assert_num_queries(5):  # notice, version, its texts, all versions, the practice
        client.get("/notices/help/")


def test_one_text_a_language_and_only_known_ones(today):
    version = NoticeVersionFactory(effective_on=today + timedelta(days=9))
    version.translations.create(language="de", body="Eins.")
    for language, rule in (("de", "practice_noticetranslation_once_each"), ("tlh", "language_known")):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            version.translations.create(language=language, body="Zwei.")


STAYS = "a notice that has been in force stays as it was"


@pytest.mark.parametrize(
    "query",
    [
        "UPDATE practice_noticetranslation SET body = 'It never said so.'",
        "UPDATE practice_noticetranslation SET version_id = (SELECT max(id) FROM practice_noticeversion)",
        "DELETE FROM practice_noticetranslation",
    ],
)
def test_a_text_in_force_stays_as_it_was(query, today):
    version = NoticeVersionFactory(effective_on=today)
    version.translations.create(language="de", body="So war es.")
    NoticeVersionFactory(effective_on=date(2199, 1, 1))
    with pytest.raises(IntegrityError, match=STAYS), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(query)


def test_a_version_that_has_begun_takes_no_more_texts(today):
    begun = NoticeVersionFactory(effective_on=today - timedelta(days=3))
    coming = NoticeVersionFactory(effective_on=today + timedelta(days=3))
    text = coming.translations.create(language="de", body="x")
    with pytest.raises(IntegrityError, match=STAYS), transaction.atomic():
        begun.translations.create(language="de", body="x")
    with pytest.raises(IntegrityError, match=STAYS), transaction.atomic():
        NoticeTranslation.objects.filter(pk=text.pk).update(version=begun)
    coming.delete()  # with its texts: nobody has read it
    assert NoticeTranslation.objects.count() == 0


# ---- What was in force on a day -------------------------------------------------------------------------------------


@pytest.fixture
def two_notices():
    rights, bills = NoticeFactory(slug="rights", title="Rights"), NoticeFactory(slug="bills", title="Bills")
    NoticeVersionFactory(notice=rights, effective_on=date(2025, 1, 1))
    NoticeVersionFactory(notice=rights, effective_on=date(2026, 1, 1))
    NoticeVersionFactory(notice=bills, effective_on=date(2026, 6, 1))
    NoticeVersionFactory(notice=bills, effective_on=date(2199, 1, 1))


@pytest.mark.parametrize(
    ("on", "listed"),
    [
        ("2024-12-31", []),
        ("2025-12-31", [("rights", "Jan. 1, 2025")]),
        ("2026-06-01", [("bills", "June 1, 2026"), ("rights", "Jan. 1, 2026")]),
        ("", [("bills", "June 1, 2026"), ("rights", "Jan. 1, 2026")]),
    ],
)
def test_register_lists_what_was_in_force(client, two_notices, on, listed):
    page = client.get(f"/notices/?on={on}" if on else "/notices/").text
    found = [
        (slug, day)
        for slug in ("bills", "rights")
        for day in ("Jan. 1, 2025", "Jan. 1, 2026", "June 1, 2026")
        if f'href="/notices/{slug}/{"?on=" + on if on else ""}"' in page
        and f"In force since {day}" in page
        and page.index(f"/notices/{slug}/") < page.index(f"In force since {day}")
    ]
    assert [entry for entry in listed if entry in found] == listed
    assert page.count("In force since") == len(listed)
    assert ("No notice was in force on Dec. 31, 2024." in page) == (on == "2024-12-31")


@pytest.mark.parametrize("path", ["/notices/", "/notices/bills/"])
@pytest.mark.parametrize(
    ("on", "told"),
    [("2199-01-02", "Choose today or an earlier day."), ("yesterday", "Choose a date, or write it as 2026-03-31.")],
)
def test_coming_and_impossible_days_are_refused_and_todays_is_shown(client, two_notices, path, on, told):
    response = client.get(f"{path}?on={on}")
    assert (response.status_code, told in response.text) == (200, True)
    assert "June 1, 2026" in response.text
    assert "2199" not in response.text.replace(f'value="{on}"', "")


# ---- The office -----------------------------------------------------------------------------------------------------


def test_next_version_starts_from_the_text_in_force_in_all_languages(staff, today):
    version = NoticeVersionFactory(effective_on=today, body="So far.", body_es="Hasta ahora.")
    version.translations.create(language="ko", body="지금까지")
    client = staff("Administrator")
    page = client.get(f"/admin/practice/notice/{version.notice_id}/change/").text
    address = f"{ADD}?notice={version.notice_id}"
    form = client.get(address).text
    assert f'href="{address}"' in page
    assert [text in form for text in ("So far.", "Hasta ahora.", "지금까지")] == [True, True, True]

    fields = {
        "notice": version.notice_id,
        "effective_on": today + timedelta(days=5),
        "body": "From now.",
        "body_es": "",
    }
    texts = rows_of("translations", {"language": "ko", "body": "지금까지"}, {"language": "ar", "body": "الآن"})
    client.post(address, fields | texts)
    coming = NoticeVersion.objects.latest("effective_on")
    assert (coming.body, [text.language for text in coming.translations.all()]) == ("From now.", ["ko", "ar"])


@pytest.mark.parametrize("notice", ["", "x", "0", "99999999999999999999", "1%00"])
def test_next_version_of_nothing_starts_empty(staff, notice):
    assert staff("Administrator").get(f"{ADD}?notice={notice}").status_code in (200, 400)


def test_a_past_day_is_refused_and_nothing_typed_is_lost(staff, today):
    notice = NoticeFactory()
    fields = {"notice": notice.pk, "effective_on": today - timedelta(days=1), "body": "Typed.", "body_es": ""}
    texts = rows_of("translations", {"language": "ko", "body": "지금까지"})
    page = staff("Administrator").post(ADD, fields | texts).text
    assert "A new version takes effect today or later, never in the past." in page
    assert ("Typed." in page, "지금까지" in page, NoticeVersion.objects.count()) == (True, True, 0)


def test_a_saved_version_is_shown_not_edited_and_can_be_previewed_before_its_day(staff, client, today):
    version = NoticeVersionFactory(notice__slug="help", effective_on=today + timedelta(days=5), body="From next week.")
    office = staff("Administrator")
    page = office.get(f"/admin/practice/noticeversion/{version.pk}/change/").text
    preview = office.get(f"/admin/practice/noticeversion/{version.pk}/preview/").text
    assert ('name="_save"' in page, "/preview/" in page) == (False, True)
    assert ("From next week." in preview, "Looking at it publishes nothing." in preview) == (True, True)
    assert "From next week." not in client.get("/notices/help/").text
    assert client.get(f"/admin/practice/noticeversion/{version.pk}/preview/").status_code == 302
    assert staff("Editor").get(f"/admin/practice/noticeversion/{version.pk}/preview/").status_code == 403
    assert office.get("/admin/practice/noticeversion/0/preview/").status_code == 404


def test_the_list_says_what_is_not_published_and_what_comes(staff, today):
    NoticeFactory(title="Empty")
    coming = NoticeVersionFactory(effective_on=today + timedelta(days=5))
    page = staff("Administrator").get("/admin/practice/notice/").text
    assert "not published yet" in page
    assert coming.effective_on.strftime("%Y") in page


def test_phone_numbers_keep_their_order_where_the_text_runs_from_the_right(client, today):
    version = NoticeVersionFactory(notice__slug="help", effective_on=today)
    version.translations.create(language="ar", body="اتصل (574) 555-0100")
    assert '<bdi dir="ltr">(574) 555-0100</bdi>' in client.get("/notices/help/").text


def test_version_still_to_come_is_withdrawn_and_begun_from(staff, today):
    version = NoticeVersionFactory(effective_on=today, body="Now.")
    coming = NoticeVersionFactory(notice=version.notice, effective_on=today + timedelta(days=5), body="With a slip.")
    coming.translations.create(language="de", body="x")
    client = staff("Administrator")
    assert "With a slip." in client.get(f"{ADD}?notice={version.notice_id}").text
    assert client.get(f"/admin/practice/noticeversion/{coming.pk}/act/withdraw/").status_code == 200
    client.post(f"/admin/practice/noticeversion/{coming.pk}/act/withdraw/")
    client.post(f"/admin/practice/noticeversion/{version.pk}/act/withdraw/")  # in force: not offered
    assert list(NoticeVersion.objects.all()) == [version]


def test_version_of_another_age_is_a_slip(staff):
    fields = {"notice": NoticeFactory().pk, "effective_on": "9999-01-01", "body": "x", "body_es": ""}
    page = staff("Administrator").post(ADD, fields | rows_of("translations")).text
    assert "This day is more than two years away. Please check the year." in page
