"""Rows for tests: the same each time, valid as they are, about nobody."""

from datetime import date, timedelta

import factory
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from factory.django import DjangoModelFactory

from billing import ledger
from billing.codes import check_character, code_index, link_index, link_token
from billing.models import Attempt, Statement, StatementLine
from careers.files import take_in
from careers.models import (
    FINAL_STATUSES,
    Application,
    ApplicationFile,
    ApplicationStatus,
    Criterion,
    Employment,
    FileKind,
    Opening,
    OpeningStatus,
    Role,
)
from education import publishing
from education.annotation import Explainer
from education.glossary import save_entry
from education.models import (
    Article,
    ArticleStatus,
    BodyRegion,
    Edition,
    Modality,
    Section,
    SectionKind,
    Term,
    Topic,
    TopicKind,
)
from patients.models import Patient
from practice.accounts.models import User
from practice.announcements.models import Announcement, AnnouncementKind
from practice.models import Feedback, Identity, Location, Notice, NoticeVersion, Physician
from practice.resources.audiences import Audience
from practice.resources.demo_pdf import one_page
from practice.resources.models import (
    AdviceRegion,
    CallService,
    CallShift,
    Collection,
    Contact,
    Document,
    DocumentKind,
    OrderingAdvice,
)
from practice.resources.versions import add_version

PASSWORD = "a long test password"


class IdentityFactory(DjangoModelFactory):
    class Meta:
        model = Identity

    name = "Test Radiology"
    tagline = "A tagline"
    main_phone = "(574) 555-0100"
    scheduling_phone = "(574) 555-0110"
    billing_phone = "(574) 555-0120"
    street = "1 Test Street"
    city = "Testville"
    state = "IN"
    postal_code = "46500"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = factory.Sequence(lambda n: f"Person {n}")

    @classmethod
    def _create(cls, model_class, *args, password=PASSWORD, **facts):
        user = model_class(**facts)
        user.set_password(password)
        user.save()
        return user

    @factory.post_generation
    def roles(self, create, extracted, **_options):
        if names := set(extracted or ()):
            groups = Group.objects.filter(name__in=names)
            assert {group.name for group in groups} == names
            held = self.groups.through
            held.objects.bulk_create(held(user=self, group=group) for group in groups)


class LocationFactory(DjangoModelFactory):
    class Meta:
        model = Location

    name = factory.Sequence(lambda n: f"Location {n}")
    slug = factory.Sequence(lambda n: f"location-{n}")
    street = "2 Test Street"
    city = "Testville"
    state = "IN"
    postal_code = "46500"
    phone = "(574) 555-0101"


class PhysicianFactory(DjangoModelFactory):
    class Meta:
        model = Physician

    name = factory.Sequence(lambda n: f"Physician Number{n}")
    credentials = "MD"
    slug = factory.Sequence(lambda n: f"physician-{n}")
    biography = "Reads images."


class FeedbackFactory(DjangoModelFactory):
    class Meta:
        model = Feedback

    topic = "visit"
    message = "Kind people."
    language = "en"


class NoticeFactory(DjangoModelFactory):
    class Meta:
        model = Notice
        django_get_or_create = ["slug"]

    title = factory.Sequence(lambda n: f"Notice {n}")
    slug = factory.Sequence(lambda n: f"notice-{n}")


class NoticeVersionFactory(DjangoModelFactory):
    class Meta:
        model = NoticeVersion

    notice = factory.SubFactory(NoticeFactory)
    effective_on = date(2026, 1, 1)
    body = "What it says."


class AnnouncementFactory(DjangoModelFactory):
    class Meta:
        model = Announcement

    kind = AnnouncementKind.WELCOME
    title = factory.Sequence(lambda n: f"Announcement {n}")
    slug = factory.Sequence(lambda n: f"announcement-{n}")
    summary = "A short summary."
    publish_from = factory.LazyFunction(lambda: timezone.now() - timedelta(days=1))


class CollectionFactory(DjangoModelFactory):
    class Meta:
        model = Collection

    title = factory.Sequence(lambda n: f"Collection {n}")
    slug = factory.Sequence(lambda n: f"collection-{n}")
    audience = Audience.STAFF


class DocumentFactory(DjangoModelFactory):
    """A document with a first version; `audience` is its collection's, `version={...}` are facts of the version."""

    class Meta:
        model = Document
        skip_postgeneration_save = True

    class Params:
        audience = Audience.STAFF

    collection = factory.SubFactory(CollectionFactory, audience=factory.SelfAttribute("..audience"))
    title = factory.Sequence(lambda n: f"Document {n}")
    slug = factory.Sequence(lambda n: f"document-{n}")
    kind = DocumentKind.PROTOCOL

    @factory.post_generation
    def version(self, create, extracted, **facts):
        facts |= extracted or {}
        if "url" not in facts:
            facts.setdefault("file", ContentFile(one_page("Test", ["A line"]), name="test.pdf"))
        add_version(self, **facts)


class CallServiceFactory(DjangoModelFactory):
    class Meta:
        model = CallService

    name = factory.Sequence(lambda n: f"Service {n}")
    phone = "(574) 555-0150"
    audience = Audience.STAFF


class CallShiftFactory(DjangoModelFactory):
    """Somebody who is on call now."""

    class Meta:
        model = CallShift

    service = factory.SubFactory(CallServiceFactory)
    person = factory.Sequence(lambda n: f"Dr. Number{n}")
    starts_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))
    ends_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))


class OrderingAdviceFactory(DjangoModelFactory):
    class Meta:
        model = OrderingAdvice

    region = AdviceRegion.CHEST
    question = factory.Sequence(lambda n: f"Question {n}")
    exam = "Chest X-ray"
    codes = "71046"
    is_sample = True


class ContactFactory(DjangoModelFactory):
    class Meta:
        model = Contact

    name = factory.Sequence(lambda n: f"Contact {n}")
    what_for = "Everything"
    phone = "(574) 555-0160"
    audience = Audience.STAFF


class TopicFactory(DjangoModelFactory):
    """A topic; `codes=["71046"]` are its procedure codes."""

    class Meta:
        model = Topic
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"topic-{n}")
    kind = TopicKind.EXAM
    body_region = BodyRegion.CHEST
    modality = Modality.CT

    @factory.post_generation
    def codes(self, create, extracted, **_options):
        for code in extracted or ():
            self.procedure_codes.create(code=code)


class ArticleFactory(DjangoModelFactory):
    """A sample article in English with one section, on the site as an import puts it there.

    With another status only its text is kept. Published text that is no sample needs a reviewer and both dates.
    """

    class Meta:
        model = Article
        skip_postgeneration_save = True

    topic = factory.SubFactory(TopicFactory)
    language = "en"
    title = factory.Sequence(lambda n: f"Article {n}")
    summary = "What it is."
    copyright = "© Test"
    licence = "Test licence"
    is_sample = True
    status = ArticleStatus.PUBLISHED

    @factory.post_generation
    def sections(self, create, extracted, **_options):
        for kind, body in (extracted or {SectionKind.BASIC_FACTS: "The facts."}).items():
            Section.objects.create(article=self, kind=kind, body=body)
        if self.status == ArticleStatus.PUBLISHED:
            publishing.publish_imported([self], {self.language: Explainer(self.language)})
        else:
            publishing.keep_edition(self)
        self.refresh_from_db(fields=["digest", "reviewed_digest", "grade_reason"])


def live(article: Article) -> Edition | None:
    """What the site shows of the article."""
    return article.editions.filter(is_live=True).first()


def make_term(slug, *, en=None, es=None, synonyms=()):
    """A glossary term with a name in each language given."""
    term = Term.objects.create(slug=slug)
    for language, name in (("en", en), ("es", es)):
        if name:
            save_entry(term, language, name, f"What {name} means.", "", list(synonyms))
    return term


class OpeningFactory(DjangoModelFactory):
    class Meta:
        model = Opening

    title = factory.Sequence(lambda n: f"Opening {n}")
    slug = factory.Sequence(lambda n: f"opening-{n}")
    role = Role.RADIOLOGIST
    location = factory.SubFactory(LocationFactory)
    employment = Employment.FULL_TIME
    schedule = "Four days"
    pay_from_cents = 30_000_000
    pay_to_cents = 40_000_000
    summary = "A good job."
    body = "What you do."
    status = OpeningStatus.OPEN


class CriterionFactory(DjangoModelFactory):
    class Meta:
        model = Criterion

    opening = factory.SubFactory(OpeningFactory)
    text = factory.Sequence(lambda n: f"Criterion {n}")


class ApplicationFactory(DjangoModelFactory):
    """An application with its CV. Decided ones have their date, and those declined a reason."""

    class Meta:
        model = Application
        skip_postgeneration_save = True

    opening = factory.SubFactory(OpeningFactory)
    name = factory.Sequence(lambda n: f"Applicant {n}")
    email = factory.Sequence(lambda n: f"applicant{n}@example.com")
    language = "en"
    status = ApplicationStatus.RECEIVED
    answer_by = factory.LazyAttribute(
        lambda row: None if row.status in FINAL_STATUSES else timezone.localdate() + timedelta(days=14)
    )
    decided_at = factory.LazyAttribute(lambda row: timezone.now() if row.status in FINAL_STATUSES else None)
    reason = factory.LazyAttribute(lambda row: "other" if row.status == ApplicationStatus.DECLINED else "")

    @factory.post_generation
    def cv(self, create, extracted, **_options):
        """The CV that came with it: the bytes and the name of a file."""
        upload = extracted or ContentFile(one_page("CV", ["A line"]), name="cv.pdf")
        for file in take_in([(FileKind.CV, upload)]):
            ApplicationFile.objects.filter(pk=file.pk).update(application=self)


class PatientFactory(DjangoModelFactory):
    class Meta:
        model = Patient

    account_number = factory.Sequence(lambda n: f"ACC-{n}")
    born_on = date(1950, 6, 15)

    @classmethod
    def _create(cls, model_class, *args, **facts):
        patient = model_class(**facts)
        patient.set_names("Testa", "Patientson")
        patient.save()
        return patient


def code_of(number: int) -> str:
    """A valid look-up code for the n-th test statement."""
    body = f"TEST{number:08d}"
    return body + check_character(body)


class StatementFactory(DjangoModelFactory):
    """A statement of one line on which the patient owes `owes` cents, issued through the ledger like an imported one."""

    class Meta:
        model = Statement

    patient = factory.SubFactory(PatientFactory)
    number = factory.Sequence(lambda n: f"ST-{n}")
    code = factory.Sequence(code_of)
    issued_on = date(2026, 10, 1)
    due_on = date(2026, 12, 1)
    content_hash = "0" * 64

    @classmethod
    @transaction.atomic
    def _create(cls, model_class, *args, owes=10_000, **facts):
        facts["code_index"] = code_index(facts["code"])
        facts["link_index"] = link_index(link_token(facts["number"], 1))
        statement = model_class.objects.create(**facts)
        StatementLine.objects.create(
            statement=statement,
            position=1,
            service_on=date(2026, 9, 1),
            procedure_code="71046",
            description="Chest X-ray",
            charge_cents=owes * 3,
            insurance_paid_cents=owes,
            adjustment_cents=owes,
            patient_cents=owes,
        )
        if owes:
            ledger.post_all([ledger.charge_entry(statement.number, [(statement, owes)])])
        statement.refresh_from_db()
        return statement


class AttemptFactory(DjangoModelFactory):
    class Meta:
        model = Attempt

    statement = factory.SubFactory(StatementFactory)
    amount_cents = 10_000
    gateway = "sandbox"
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))
