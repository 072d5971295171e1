"""Each list asks the database the same number of questions for one row as for three."""

import pytest

from practice.accounts import roles
from practice.models import OpeningHours, Weekday
from practice.resources.models import Audience
from tests import factories

pytestmark = pytest.mark.django_db


def announcements(count):
    for _row in range(count):
        factories.AnnouncementFactory(kind="community").physicians.add(factories.PhysicianFactory())


def physicians(count):
    factories.PhysicianFactory.create_batch(count)


def locations(count):
    for location in factories.LocationFactory.create_batch(count):
        OpeningHours.objects.create(location=location, weekday=Weekday.MONDAY, opens_at="08:00", closes_at="17:00")


def notices(count):
    factories.NoticeVersionFactory.create_batch(count)


def articles(count):
    factories.ArticleFactory.create_batch(count)


def terms(count):
    for number in range(count):
        factories.make_term(f"word-{number}", en=f"Word {number}", synonyms=[f"Other {number}"])


def openings(count):
    factories.OpeningFactory.create_batch(count)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("url", "rows", "queries"),
    [
        ("/", announcements, 3),
        ("/announcements/", announcements, 4),
        ("/announcements/feed/", announcements, 2),
        ("/giving-back/", announcements, 3),
        ("/physicians/", physicians, 3),
        ("/locations/", locations, 3),
        ("/notices/", notices, 2),
        ("/patient-information/", articles, 2),
        ("/glossary/", terms, 4),
        ("/glossary/?q=word", terms, 5),
        ("/careers/", openings, 2),
    ],
)
def test_list_query_count(client, identity, django_assert_num_queries, url, rows, queries, count):
    rows(count)

    with django_assert_num_queries(queries):
        client.get(url)


@pytest.mark.parametrize("count", [1, 3])
def test_resources_query_count(staff, identity, django_assert_num_queries, count):
    factories.DocumentFactory.create_batch(count, audience=Audience.STAFF)
    client = staff(roles.BILLING)
    client.get("/resources/")

    with django_assert_num_queries(8):
        client.get("/resources/")


def statements(count):
    factories.StatementFactory.create_batch(count)


def attempts(count):
    factories.AttemptFactory.create_batch(count)


def applications(count):
    factories.ApplicationFactory.create_batch(count)


def documents(count):
    factories.DocumentFactory.create_batch(count)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("url", "rows", "queries"),
    [
        ("/admin/billing/statement/", statements, 9),
        ("/admin/billing/attempt/", attempts, 10),
        ("/admin/billing/journal/", statements, 9),
        ("/admin/patients/patient/", statements, 9),
        ("/admin/careers/application/", applications, 11),
        ("/admin/careers/opening/", openings, 11),
        ("/admin/education/article/", articles, 10),
        ("/admin/education/term/", terms, 12),
        ("/admin/practice/notice/", notices, 11),
        ("/admin/practice/physician/", physicians, 11),
        ("/admin/announcements/announcement/", announcements, 10),
        ("/admin/resources/document/", documents, 10),
    ],
)
def test_office_list_query_count(staff, identity, django_assert_num_queries, url, rows, queries, count):
    rows(count)
    client = staff(is_superuser=True)
    client.get(url)

    with django_assert_num_queries(queries):
        client.get(url)
