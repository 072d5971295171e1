"""No card number and no social security number reaches the database, through whatever somebody can write into.

Each text column of ours, each text field of a form and each import has its line here; one without fails the suite.
"""

import json

import pytest
from django import forms
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from billing.models import Statement, StatementUpload
from billing.statement_file import ImportRefused, parse_statements
from careers.office.forms import score_form_for
from education.glossary import GlossaryRefused, import_glossary
from education.models import Term
from education.packs.format import PackRefused
from education.packs.reading import read_pack
from practice.accounts.models import User
from practice.free_text import private_number, refuse_private_numbers
from practice.models import Feedback
from practice.resources.models import Document
from practice.search.models import MissedSearch
from tests import factories
from tests.billing.test_imports import table
from tests.signing_in import sign_in

CARD, SSN = "4111 1111 1111 1111", "123-45-6789"

# ---- What is found ---------------------------------------------------------------------------------------------------

WRITTEN = {
    "card": [
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111", "4111/1111/1111/1111",
        "4111_1111_1111_1111", "4111\u00a01111\u00a01111\u00a01111", "4111\n1111\n1111\n1111", "4111\r\n1111\r\n1111\r\n1111",
        "4111\t1111\t1111\t1111", "4111 - 1111 - 1111 - 1111", "４１１１ １１１１ １１１１ １１１１", "٤١١١١١١١١١١١١١١١", "۴۱۱۱۱۱۱۱۱۱۱۱۱۱۱۱",
        "४१११११११११११११११", "4111\u200b1111\u20601111\ufeff1111", "4111–1111—1111−1111", "card:4111111111111111.", "a4111111111111111b",
        "x" * 5000 + "4111111111111111", "378282246310005", "6011 1111 1111 1117", "4222222222222", "6304000000000000000",
        "574-555-0100 4111 1111 1111 1111", "2026-11-23 4111 1111 1111 1111", "pay 11/23/2026: 4111 1111 1111 1111",
        "<b>4111</b> 4111111111111111", "4111 1111 1111 1111 exp 12/29 cvv 123",
        "4111     1111     1111     1111", "4111\r\n\r\n1111\r\n\r\n1111\r\n\r\n1111", "4111  -  1111  -  1111  -  1111",
        "4111\u20281111\u20281111\u20281111", "4111\x851111\x851111\x851111", "4111\x1f1111\x1f1111\x1f1111",
        "4111•1111•1111•1111", "4111⁄1111⁄1111⁄1111", "4111⁃1111⁃1111⁃1111", "4111\u28001111\u28001111\u28001111",
        "4111\u31641111\u31641111\u31641111", "4111\u034f1111\ufe0f1111\u03011111", "4️⃣" + "1️⃣" * 15,
        "71046 74177 4111 1111 1111 1111",
    ],
    "ssn": [
        "123-45-6789", "123 45 6789", "123.45.6789", "123–45–6789", "123‑45‑6789", "１２３-４５-６７８９", "١٢٣-٤٥-٦٧٨٩", "123\n45\n6789",
        "SSN 123456789", "ssn:123456789", "social security number is 123456789", "123456789 is my SSN", "my soc sec: social 123 456 789",
        "123\u00a045\u00a06789", "123−45−6789", "Mi seguro social: 123456789",
        "SSN123456789", "ssn_123456789", "123\r\n\r\n45\r\n\r\n6789", "123\u202845\u20286789", "123•45•6789",
    ],
    "": [
        "", "574-555-0100", "(574) 555-0100", "+1 574 555 0100", "574.555.0100", "5745550100", "574-555-0100 574-555-0110",
        "574-555-0100, 574-555-0110 or 800-555-0199", "574-555-0100\n574-555-0110\n800-555-0199",
        "K7QW-9D2M-HX4T-3", "S-1001", "A-100234", "MRN 00123456", "MRN: 123456789", "NPI 1234567893", "1234567893", "R-2026-000123",
        "2026-11-23 2026-11-24 2026-11-25", "11/23/2026 11/24/2026 11/25/2026", "03/01/2026 - 03/31/2026", "46601-1234", "$1,234.50",
        "123456789", "CPT 71046, 74177 and 70551", "CPT 71046 74177 70551", "71046/74177/70551", "71046\n74177\n70551", "Assn 123456789",
        "9:00-17:00", "1.5 T and 3 T", "M81.0", "2.16.840.1.113883.6.90",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("what", "text"), [(what, text) for what, texts in WRITTEN.items() for text in texts])
def test_number_is_found_however_it_is_written_and_others_are_none(what, text):
    assert private_number(text) == what


# ---- Every column ----------------------------------------------------------------------------------------------------

# Written by our own code: keys, digests, tokens, names of pages, words of ours, what is made of other columns.
OURS = "ours"
# Typed by people, always through a form that refuses: see FORMS below and the pages of the office.
TYPED = "typed"
# From a file that is refused as a whole.
FILE = "file"
# A number by itself, that may be as long as the practice likes.
NUMBER = "number"
# From the card processor, signed by it.
PROCESSOR = "processor"

COLUMNS = {
    "practice.Identity": {TYPED: "name tagline tagline_es main_phone scheduling_phone billing_phone street city state postal_code accent_colour giving_back giving_back_es", OURS: "logo"},
    "practice.Location": {TYPED: "name slug street city state postal_code phone directions directions_es"},
    "practice.Subspecialty": {TYPED: "name name_es"},
    "practice.Physician": {TYPED: "name credentials slug biography biography_es languages", OURS: "portrait"},
    "practice.Notice": {TYPED: "title title_es slug"},
    "practice.NoticeVersion": {TYPED: "body body_es"},
    "practice.NoticeTranslation": {TYPED: "body"},
    "practice.Feedback": {TYPED: "message name email answer"},
    "practice.Throttle": {OURS: "key subject"},
    "accounts.User": {TYPED: "email name", OURS: "password"},
    "accounts.Change": {OURS: "table_name row before route"},
    "accounts.AccessEntry": {OURS: "what row how"},
    "announcements.Announcement": {TYPED: "title title_es slug summary summary_es body body_es"},
    "search.SynonymGroup": {TYPED: "text"},
    "search.Word": {OURS: "word"},  # of texts that were taken
    "search.MissedSearch": {OURS: "words"},  # never with a digit
    "resources.Collection": {TYPED: "title slug summary"},
    "resources.Document": {TYPED: "title slug summary"},
    "resources.Version": {TYPED: "url note", OURS: "file sha256"},
    "resources.OrderingAdvice": {TYPED: "question also exam codes alternative before tell_us"},
    "resources.Contact": {TYPED: "name what_for phone fax email hours"},
    "resources.CallService": {TYPED: "name phone note"},
    "resources.CallShift": {TYPED: "person phone"},
    "patients.Patient": {TYPED: "first_name last_name", NUMBER: "account_number", OURS: "last_name_index born_on"},
    "education.Illustration": {TYPED: "slug alt alt_es", OURS: "drawing"},  # shapes, no text
    "education.Topic": {TYPED: "slug"},
    "education.ProcedureCode": {NUMBER: "code"},
    "education.ReferenceCode": {NUMBER: "code"},
    "education.Article": {TYPED: "title summary also_called sources copyright licence grade_reason", OURS: "sort_key digest reviewed_digest checklist"},
    "education.Section": {TYPED: "body", OURS: "translated_from"},
    "education.LocalNote": {TYPED: "body"},
    "education.Edition": {OURS: "code note title sort_key summary also_called sections places sources copyright licence digest grade_reason translated_from shown"},
    "education.PackFile": {FILE: "path text"},
    "education.Term": {TYPED: "slug"},
    "education.Entry": {TYPED: "name pronunciation definition"},
    "education.Name": {OURS: "text key"},  # EntryForm.synonyms
    "careers.Opening": {TYPED: "title title_es slug schedule schedule_es call call_es partnership partnership_es summary summary_es body body_es"},
    "careers.Criterion": {TYPED: "text"},
    "careers.Application": {TYPED: "name email phone message reason_note", OURS: "token"},
    "careers.Draft": {TYPED: "name email phone message", OURS: "token"},
    "careers.ApplicationFile": {TYPED: "name", OURS: "stored sha256"},
    "careers.MailText": {TYPED: "subject subject_es body body_es"},
    "careers.Letter": {TYPED: "subject body"},
    "careers.LegalHold": {TYPED: "reason"},
    "careers.Certificate": {OURS: "deleted previous digest"},
    "careers.Scorecard": {TYPED: "note"},
    "careers.Comment": {TYPED: "text"},
    "careers.Reveal": {TYPED: "reason"},
    "careers.InterviewSlot": {TYPED: "place interviewer"},
    "billing.Statement": {NUMBER: "number", FILE: "facility insurer", OURS: "code code_index content_hash link_index"},
    "billing.StatementLine": {FILE: "procedure_code description"},
    "billing.Journal": {TYPED: "note", OURS: "cause"},
    "billing.ChainLink": {OURS: "digest"},
    "billing.ImportBatch": {OURS: "sha256", FILE: "file_name"},
    "billing.StatementUpload": {OURS: "file stage report", TYPED: "file_name"},
    "billing.DailyClose": {OURS: "chain_digest body sha256"},
    "billing.Attempt": {TYPED: "receipt_to", OURS: "gateway language last_error", PROCESSOR: "session_ref payment_ref checkout_url"},
    "billing.Payment": {OURS: "gateway receipt_number needs_review", PROCESSOR: "payment_ref card_brand card_last4"},
    "billing.Refund": {TYPED: "reason", OURS: "gateway last_error", PROCESSOR: "refund_ref"},
    "billing.Dispute": {OURS: "gateway", PROCESSOR: "dispute_ref"},
    "billing.GatewayEvent": {OURS: "gateway note", PROCESSOR: "event_id kind body"},
    "billing.PaymentPlan": {TYPED: "email", OURS: "token language consent_text gateway", PROCESSOR: "customer_ref card_ref"},
    "billing.Question": {TYPED: "email"},
    "billing.QuestionMessage": {TYPED: "body"},
    "billing.EstimateRequest": {TYPED: "name contact exam", OURS: "token language"},
    "sandbox.CardSession": {OURS: "key currency language return_url cancel_url payment_ref card_ref"},
    "sandbox.Movement": {OURS: "ref key payment_ref"},
    "sandbox.Notification": {OURS: "body"},
}  # fmt: skip
TEXT_COLUMNS = (models.CharField, models.TextField, models.JSONField, models.FileField)


def ours(module):
    return module.split(".")[0] in {"practice", "patients", "education", "careers", "billing"}


def test_every_text_column_is_named_with_how_it_is_written():
    found = {}
    for model in apps.get_models():
        names = {f.name for f in model._meta.concrete_fields if isinstance(f, TEXT_COLUMNS) and not f.choices}
        if ours(model.__module__) and names:
            found[model._meta.label] = names
    named = {label: {name for names in ways.values() for name in names.split()} for label, ways in COLUMNS.items()}

    assert found == named


# ---- Every form ------------------------------------------------------------------------------------------------------

# Fields that may take such a number, since what is typed there is not kept, or is a number of ours.
MAY = {
    "FeedbackForm.website", "EstimateForm.website", "ApplicationForm.website",  # whoever fills these in is not heard
    "QueryForm.q", "SheetForm.code", "HandoutForm.location",  # asked with, not kept
    "LookUpForm.code", "VerifyForm.number",  # counted by their digest
    "ApplicationForm.once",  # becomes a UUID, whatever it was
    "ReissueForm.number", "IllustrationForm.drawing",
    "AddPasskeyForm.credential",  # what an authenticator signed
    "CodeOnceMixin.code", "CodeForm.code", "CodeAgainForm.code",  # only six right digits are remembered, for 90 seconds
}  # fmt: skip
# The forms of the office reach people through an act or the page of a row, both of which guard all their fields, or:
GUARDED_BY_THE_VIEW = {"UploadForm"}


def all_forms():
    get_resolver().url_patterns  # noqa: B018  (imports every view)
    admin.autodiscover()
    waiting, found = [forms.BaseForm], set()
    while waiting:
        for form in waiting.pop().__subclasses__():
            waiting.append(form)
            if ours(form.__module__):
                found.add(form)
    return found


def text_fields(fields):
    for name, field in fields.items():
        is_text = isinstance(field, forms.CharField) and not isinstance(field, forms.UUIDField)
        if (is_text or isinstance(field, forms.FileField)) and not isinstance(field.widget, forms.PasswordInput):
            yield name, field


def refused(field):
    """The codes with which a field refuses a card number and a social security number."""
    codes = set()
    for number in (CARD, SSN):
        value = SimpleUploadedFile(f"{number}.pdf", b"%PDF-") if isinstance(field, forms.FileField) else number
        try:
            field.run_validators(value)
        except ValidationError as error:
            codes |= {one.code for one in error.error_list}
    return codes & {"card", "ssn"}


def test_every_text_field_of_a_form_refuses_both():
    unguarded = {}
    for form in all_forms():
        module = form.__module__
        in_office = ".office" in module or module.endswith((".admin", "resources.forms", "practice.office"))
        for name, field in text_fields(form.base_fields):
            if refused(field) != {"card", "ssn"} and f"{form.__name__}.{name}" not in MAY and not in_office:
                unguarded[f"{module}.{form.__name__}.{name}"] = refused(field)

    assert unguarded == {}


def acts():
    return [
        act
        for page in admin.site._registry.values()
        for act in (*getattr(page, "acts", ()), *getattr(page, "bulk_acts", ()))
    ]


def test_every_form_of_the_office_comes_through_an_act_or_the_page_of_a_row():
    by_act = {act.form for act in acts() if getattr(act, "form", None) is not None}
    pages = {page.form for page in admin.site._registry.values()}
    pages |= {inline.form for page in admin.site._registry.values() for inline in page.inlines}
    made = {"LetterForm", "DeclineForm", "DeclineWithLetterForm", "NewDocumentForm"}  # by `form_for` and `get_form`
    elsewhere = {
        form.__name__
        for form in all_forms()
        if form.__module__ != "django.forms.widgets"
        and (".office" in form.__module__ or form.__module__.endswith((".admin", "resources.forms")))
        and not any(issubclass(known, form) for known in by_act | pages)
        and not any(issubclass(form, known) for known in pages - {forms.ModelForm})
        and form.__name__ not in made
        and list(text_fields(form.base_fields))
    }

    assert elsewhere == GUARDED_BY_THE_VIEW | {"UserCreation"}


@pytest.fixture
def office(identity):
    request = RequestFactory().get("/")
    request.user = factories.UserFactory(is_staff=True, is_superuser=True)
    return request


HAS_TWO_FORMS = {Document, User}  # another one for a new row


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=lambda model: model._meta.label))
def test_every_page_of_the_office_refuses_both(office, model):
    page = admin.site._registry[model]
    found = {}
    if model is not StatementUpload and (page.has_add_permission(office) or page.has_change_permission(office)):
        for row in (None, model()) if model in HAS_TWO_FORMS else (None,):
            found |= {f"{model.__name__}.{n}": f for n, f in text_fields(page.get_form(office, row).base_fields)}
            for formset, _inline in page.get_formsets_with_inlines(office, row):
                fields = formset.form.base_fields
                found |= {f"{formset.model.__name__}.{n}": f for n, f in text_fields(fields)}

    taking = {name for name, field in found.items() if refused(field) != {"card", "ssn"}}
    assert taking <= {"Illustration.drawing", "ProcedureCode.code", "ReferenceCode.code"}


def the_office():
    return sign_in(Client(), factories.UserFactory(is_staff=True, is_superuser=True))


@pytest.mark.parametrize("number", [CARD, SSN])
def test_act_refuses_both_in_the_words_of_the_public_forms(identity, number):
    client, statement = the_office(), factories.StatementFactory()

    page = client.post(f"/admin/billing/statement/{statement.pk}/act/void/", {"reason": f"paid with {number}"})

    assert (page.status_code, Statement.objects.valid().count()) == (200, 1)
    assert page.content.decode().count("Please take it out: we never need it here.") >= 1


def test_acts_on_many_rows_refuse_both(identity):
    client, feedback = the_office(), factories.FeedbackFactory(email="")
    (act,) = [a for a in admin.site._registry[Feedback].bulk_acts if "what_was_done" in a.form.base_fields]
    sent = {"action": act.name, "_selected_action": feedback.pk, "sure": "1", "what_was_done": f"paid by {CARD}"}

    page = client.post("/admin/practice/feedback/", sent)

    assert (page.status_code, Feedback.objects.get().answer) == (200, "")
    assert "card number" in page.content.decode()


def test_scorecard_is_made_of_fields_that_an_act_guards(identity):
    form = score_form_for(factories.ApplicationFactory())

    assert [name for name, _field in text_fields(form.base_fields)] == ["note"]


# ---- Files -----------------------------------------------------------------------------------------------------------

CELLS = {"first_name", "last_name", "description", "facility", "insurer", "procedure_code"}


@pytest.mark.parametrize("column", sorted(CELLS))
@pytest.mark.parametrize(("number", "what"), [("4111111111111111", "card"), ("123-45-6789", "social security")])
def test_statement_file_is_refused_without_repeating_it(column, number, what):
    with pytest.raises(ImportRefused) as refusal:
        parse_statements(table({column: number}))

    assert [str(problem) for problem in refusal.value.problems] == [
        f"row 2, {column}: looks like it holds a {what} number"
    ]


@pytest.mark.parametrize("column", ["statement_number", "account_number"])
def test_statement_file_may_have_long_numbers_of_its_own(column):
    assert parse_statements(table({column: "4111111111111111"})).lines == 1


@pytest.mark.parametrize("name", [f"{CARD}.csv", f"{SSN}.csv"])
def test_name_of_an_uploaded_statement_file_is_refused(identity, name):
    client = the_office()
    page = client.post("/admin/billing/statementupload/add/", {"file": SimpleUploadedFile(name, table())})

    assert page.status_code == 200
    assert "Please take it out: we never need it here." in page.content.decode()


@pytest.mark.django_db
def test_word_list_is_refused():
    line = json.dumps({"en": {"term": "Card", "definition_text": f"Such as {CARD}."}})

    with pytest.raises(GlossaryRefused) as refusal:
        import_glossary(line, "words")

    assert refusal.value.problems == ["words:1: definition looks like it holds a card or social security number"]
    assert Term.objects.count() == 0


def test_content_pack_is_refused(tmp_path):
    (tmp_path / "glossary").mkdir()
    (tmp_path / "glossary" / "card.md").write_text(f"---\nslug: card\n---\nSuch as {CARD}.\n")

    with pytest.raises(PackRefused) as refusal:
        read_pack(tmp_path)

    said = [str(problem) for problem in refusal.value.problems if "holds a card" in problem.message]
    assert said == ["glossary/card.md:4: looks like it holds a card or social security number"]


# ---- What is not kept at all -----------------------------------------------------------------------------------------


def rows_with(text):
    """Every table and how many of its rows hold the text, asked of the database itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I', relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in tables:
            cursor.execute(f"SELECT count(*) FROM {name} AS t WHERE strpos(t::text, %s) > 0", [text])
            found[name] = cursor.fetchone()[0]
    return {name: count for name, count in found.items() if count}


@pytest.mark.parametrize("number", ["4111111111111111", "123-45-6789"])
def test_addresses_queries_and_browsers_are_not_kept(client, identity, number):
    told = {"HTTP_USER_AGENT": f"Browser {number}", "HTTP_REFERER": f"https://example.com/?q={number}"}
    for path in ("/", "/search/", "/glossary/", "/patient-information/", "/pay/", "/careers/", "/nope/", "/infobutton"):
        client.get(path, {"q": number, number: number}, **told)
        client.get(f"{path}{number}/", **told)
    client.post("/pay/", {"code": number, "born_on": "1/1/1950"}, **told)
    client.post("/pay/verify/", {"number": number}, **told)
    client.post("/accounts/login/", {"login": f"{number}@example.com", "password": number}, **told)
    client.post("/accounts/password/reset/", {"email": f"{number}@example.com"}, **told)
    user = factories.UserFactory(email="ann@example.com", password="a long password 1")
    client.post("/accounts/login/", {"login": user.email, "password": "a long password 1"}, **told)
    client.get(reverse("resources:search"), {"q": number}, **told)

    assert "_auth_user_id" in client.session
    assert rows_with(number) == {}
    assert MissedSearch.objects.count() == 0


@pytest.mark.parametrize("number", [CARD, SSN])
def test_name_of_a_passkey_is_refused(number):
    from practice.accounts.forms import AddPasskeyForm, EditPasskeyForm  # noqa: PLC0415  (needs the apps)

    for form in (AddPasskeyForm, EditPasskeyForm):
        with pytest.raises(ValidationError):
            form.base_fields["name"].clean(number)


def test_public_forms_and_the_office_share_one_rule():
    assert refused(forms.CharField(validators=[refuse_private_numbers])) == {"card", "ssn"}
