"""Every address of the site and who may see it. An address that is missing here fails the suite."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing import plans
from billing.codes import link_token
from careers.models import Draft
from tests import factories

PUBLIC, SIGNED_IN, OFFICE, GUEST, SIGNED = "public", "signed in", "office", "guest", "signed message"

AUDIENCE = {
    "healthz": PUBLIC,
    "readyz": PUBLIC,
    "robots": PUBLIC,
    "sitemap": PUBLIC,
    "infobutton": PUBLIC,  # health record systems of anybody
    "accent": PUBLIC,
    "media": PUBLIC,
    "search": PUBLIC,
    "practice:home": PUBLIC,
    "practice:physicians": PUBLIC,
    "practice:physician": PUBLIC,
    "practice:locations": PUBLIC,
    "practice:giving_back": PUBLIC,
    "practice:terms": PUBLIC,
    "practice:privacy": PUBLIC,
    "practice:accessibility": PUBLIC,
    "practice:notices": PUBLIC,
    "practice:notice": PUBLIC,
    "practice:feedback": PUBLIC,
    "practice:feedback_thanks": PUBLIC,
    "announcements:index": PUBLIC,
    "announcements:feed": PUBLIC,
    "announcements:announcement": PUBLIC,
    "education:index": PUBLIC,
    "education:feed": PUBLIC,
    "education:article": PUBLIC,
    "education:both_languages": PUBLIC,
    "education:handout": PUBLIC,
    "education:prep_sheets": PUBLIC,
    "education:find_sheet": PUBLIC,
    "education:sheet": PUBLIC,  # whoever holds the sheet: what the site said and says, nothing of anybody
    "education:glossary": PUBLIC,
    "education:term": PUBLIC,
    "billing:look_up": PUBLIC,
    "billing:statement": GUEST,
    "billing:choose_statement": GUEST,
    "billing:leave": GUEST,
    "billing:receipt": PUBLIC,  # with the link alone: an amount and a date, nobody's name
    "billing:link": PUBLIC,  # with the link alone: the question for the date of birth
    "billing:receipt_pdf": GUEST,
    "billing:verify": PUBLIC,
    "billing:plan_offer": GUEST,
    "billing:plan": PUBLIC,  # whoever holds the private link: days and amounts, nobody's name
    "billing:ask": GUEST,
    "billing:questions": GUEST,
    "billing:estimate": PUBLIC,
    "billing:estimate_thanks": PUBLIC,
    "billing:webhook": SIGNED,
    "sandbox:card_page": PUBLIC,
    "careers:index": PUBLIC,
    "careers:opening": PUBLIC,
    "careers:apply": PUBLIC,
    "careers:feed": PUBLIC,
    "careers:card": PUBLIC,
    "careers:application": PUBLIC,  # whoever holds the private link, here and below
    "careers:sent": PUBLIC,
    "careers:draft": PUBLIC,
    "careers:choose_time": PUBLIC,
    "careers:calendar": PUBLIC,
    "careers:withdraw": PUBLIC,
    "careers:ask_for_erasure": PUBLIC,
    "careers:voluntary_questions": PUBLIC,
    "resources:index": SIGNED_IN,
    "resources:search": SIGNED_IN,
    "resources:on_call": SIGNED_IN,
    "resources:ordering_guide": SIGNED_IN,
    "resources:contacts": SIGNED_IN,
    "resources:collection": SIGNED_IN,
    "resources:confirm_read": SIGNED_IN,
    "resources:document": SIGNED_IN,
    "resources:download": SIGNED_IN,
}
ALLAUTH = {
    "account_login": PUBLIC,
    "account_logout": PUBLIC,
    "account_confirm_login_code": PUBLIC,  # sends everybody to the login: codes are off
    "account_signup": PUBLIC,  # says that sign-up is closed
    "account_inactive": PUBLIC,
    "account_email_verification_sent": PUBLIC,
    "account_confirm_email": PUBLIC,
    "account_reset_password": PUBLIC,
    "account_reset_password_done": PUBLIC,
    "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": PUBLIC,
    "account_reauthenticate": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_set_password": SIGNED_IN,
    "account_email": SIGNED_IN,
    "mfa_authenticate": PUBLIC,  # the second step of signing in
    "mfa_login_webauthn": PUBLIC,
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_reauthenticate_webauthn": SIGNED_IN,
    "mfa_index": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_download_recovery_codes": SIGNED_IN,
    "mfa_list_webauthn": SIGNED_IN,
    "mfa_add_webauthn": SIGNED_IN,
    "mfa_edit_webauthn": SIGNED_IN,
    "mfa_remove_webauthn": SIGNED_IN,
    "usersessions_list": SIGNED_IN,
}
PUBLIC_IN_ADMIN = {"admin:login", "admin:jsi18n"}


def walk(patterns, namespace=""):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, [namespace, pattern.namespace]))
            yield from walk(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern):
            yield ":".join(filter(None, [namespace, pattern.name])), pattern


URLS = dict(walk(get_resolver().url_patterns))
ADMIN = sorted(name for name in URLS if name.split(":")[0] == "admin")


def test_every_address_has_an_audience():
    named = set(URLS) - set(ADMIN)

    assert named == set(AUDIENCE) | set(ALLAUTH)


OF_AN_APPLICATION = (
    "careers:application", "careers:sent", "careers:choose_time", "careers:calendar", "careers:withdraw",
    "careers:ask_for_erasure", "careers:voluntary_questions",
)  # fmt: skip


@pytest.fixture(scope="module")
def rows_of_all(module_rows):
    return make_rows()


def make_rows() -> dict[str, list]:
    """One row behind each address that names one: {name of the address: its arguments}."""
    factories.IdentityFactory()
    for slug in ("terms", "privacy", "accessibility"):
        factories.NoticeVersionFactory(notice__slug=slug)
    attempt = factories.AttemptFactory()
    bill = factories.StatementFactory()
    plan = plans.agree(bill, 2, email="payer@example.com", language="en", address=None)
    article = factories.ArticleFactory()
    factories.ArticleFactory(topic=article.topic, language="es")
    application = factories.ApplicationFactory()
    return {
        "accent": ["0b5563"],
        "media": ["portraits/none.png"],
        "practice:physician": [factories.PhysicianFactory().slug],
        "practice:notice": [factories.NoticeVersionFactory().notice.slug],
        "announcements:announcement": [factories.AnnouncementFactory().slug],
        "education:article": [article.topic.slug],
        "education:both_languages": [article.topic.slug],
        "education:handout": [article.topic.slug],
        "education:sheet": [factories.live(article).code],
        "education:term": [factories.make_term("word", en="Word").slug],
        "billing:receipt": [attempt.pk],
        "billing:receipt_pdf": [attempt.pk],
        "billing:link": [link_token(bill.number, 1)],
        "billing:plan": [plan.token],
        "billing:ask": ["charge"],
        "billing:webhook": ["sandbox"],
        "sandbox:card_page": ["00000000-0000-0000-0000-000000000000"],
        "careers:opening": [(opening := application.opening).slug],
        "careers:apply": [opening.slug],
        "careers:card": [opening.slug],
        "careers:draft": [opening.slug, Draft.objects.create(opening=opening, language="en").token],
        **{name: [application.token] for name in OF_AN_APPLICATION},
        "resources:document": [(document := factories.DocumentFactory()).slug],
        "resources:download": [document.slug],
        "resources:confirm_read": [document.slug],
        "resources:collection": [document.collection.slug],
        "account_confirm_email": ["key"],
        "account_reset_password_from_key": ["1", "key"],
        "mfa_edit_webauthn": [1],
        "mfa_remove_webauthn": [1],
    }


@pytest.fixture
def rows(db, rows_of_all):
    return rows_of_all


@pytest.mark.parametrize("name", [name for name, audience in (AUDIENCE | ALLAUTH).items() if audience == SIGNED_IN])
def test_signed_in_pages_send_strangers_to_the_login(client, rows, name):
    response = client.get(reverse(name, args=rows.get(name)))

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("name", [name for name, audience in AUDIENCE.items() if audience == GUEST])
def test_guest_pages_show_a_stranger_nothing(client, rows, name):
    statement = factories.StatementFactory()
    url = reverse(name, args=rows.get(name))

    responses = [client.get(url), client.post(url, {"statement": statement.pk})]

    assert [r.status_code for r in responses] in ([302, 302], [405, 404], [405, 302], [404, 405])
    assert statement.number not in "".join(r.content.decode() for r in responses)


NO_PAGES = {
    "healthz", "readyz", "robots", "sitemap", "accent", "media", "sandbox:card_page", "careers:choose_time",
    "careers:calendar", "careers:ask_for_erasure",  # which asks only where it is decided
}  # fmt: skip
FILES = {"announcements:feed", "education:feed", "education:handout", "careers:feed", "careers:card"}
PAGES = [name for name, audience in AUDIENCE.items() if audience == PUBLIC and name not in NO_PAGES | FILES]
OF_ONE_LANGUAGE = {"infobutton", "education:sheet"}  # whatever the address: as the asker or the sheet says
LOADING = "src|href|srcset|imagesrcset|action|formaction|poster|data|ping|manifest|background"  # what may ask a site
DATA = r'type="application/(?:ld\+)?json"'  # no browser runs it
WITH_A_POSTING_FORM = {
    "practice:feedback", "billing:look_up", "careers:apply", "account_login", "billing:receipt", "billing:link",
    "careers:draft", "careers:withdraw", "careers:voluntary_questions", "billing:verify", "billing:plan", "billing:estimate",
}  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "/es"])
@pytest.mark.parametrize("name", [*PAGES, "account_login"])
def test_page_has_one_h1_nothing_inline_and_no_outside_address(client, rows, name, prefix):
    import re  # noqa: PLC0415

    prefix = "" if name == "infobutton" else prefix
    response = client.get(prefix + reverse(name, args=rows.get(name)))

    page = response.content.decode()
    assert response.status_code == 200
    assert page.count("<h1") == 1
    assert f'<html lang="{"es" if prefix and name not in OF_ONE_LANGUAGE else "en"}">' in page
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", page) == []
    assert [tag for tag in re.findall(r"<script[^>]*>", page) if "src=" not in tag and not re.search(DATA, tag)] == []
    assert re.findall(rf'(?:{LOADING})="(?:https?:)?//(?!testserver)[^"]*"', page) == []


@pytest.mark.parametrize(
    "name",
    sorted({*PAGES, *FILES} - WITH_A_POSTING_FORM - {"careers:application", "careers:sent", "billing:estimate_thanks"}),
)
def test_public_page_sets_no_cookie_and_does_not_vary_by_it(client, rows, name):
    response = client.get(reverse(name, args=rows.get(name)))

    assert response.cookies.output() == ""
    assert "Cookie" not in response.headers.get("Vary", "")
    assert b"csrfmiddlewaretoken" not in response.content


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "practice:home"),
        ("/announcements/", "announcements:index"),
        ("/announcements/feed/", "announcements:feed"),
        ("/physicians/", "practice:physicians"),
        ("/locations/", "practice:locations"),
        ("/giving-back/", "practice:giving_back"),
        ("/patient-information/", "education:index"),
        ("/patient-information/feed/", "education:feed"),
        ("/prep-sheets/", "education:prep_sheets"),
        ("/sheet/", "education:find_sheet"),
        ("/glossary/", "education:glossary"),
        ("/search/", "search"),
        ("/infobutton", "infobutton"),
        ("/pay/", "billing:look_up"),
        ("/pay/statement/", "billing:statement"),
        ("/pay/verify/", "billing:verify"),
        ("/pay/estimate/", "billing:estimate"),
        ("/careers/", "careers:index"),
        ("/resources/", "resources:index"),
        ("/feedback/", "practice:feedback"),
        ("/terms/", "practice:terms"),
        ("/privacy/", "practice:privacy"),
        ("/notices/", "practice:notices"),
        ("/accessibility/", "practice:accessibility"),
        ("/admin/", "admin:index"),
        ("/healthz", "healthz"),
        ("/readyz", "readyz"),
        ("/sitemap.xml", "sitemap"),
        ("/robots.txt", "robots"),
    ],
)
def test_addresses_are_the_contract(path, name):
    assert reverse(name) == path
