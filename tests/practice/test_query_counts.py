"""Each list asks the database the same number of questions for one row as for three."""

from datetime import date

import pytest

from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState, Outcome, OutcomeState
from billing.models import DailyClose, Payment, QuestionKind, Refund, StatementUpload
from billing.payments import settle
from billing.plans import agree
from billing.questions import ask, request_estimate
from practice.models import OpeningHours, Weekday
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
    for article in factories.ArticleFactory.create_batch(count):
        factories.ArticleFactory(topic=article.topic, language="es")
        article.topic.locations.set(factories.LocationFactory.create_batch(count))
        article.topic.procedure_codes.create(code=f"7{article.pk}")


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
        ("/patient-information/", articles, 4),
        ("/patient-information/feed/", articles, 2),
        ("/prep-sheets/", articles, 7),
        ("/sitemap.xml", articles, 6),
        ("/search/?q=article", articles, 14),
        ("/infobutton?mainSearchCriteria.v.dn=article&knowledgeResponseType=json", articles, 7),
        ("/glossary/", terms, 4),
        ("/glossary/?q=word", terms, 5),
        ("/careers/", openings, 3),
    ],
)
def test_list_query_count(client, identity, django_assert_num_queries, url, rows, queries, count):
    rows(count)

    with django_assert_num_queries(queries):
        client.get(url)


def statements(count):
    factories.StatementFactory.create_batch(count)


def attempts(count):
    factories.AttemptFactory.create_batch(count)


def payments_taken(count):
    for number in range(count):
        attempt = factories.AttemptFactory()
        settle(attempt, Outcome(OutcomeState.PAID, payment_ref=f"pay_{number}", amount_cents=10_000))
    return list(Payment.objects.all())


def refunds(count):
    """Each waits for a second person, so that the list shows it."""
    for payment in payments_taken(count):
        Refund.objects.create(
            payment=payment,
            gateway="sandbox",
            amount_cents=5_000,
            needs_second_person=True,
            state="proposed",
            requested_by=factories.UserFactory(),
        )


def disputes(count):
    for payment in payments_taken(count):
        outcome = DisputeOutcome(DisputeOutcomeState.OPEN, f"d_{payment.pk}", payment.payment_ref, 5_000)
        apply_dispute("sandbox", outcome)


def plans(count):
    for statement in factories.StatementFactory.create_batch(count):
        agree(statement, 3, email="ann@example.com", language="en", address=None)


def questions(count):
    for statement in factories.StatementFactory.create_batch(count):
        ask(statement, QuestionKind.CHARGE, "Why?", line=statement.lines.get())


def estimates(count):
    for _row in range(count):
        request_estimate(name="Ann", contact="ann@example.com", exam="MRI", scheduled_on=None, language="en")


def closes(count):
    for day in range(1, count + 1):
        DailyClose.objects.create(
            day=date(2026, 11, day),
            closed_by=factories.UserFactory(),
            first_position=1,
            last_position=0,
            entries=0,
            payments_cents=0,
            refunds_cents=0,
            disputes_cents=0,
            fees_cents=0,
            deposit_cents=0,
            body="",
            sha256="",
        )


def statement_uploads(count):
    for number in range(count):
        StatementUpload.objects.create(file_name=f"{number}.csv", uploaded_by=factories.UserFactory())


def applications(count):
    factories.ApplicationFactory.create_batch(count)


def documents(count):
    factories.DocumentFactory.create_batch(count)


def shifts(count):
    factories.CallShiftFactory.create_batch(count)


def advice(count):
    factories.OrderingAdviceFactory.create_batch(count)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("url", "rows", "queries"),
    [
        ("/admin/billing/statement/", statements, 10),
        ("/admin/billing/attempt/", attempts, 10),
        ("/admin/billing/journal/", statements, 10),
        ("/admin/billing/payment/", payments_taken, 10),
        ("/admin/billing/refund/", refunds, 10),
        ("/admin/billing/dispute/", disputes, 10),
        ("/admin/billing/paymentplan/", plans, 10),
        ("/admin/billing/question/", questions, 10),
        ("/admin/billing/estimaterequest/", estimates, 10),
        ("/admin/billing/dailyclose/", closes, 10),
        ("/admin/billing/statementupload/", statement_uploads, 10),
        ("/admin/patients/patient/", statements, 10),
        ("/admin/careers/application/", applications, 11),
        ("/admin/careers/opening/", openings, 11),
        ("/admin/education/article/", articles, 10),
        ("/admin/education/term/", terms, 12),
        ("/admin/practice/notice/", notices, 11),
        ("/admin/practice/physician/", physicians, 11),
        ("/admin/announcements/announcement/", announcements, 10),
        ("/admin/resources/document/", documents, 12),
        ("/admin/resources/callshift/", shifts, 11),
        ("/admin/resources/callservice/", shifts, 10),
        ("/admin/resources/orderingadvice/", advice, 10),
    ],
)
def test_office_list_query_count(staff, identity, django_assert_num_queries, url, rows, queries, count):
    rows(count)
    client = staff(is_superuser=True)
    assert len(client.get(url).context["cl"].result_list) >= count  # some notices come with the migrations

    with django_assert_num_queries(queries):
        client.get(url)
