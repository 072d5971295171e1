import re
import time

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from practice.accounts.models import User
from tests.factories import UserFactory
from tests.signing_in import sign_in as signed_in

pytestmark = pytest.mark.usefixtures("identity")

PASSWORD = "a long test password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WRONG = "The email address and/or password you specified are not correct."


@pytest.fixture(autouse=True)
def _no_failures_so_far():
    cache.clear()
    yield
    cache.clear()


def sign_in(client, email="ann@example.com", password=PASSWORD, path="/accounts/login/", **more):
    return client.post(path, {"login": email, "password": password, **more})


def who(client):
    """The address of the person this browser is signed in as."""
    number = client.session.get("_auth_user_id")
    return User.objects.get(pk=number).email if number else None


def errors(response):
    return re.findall(r"<li>([^<]+)</li>", response.text.split('id="error-summary-title"')[1].split("</ul>")[0])


@pytest.mark.parametrize("email", ["ann@example.com", "Ann@Example.COM", " ann@example.com "])
def test_sign_in_by_address(client, email):
    UserFactory(email="ann@example.com")
    response = sign_in(client, email)
    assert (response.status_code, response["Location"], who(client)) == (302, "/resources/", "ann@example.com")
    assert User.objects.get().last_login <= timezone.now()


def test_sign_in_in_spanish_stays_there(client):
    UserFactory(email="ann@example.com")
    page = client.get("/es/accounts/login/")
    assert "<title>Iniciar sesión | Test Radiology</title>" in page.text
    assert sign_in(client, path="/es/accounts/login/")["Location"] == "/es/resources/"


@pytest.mark.parametrize(
    ("email", "password"),
    [("ann@example.com", "a long test passwort"), ("ann@example.com", PASSWORD.upper()), ("bob@example.com", PASSWORD)],
)
def test_wrong_password_and_unknown_address_get_the_same_answer(client, email, password):
    UserFactory(email="ann@example.com")
    response = sign_in(client, email, password)
    assert (response.status_code, errors(response), who(client)) == (200, [WRONG], None)


def test_person_who_was_deactivated_does_not_come_in(client):
    UserFactory(email="ann@example.com", is_active=False)
    response = sign_in(client)
    assert (response.status_code, who(client)) == (200, None)


def test_person_who_is_deactivated_meanwhile_is_out_at_once(client):
    user = UserFactory(email="ann@example.com", roles=["Hiring"])
    sign_in(client)
    assert client.get("/resources/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/resources/")["Location"] == "/accounts/login/?next=/resources/"


def test_guessing_ends_after_five_tries(client):
    UserFactory(email="ann@example.com")
    answers = [errors(sign_in(client, password=f"guess number {number}")) for number in range(6)]
    assert answers == [[WRONG]] * 5 + [["Too many failed login attempts. Try again later."]]
    assert errors(sign_in(client)) == ["Too many failed login attempts. Try again later."]
    assert who(client) is None


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/resources/ct/", "/resources/ct/"),
        ("/admin/careers/opening/", "/admin/careers/opening/"),
        ("https://evil.example/", "/resources/"),
        ("//evil.example/", "/resources/"),
        ("javascript:alert(1)", "/resources/"),
    ],
)
def test_sign_in_leads_back_but_never_elsewhere(client, target, leads_to):
    UserFactory(email="ann@example.com")
    assert sign_in(client, next=target)["Location"] == leads_to


def test_sign_in_needs_the_token_of_the_form():
    UserFactory(email="ann@example.com")
    client = Client(enforce_csrf_checks=True)
    assert (sign_in(client).status_code, who(client)) == (403, None)


def test_sign_in_changes_the_session(client):
    """Whoever planted a session beforehand must not share it."""
    UserFactory(email="ann@example.com")
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    sign_in(client)
    assert (client.session.session_key == planted, who(client)) == (False, "ann@example.com")


def test_session_lasts_fifteen_idle_minutes_and_ends_with_the_browser(client):
    UserFactory(email="ann@example.com")
    response = sign_in(client)
    cookie = response.cookies["session"]
    assert (client.session.get_expiry_age(), client.session.get_expire_at_browser_close()) == (900, True)
    assert (cookie["expires"], cookie["max-age"], cookie["httponly"], cookie["samesite"]) == ("", "", True, "Lax")


def test_sign_out(client):
    UserFactory(email="ann@example.com")
    sign_in(client)
    asked = client.get("/accounts/logout/")
    assert (asked.status_code, who(client)) == (200, "ann@example.com")  # a link alone signs nobody out
    response = client.post("/accounts/logout/")
    assert (response.status_code, response["Location"], who(client)) == (302, "/", None)


# ---- Nobody signs themselves up -------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/es"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_sign_up_is_closed(client, prefix, method):
    data = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
    response = getattr(client, method)(f"{prefix}/accounts/signup/", data)
    assert response.templates[0].name == "account/signup_closed.html"
    assert (User.objects.count(), who(client)) == (0, None)
    assert "<form" not in response.text.split('<main id="main">')[1].split("</main>")[0]


def test_forgotten_password_tells_nobody_who_has_an_account(client, mailoutbox, run_jobs):
    UserFactory(email="ann@example.com")
    known = client.post("/accounts/password/reset/", {"email": "ann@example.com"})
    unknown = client.post("/accounts/password/reset/", {"email": "bob@example.com"})
    assert (
        (known.status_code, known["Location"])
        == (unknown.status_code, unknown["Location"])
        == (
            302,
            "/accounts/password/reset/done/",
        )
    )
    assert mailoutbox == []  # a slow mail server must not tell either
    run_jobs()
    assert [mail.to for mail in mailoutbox] == [["ann@example.com"]]


# ---- The door of the admin ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/admin/", "/admin/careers/opening/", "/admin/login/"])
def test_admin_sends_visitors_to_the_one_sign_in_page_and_back(client, path):
    TOTP.activate(UserFactory(email="ann@example.com", is_staff=True, roles=["Hiring"]), SECRET)
    page = client.get(path, follow=True)
    last, status = page.redirect_chain[-1]
    assert (status, last.split("?")[0], page.status_code) == (302, "/accounts/login/", 200)
    (target,) = set(re.findall(r'<input type="hidden" name="next" value="([^"]+)"', page.text))  # two forms
    asked = client.post("/accounts/login/", {"login": "ann@example.com", "password": PASSWORD, "next": target})
    code = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))
    landed = client.post(asked["Location"], {"code": code}, follow=True)
    assert landed.status_code == 200
    assert landed.request["PATH_INFO"] == path.replace("login/", "")


def test_admin_has_no_sign_in_of_its_own(client):
    UserFactory(email="ann@example.com", is_staff=True, is_superuser=True)
    response = client.post("/admin/login/", {"username": "ann@example.com", "password": PASSWORD})
    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/accounts/login/")
    assert who(client) is None


def test_admin_sends_those_who_are_in_on_to_its_first_page(staff):
    response = staff("Hiring").get("/admin/login/")
    assert (response.status_code, response["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("role", ["Physician", "Referring office", "Administrator", "Hiring"])
@pytest.mark.parametrize("path", ["/admin/", "/admin/careers/opening/", "/admin/login/"])
def test_admin_is_closed_to_those_without_the_staff_mark(client, role, path):
    signed_in(client, UserFactory(roles=[role]))
    assert client.get(path, follow=True).status_code == 403


def test_too_many_tries_are_told_on_a_page_of_ours(client, identity):
    responses = [client.post("/accounts/login/", {"login": "a@example.com", "password": "x"}) for _try in range(40)]

    assert responses[-1].status_code == 429
    assert "<h1>Too many tries</h1>" in responses[-1].content.decode()


def test_somebody_inactive_is_answered_like_a_wrong_password(client, identity):
    UserFactory(email="gone@example.com", is_active=False)
    UserFactory(email="here@example.com")
    tried = [("gone@example.com", PASSWORD), ("here@example.com", "wrong"), ("nobody@example.com", PASSWORD)]
    answers = [client.post("/accounts/login/", {"login": login, "password": word}) for login, word in tried]
    texts = [re.sub(r'(?:value="[^"]*"|[a-z]+@example.com)', "", answer.text) for answer in answers]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(set(texts)) == 1
