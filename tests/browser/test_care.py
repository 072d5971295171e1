"""Every page of the table of addresses, looked at by a browser: for everybody, whatever they read with.

Both languages, light and dark, phone and desktop, as they come and with what is wrong with a form. A page is loaded once
for each language; what cannot change by a turn of the screen or by night is not measured again.
"""

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from playwright.sync_api import expect

from billing.gateways.sandbox.processor import take_payment
from billing.models import Attempt, Statement
from billing.payments import start_payment
from careers.models import Application, OpeningStatus
from practice.accounts import roles
from tests import factories
from tests.browser.visitor import DESKTOP, NARROW, PHONE, Visitor
from tests.practice.test_urls import ALLAUTH, AUDIENCE, GUEST, PUBLIC, SIGNED_IN, make_rows
from tests.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("rows")
STRANGER, NEWCOMER, MEMBER, HALFWAY = "a stranger", "somebody new", "a member", "between password and code"
PASSWORD, SECRET = "a long test password", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WHO = {PUBLIC: STRANGER, GUEST: GUEST, SIGNED_IN: MEMBER}
WHO_ELSE = {
    "account_logout": MEMBER,
    "mfa_authenticate": HALFWAY,
    "mfa_activate_totp": NEWCOMER,
    "mfa_add_webauthn": NEWCOMER,  # who has none yet that this test would have to imitate
}
NO_PAGE = {
    **dict.fromkeys(["healthz", "readyz", "robots", "sitemap", "accent", "media"], "for machines, or no text"),
    **dict.fromkeys(["announcements:feed", "education:feed", "careers:feed"], "a feed"),
    **dict.fromkeys(["education:handout", "billing:receipt_pdf", "resources:download", "careers:card"], "a file"),
    **dict.fromkeys(["careers:calendar", "mfa_download_recovery_codes"], "a file"),
    **dict.fromkeys(["billing:choose_statement", "billing:leave", "careers:choose_time"], "only sent to"),
    **dict.fromkeys(["billing:webhook", "resources:confirm_read", "mfa_login_webauthn"], "only sent to"),
    **dict.fromkeys(["account_email", "account_email_verification_sent", "account_confirm_email"], "is not there"),
    **dict.fromkeys(["account_confirm_login_code", "account_set_password"], "leads elsewhere"),
    "mfa_reauthenticate": "leads to the password, where that was shown last",
    "mfa_reauthenticate_webauthn": "leads to the password, where that was shown last",
    "careers:ask_for_erasure": "asks only where it is decided; see the pages beside the table",
}
LEADS_ON = {"account_reset_password_from_key"}  # to the same without the key
OF_ONE_ADDRESS = {"infobutton", "sandbox:card_page"}
QUERY = {"billing:plan_offer": "?parts=2"}


@pytest.fixture
def rows(transactional_db):
    return make_rows()


@pytest.fixture
def visitor(chromium):
    visitor = Visitor(chromium)
    yield visitor
    visitor.context.close()
    assert visitor.complaints == []


@pytest.fixture
def become(visitor, rows):
    """A function that makes somebody else of the visitor."""
    people = {}

    def member(**facts):
        user = factories.UserFactory(is_staff=True, roles=[roles.ADMINISTRATOR], password=PASSWORD, **facts)
        TOTP.activate(user, SECRET)
        RecoveryCodes.activate(user)
        return user

    def change(who):
        visitor.client.logout()
        if who == GUEST:
            bill = Statement.objects.latest("pk")
            visitor.client.post("/pay/", {"code": bill.code, "born_on": "6/15/1950"})
        elif who == HALFWAY:
            user = member()
            visitor.client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        elif who == NEWCOMER:
            sign_in(visitor.client, factories.UserFactory(is_staff=True, password=PASSWORD))
        elif who == MEMBER:
            if who not in people:
                people[who] = member(is_superuser=True)
            sign_in(visitor.client, people[who])
        return people.get(who)

    return change


def problems(visitor, path, *, status=200, spanish="/es", leads_on=False):
    """What is wrong with this page: in English on a phone by day, in Spanish at a desk; and turned round, by night.

    All rules look at either screen and either language, and what depends on colour or width at all four of them.
    """
    found = []
    for prefix, screen, other in (("", PHONE, DESKTOP), (spanish, DESKTOP, PHONE)):
        answer = visitor.open(prefix + path, screen)
        if answer[:2] != (status, "text/html") or bool(answer[2]) != leads_on:
            return [f"no page: {answer}"]
        found += [f"moved by {moved}" for moved in [visitor.look("moved()")] if moved]
        found += visitor.look("hindrances()") + visitor.look("restless()")
        found += turned(visitor, other) + reflowed(visitor)
        if visitor.look("asks()"):
            visitor.turn(screen)
            found += refused(visitor, other)
    return sorted(set(found))


def turned(visitor, other):
    """What axe finds by day, and what a turn to the other screen by night can change."""
    found = visitor.violations()
    visitor.turn(other, "dark")
    return found + visitor.violations("color-contrast", "link-in-text-block", "target-size")


def reflowed(visitor):
    """On the narrowest screen, with text twice as large, and with letters, words and lines further apart."""
    visitor.turn(NARROW)
    found = [f"at 320 pixels: {text}" for text in visitor.look("wide()")]
    found += [f"spaced out: {text}" for text in visitor.look("spaced()")]
    visitor.turn({"width": 640, "height": 800})
    return found + [f"text at 200 %: {text}" for text in visitor.look("enlarged()")]


def refused(visitor, other):
    with visitor.page.expect_navigation():
        visitor.look("send()")
    if not visitor.look("asks()"):
        return []
    found = [] if visitor.look("summary()") else ["what is wrong is not in focus"]
    return found + [f"refused: {text}" for text in turned(visitor, other) + reflowed(visitor)]


def who_sees(name):
    return WHO_ELSE.get(name) or WHO[(AUDIENCE | ALLAUTH)[name]]


def room(name):
    return name.split(":")[0] if ":" in name else name.split("_")[0]


LOOKED_AT = [name for name in AUDIENCE | ALLAUTH if name not in NO_PAGE]


@pytest.fixture
def arguments(rows, become):
    """What the addresses of the table name, also where the table's own rows lead to no page."""
    attempt = start_payment(Statement.objects.latest("pk"), 2_000, "en")
    key = Authenticator.objects.create(user=become(MEMBER), type="webauthn", data={"name": "My key", "credential": {}})
    user = factories.UserFactory()
    return rows | {
        "sandbox:card_page": [attempt.checkout_url.rstrip("/").split("/")[-1]],
        "mfa_edit_webauthn": [key.pk],
        "mfa_remove_webauthn": [key.pk],
        "account_reset_password_from_key": [user_pk_to_url_str(user), default_token_generator.make_token(user)],
    }


@pytest.mark.parametrize("where", sorted({room(name) for name in LOOKED_AT}))
def test_every_page_of_the_table(where, visitor, become, arguments):
    factories.OrderingAdviceFactory()
    factories.CallShiftFactory()
    found = {}
    for name in [name for name in LOOKED_AT if room(name) == where]:
        become(who_sees(name))
        path = reverse(name, args=arguments.get(name)) + QUERY.get(name, "")
        found[name] = problems(
            visitor, path, spanish="" if name in OF_ONE_ADDRESS else "/es", leads_on=name in LEADS_ON
        )
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_what_has_no_page_shows_none(client, arguments):
    answers = {name: client.get(reverse(name, args=arguments.get(name))) for name in NO_PAGE}
    pages = [
        name
        for name, answer in answers.items()
        if (answer.status_code, answer["Content-Type"][:9]) == (200, "text/html")
    ]
    assert pages == []


# ---- Beside the table: what else a page can say ---------------------------------------------------------------------


def test_search_and_glossary_with_and_without_results(visitor):
    factories.PhysicianFactory(name="Ada Testa")
    paths = [
        "/search/?q=ada+testa",
        "/search/?q=ada+tesa",
        "/search/?q=zebra",
        "/glossary/?q=word",
        "/glossary/?q=zebra",
        "/patient-information/?exam=ct",
        "/prep-sheets/?q=topic",
        "/sheet/?code=WRONG",
        "/notices/?on=2026-02-01",
    ]
    found = {path: problems(visitor, path) for path in paths}
    assert {path: texts for path, texts in found.items() if texts} == {}


def test_pages_of_what_went_wrong(visitor):
    closed = factories.OpeningFactory(status=OpeningStatus.CLOSED)
    found = {
        "404": problems(visitor, "/nowhere/", status=404),
        "410": problems(visitor, closed.get_absolute_url(), status=410),
    }
    for template in ("400", "403", "403_csrf", "429", "500", "503"):
        for language, prefix in (("en", ""), ("es", "/es")):
            with translation.override(language):
                page = render_to_string(f"{template}.html")
            visitor.errors[f"{prefix}/broken/"] = HttpResponse(page, status=int(template[:3]))
        found[template] = problems(visitor, "/broken/", status=int(template[:3]))
    assert {name: texts for name, texts in found.items() if texts} == {}


# ---- The office -----------------------------------------------------------------------------------------------------


def test_pages_of_the_office(visitor, become, rows):
    """One of each kind: lists, forms with rows in them, pages that ask, what searches find, what is refused."""
    become(MEMBER)
    application = Application.objects.get()
    paths = [
        "/admin/", "/admin/find/?q=test", "/admin/billing/", "/admin/billing/statement/", "/admin/billing/dashboard/",
        "/admin/billing/dailyclose/close/", "/admin/billing/statementupload/add/", "/admin/education/article/",
        "/admin/education/article/add/", f"/admin/careers/application/{application.pk}/change/",
        f"/admin/careers/application/{application.pk}/act/decline/", f"/admin/careers/opening/{application.opening_id}/pipeline/",
        "/admin/careers/opening/add/", "/admin/announcements/announcement/add/", "/admin/practice/physician/add/",
        f"/admin/accounts/user/{visitor.client.session['_auth_user_id']}/history/",
        f"/admin/education/term/{factories.make_term('marrow', en='Marrow').pk}/delete/",
    ]  # fmt: skip
    found = {}
    for path in paths:
        visitor.open(path, DESKTOP)
        problems = turned(visitor, PHONE) + visitor.look("restless()")
        if path.endswith("/add/"):
            visitor.turn(DESKTOP, "dark")
            with visitor.page.expect_navigation():
                visitor.look("send()")
            problems += [] if visitor.look("names('.errornote')") else ["what is wrong is not in focus"]
            problems += visitor.violations()
        found[path] = sorted(set(problems))
    assert {path: texts for path, texts in found.items() if texts} == {}


def test_office_is_read_on_a_narrow_screen_and_in_large_letters(visitor, become):
    become(MEMBER)
    found = {}
    document, of_long_name = factories.DocumentFactory(), factories.DocumentFactory(title="x" * 60)
    for path in (f"{document.pk}/change/", f"{of_long_name.pk}/history/"):
        visitor.open(f"/admin/resources/document/{path}", NARROW)
        wide = visitor.look("wide()")
        visitor.turn({"width": 640, "height": 800})
        found[path] = wide + [text for text in visitor.look("enlarged()") if "visually-hidden" not in text]
    assert {path: texts for path, texts in found.items() if texts} == {}


# ---- However it is read ---------------------------------------------------------------------------------------------


READ = [
    "practice:home",
    "education:article",
    "billing:look_up",
    "careers:opening",
    "practice:feedback",
    "account_login",
]


def test_on_paper_there_is_text_and_no_furniture(visitor, rows):
    found = {}
    for name in READ:
        visitor.open(reverse(name, args=rows.get(name)), DESKTOP, "dark")
        visitor.page.emulate_media(media="print", color_scheme="light")
        found[name] = visitor.look("printed()")
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_with_the_readers_own_colours_one_sees_where_one_is_and_what_can_be_pressed(visitor, rows):
    found = {}
    for name in READ:
        visitor.open(reverse(name, args=rows.get(name)), DESKTOP)
        visitor.page.emulate_media(forced_colors="active")
        found[name] = visitor.look("lost()")
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_what_stays_beside_an_article_can_be_reached_on_a_low_screen(visitor, rows):
    visitor.open(reverse("education:article", args=rows["education:article"]), {"width": 1280, "height": 400})
    assert visitor.page.eval_on_selector(".stay", "aside => aside.offsetHeight") < 400


def test_page_of_a_payment_on_its_way_changes_only_when_it_has_arrived(visitor, arguments):
    attempt = Attempt.objects.latest("created_at")
    visitor.page.clock.install()
    visitor.open(attempt.get_absolute_url())
    heading = visitor.page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Confirming your payment")
    visitor.page.get_by_role("link", name="Look again now").focus()
    visitor.page.clock.fast_forward(5_000)
    expect(visitor.page.get_by_role("link", name="Look again now")).to_be_focused()
    take_payment(arguments["sandbox:card_page"][0])
    visitor.page.clock.fast_forward(10_000)
    expect(heading).to_have_text("Thank you. Your payment arrived.")
