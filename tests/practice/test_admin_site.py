"""Rules of the whole office: which lookups a list takes, and where a row leads on the public site."""

import io

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from practice.pictures import check_picture
from practice.search.models import MissedSearch
from tests import factories
from tests.billing.books import begin_plan

pytestmark = pytest.mark.usefixtures("identity")


@pytest.mark.parametrize(
    "query",
    [
        "name__regex=(", "email__regex=(", "status_changed_at__year=0", "received_at__year=99999999999999999999",
        "token__startswith=Q", "cv__contains=a", "opening__title=x", "nothing=1", "pk__in=1", "id=1",
    ],
)  # fmt: skip
def test_list_takes_only_the_lookups_of_its_own_filters(staff, query):
    factories.ApplicationFactory()
    response = staff("Hiring").get(f"/admin/careers/application/?{query}")
    assert (response.status_code, response.get("Location")) == (302, "/admin/careers/application/?e=1")


@pytest.mark.parametrize(
    "address",
    [
        "/admin/accounts/accessentry/?address=zz", "/admin/accounts/accessentry/?read_at__year=99999999999999999999",
        "/admin/accounts/change/?address=zz", "/admin/accounts/change/export/?row__regex=(",
        "/admin/accounts/accessentry/?read_at__gte=0001-01-01 00:00:00%2B00:00", "/admin/accounts/accessentry/?read_at__gte=yesterday",
        "/admin/accounts/accessentry/?read_at__lt=9999-12-31 23:59:59-05:00", "/admin/billing/paymentplan/?consented_from=zz",
        "/admin/billing/statement/?issued_on__gte=10000-01-01", "/admin/billing/statement/?issued_on__isnull=maybe",
        "/admin/careers/application/?opening__id__exact=999999999999999999999999",
        "/admin/careers/application/?opening__id__exact=x", "/admin/careers/application/?p=999999999999&o=99.-3.x",
    ],
)  # fmt: skip
def test_odd_filters_end_in_no_error(staff, address):
    client = staff("Administrator", is_superuser=True)
    assert client.get(address).status_code in (200, 302)


@pytest.mark.parametrize(
    "address",
    [
        "/admin/careers/application/?opening__id__exact=1", "/admin/careers/application/?status__exact=received",
        "/admin/careers/application/?answer=all&q=ann&o=1&p=1", "/admin/billing/statement/?issued_on__gte=2026-01-01",
        "/admin/practice/physician/?subspecialties__id__exact=1", "/admin/accounts/user/?is_active__exact=1",
    ],
)  # fmt: skip
def test_filters_that_a_list_offers_work(staff, address):
    assert staff("Administrator", is_superuser=True).get(address).status_code == 200


def site_address(row):
    return f"/admin/r/{ContentType.objects.get_for_model(row).pk}/{row.pk}/"


def test_row_leads_to_its_public_page_those_who_may_see_it(staff):
    announcement = factories.AnnouncementFactory()
    address = site_address(announcement)
    assert staff("Editor").get(address)["Location"] == announcement.get_absolute_url()
    assert staff("Hiring").get(address).status_code == 404


def test_private_links_of_applicants_and_payers_are_given_to_nobody(staff):
    plan = begin_plan(factories.StatementFactory())
    rows = [factories.ApplicationFactory(), factories.AttemptFactory(), plan]
    boss = staff("Administrator", is_superuser=True)
    assert [boss.get(site_address(row)).status_code for row in rows] == [404, 404, 404]


@pytest.mark.parametrize("address", ["/admin/r/x/1/", "/admin/r/1/x/", "/admin/r/999999999999/1/", "/admin/r/1/1/"])
def test_row_of_nothing_leads_nowhere(staff, address):
    assert staff("Administrator", is_superuser=True).get(address).status_code == 404


# ---- Instants ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", ["0001", "1999", "2100", "9999"])
def test_announcement_for_ever_is_refused_with_a_sentence(staff, client, year):
    news = factories.AnnouncementFactory()
    fields = {
        "kind": news.kind, "title": news.title, "slug": news.slug, "summary": news.summary, "body": news.body,
        "publish_from_0": "2026-01-01", "publish_from_1": "08:00", "publish_until_0": f"{year}-12-31",
        "publish_until_1": "23:59:59",
    }  # fmt: skip
    page = staff("Editor").post(f"/admin/announcements/announcement/{news.pk}/change/", fields)
    assert (page.status_code, "Give a day between 2000 and 2099." in page.text) == (200, True)
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("year", ["2100", "9999"])
def test_shift_for_ever_is_refused_with_a_sentence(staff, year):
    service = factories.CallServiceFactory()
    fields = {
        "service": service.pk, "tier": "first", "person": "Dr. A", "starts_at_0": "2026-12-01", "starts_at_1": "08:00",
        "ends_at_0": f"{year}-12-31", "ends_at_1": "23:59",
    }  # fmt: skip
    page = staff("Front desk").post("/admin/resources/callshift/add/", fields)
    assert (page.status_code, "Give a day between 2000 and 2099." in page.text) == (200, True)


def test_rotation_to_the_end_of_time_is_refused(staff):
    service = factories.CallServiceFactory()
    fields = {
        "people": "Dr. A", "tier": "first", "first_on": "9999-12-31", "last_on": "9999-12-31", "hand_over_at": "23:30",
        "days_each": "7",
    }  # fmt: skip
    page = staff("Resources editor").post(f"/admin/resources/callservice/{service.pk}/act/plan/", fields)
    assert (page.status_code, "Give a day between 2000 and 2099." in page.text) == (200, True)


@pytest.mark.parametrize("day", ["0001-01-01", "1000-01-01", "9999-12-31"])
def test_no_day_of_another_age_is_closed(staff, day):
    page = staff("Billing").post("/admin/billing/dailyclose/close/", {"day": day, "deposit": "0.00"})
    assert (page.status_code, "Give a day between 2000 and 2099." in page.text) == (200, True)


def test_shift_and_its_service_can_be_deleted(staff):
    shift = factories.CallShiftFactory()
    client = staff("Resources editor")
    assert client.post(f"/admin/resources/callshift/{shift.pk}/delete/", {"post": "yes"}).status_code == 302
    service = factories.CallShiftFactory().service
    assert client.post(f"/admin/resources/callservice/{service.pk}/delete/", {"post": "yes"}).status_code == 302


# ---- Pictures ---------------------------------------------------------------------------------------------------------


def picture(kind):
    target = io.BytesIO()
    Image.new("RGB", (8, 8)).save(target, kind)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "kind", "is_taken"),
    [
        ("a.png", "PNG", True), ("a.jpg", "JPEG", True), ("a.JPEG", "JPEG", True), ("a.gif", "GIF", False),
        ("a.webp", "WEBP", False), ("a.eps", "EPS", False), ("a.pdf", "PNG", False), ("a.png", "JPEG", False),
        ("a.png", "GIF", False),
    ],
)  # fmt: skip
def test_logo_is_a_png_or_jpeg_named_as_what_it_is(name, kind, is_taken):
    upload = SimpleUploadedFile(name, picture(kind))
    if is_taken:
        check_picture(upload)
    else:
        with pytest.raises(ValidationError):
            check_picture(upload)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(ValidationError, match="Choose a PNG or JPEG picture"):
        check_picture(SimpleUploadedFile("a.png", data))


# ---- Sentences where a newcomer stumbled ------------------------------------------------------------------------------


SHIFT = {"tier": "first", "person": "Dr. B", "starts_at_0": "2026-12-28", "starts_at_1": "7 am", "ends_at_1": "07:00"}


def test_shift_that_ends_before_it_starts_is_a_sentence(staff):
    service = factories.CallServiceFactory()
    fields = SHIFT | {"service": service.pk, "ends_at_0": "2026-12-27"}
    page = staff("Front desk").post("/admin/resources/callshift/add/", fields)
    assert (page.status_code, "The hand-over must be after the start." in page.text) == (200, True)


def test_shift_over_anothers_names_who_is_on_call(staff):
    shift = factories.CallShiftFactory(
        person="Dr. Vale", starts_at="2026-12-28T12:00:00Z", ends_at="2026-12-30T12:00:00Z"
    )
    fields = SHIFT | {"service": shift.service_id, "ends_at_0": "2026-12-29"}
    page = staff("Front desk").post("/admin/resources/callshift/add/", fields)
    assert "Dr. Vale is on call then (Dec. 28, 2026, 7 a.m. to Dec. 30, 2026, 7 a.m.)." in page.text


def hours(*rows):
    fields = {"opening_hours-TOTAL_FORMS": len(rows), "opening_hours-INITIAL_FORMS": 0}
    for number, row in enumerate(rows):
        names = zip(("weekday", "opens_at", "closes_at"), row, strict=True)
        fields |= {f"opening_hours-{number}-{name}": value for name, value in names}
    return fields


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(6, "8:30 am", "1 pm")], ""),
        ([(1, "07:00", "12:00"), (1, "12:00", "5:30 PM")], ""),
        ([(6, "8:30 am", "1 pm"), (6, "9:00", "11:00")], "The hours of Saturday overlap."),
        ([(6, "8:30 am", "noonish")], "Enter a valid time."),
    ],
)
def test_opening_hours_are_read_as_people_write_them_and_do_not_overlap(staff, rows, said):
    place = factories.LocationFactory()
    fields = {
        "name": place.name, "slug": place.slug, "street": "x", "city": "x", "state": "IN", "postal_code": "46500",
        "phone": "(574) 555-0100", "position": "0",
    }  # fmt: skip
    page = staff("Editor").post(f"/admin/practice/location/{place.pk}/change/", fields | hours(*rows))
    assert (page.status_code, place.opening_hours.count()) == ((200, 0) if said else (302, len(rows)))
    assert said in page.text


def test_opening_whose_last_day_is_over_is_not_posted(staff):
    opening = factories.OpeningFactory()
    client = staff("Hiring")
    form = client.get(f"/admin/careers/opening/{opening.pk}/change/").context["adminform"].form
    fields = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    page = client.post(f"/admin/careers/opening/{opening.pk}/change/", fields | {"closes_on": "2020-01-01"})
    assert "This day is over, so nobody could apply. Choose a later day or close it." in page.text


@pytest.mark.parametrize("born_on", ["2999-01-01", "1/1/2999", "2/30/1950", "yesterday"])
def test_birth_date_that_cannot_be_is_refused(staff, born_on):
    patient = factories.PatientFactory()
    fields = {"first_name": "A", "last_name": "B", "born_on": born_on, "language": "en"}
    page = staff("Billing lead").post(f"/admin/patients/patient/{patient.pk}/change/", fields)
    before = patient.born_on
    patient.refresh_from_db()
    assert (page.status_code, patient.born_on) == (200, before)


def test_announcement_says_whether_visitors_read_it(staff):
    news = factories.AnnouncementFactory()
    address = f"/admin/announcements/announcement/{news.pk}/change/"
    fields = {"kind": news.kind, "title": news.title, "slug": news.slug, "summary": news.summary, "body": news.body}
    client = staff("Editor")
    for day, said, leads_there in (
        ("2026-01-01", "Everybody can read it", True),
        ("2098-01-01", "Nobody reads", False),
    ):
        client.post(address, fields | {"publish_from_0": day, "publish_from_1": "08:00"})
        page = client.get(address).text
        assert said in page
        assert ("/admin/r/" in page) is leads_there


def test_search_without_a_result_leads_to_a_synonym_or_is_dealt_with(staff):
    missed = MissedSearch.objects.create(language="en", words="belly scan")
    client = staff("Editor")
    to_synonym = client.post(f"/admin/search/missedsearch/{missed.pk}/act/synonym/")["Location"]
    assert "belly scan = " in client.get(to_synonym).text
    client.post(f"/admin/search/missedsearch/{missed.pk}/act/dealt-with/")
    assert MissedSearch.objects.open().count() == 0


def test_list_of_one_area_shows_its_rooms(staff):
    page = staff("Front desk").get("/admin/practice/").text
    assert ("/admin/practice/feedback/" in page, "Nothing waits" in page) == (True, False)


@pytest.mark.parametrize(
    "address",
    [
        "/admin/resources/callshift/add/?service=abc", "/admin/resources/callshift/add/?starts_at=abc",
        "/admin/resources/callshift/add/?starts_at=9999-12-31 23:59:59", "/admin/resources/document/add/?collection=abc",
        "/admin/announcements/announcement/add/?publish_from=x&physicians=abc", "/admin/education/article/add/?topic=x",
        "/admin/resources/orderingadvice/add/?reviewed_by=x", "/admin/search/synonymgroup/add/?nothing=x",
    ],
)  # fmt: skip
def test_new_row_begins_with_what_its_fields_can_hold(staff, address):
    assert staff("Administrator", is_superuser=True).get(address).status_code == 200


def test_new_row_begins_with_what_the_address_says(staff):
    service = factories.CallServiceFactory()
    page = staff("Front desk").get(f"/admin/resources/callshift/add/?service={service.pk}&starts_at=2026-12-01 07:00")
    assert page.context["adminform"].form["starts_at"].value().year == 2026
    assert f'<option value="{service.pk}" selected>' in page.text


def test_choices_are_given_to_fields_that_ask_for_them_alone(staff):
    bill = factories.StatementFactory()
    query = {
        "app_label": "billing",
        "model_name": "statement",
        "field_name": "patient",
        "term": bill.patient.account_number,
    }
    assert staff("Billing").get("/admin/autocomplete/", query).status_code == 403


def test_picture_too_large_to_be_one_is_refused():
    target = io.BytesIO()
    Image.new("1", (5000, 5000)).save(target, "PNG")
    with pytest.raises(ValidationError):
        check_picture(SimpleUploadedFile("a.png", target.getvalue()))
