"""Staff do nothing behind the sign-in without a second factor; and there is no way round it."""

import re
import time

import pytest
import time_machine
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core import mail
from django.test import Client
from django.urls import reverse

from practice.accounts import demo, roles
from practice.accounts.models import User
from practice.client_address import client_address
from tests.factories import DocumentFactory, UserFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("identity")

PASSWORD = "a long test password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PRIVATE = [
    "/admin/",
    "/admin/billing/statement/",
    "/admin/accounts/user/",
    "/admin/careers/application/",
    "/resources/",
    "/accounts/sessions/",
    "/accounts/password/change/",
]
ENROL, SHOW = "/accounts/2fa/totp/activate/", "/accounts/2fa/reauthenticate/"


def code(secret=SECRET, *, ahead=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


def member(*, enrolled, **facts):
    user = UserFactory(**{"is_staff": True, "roles": [roles.ADMINISTRATOR], **facts})
    if enrolled:
        TOTP.activate(user, SECRET)
    return user


def where(response):
    return response.status_code, response.get("Location", "").split("?")[0]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize("enrolled", [False, True])
def test_staff_without_a_second_factor_come_no_further(client, enrolled, path, method):
    sign_in(client, member(enrolled=enrolled, is_superuser=True), second_factor=False)
    assert where(getattr(client, method)(path)) == (302, SHOW if enrolled else ENROL)


@pytest.mark.parametrize("path", PRIVATE)
def test_staff_with_a_second_factor_come_in(client, path):
    sign_in(client, member(enrolled=True, is_superuser=True))
    response = client.get(path)
    assert (response.status_code, response.get("Location")) in [(200, None), (302, None)] or "2fa" not in response.get(
        "Location", ""
    )


@pytest.mark.parametrize(
    "name",
    [
        "mfa_index", "mfa_deactivate_totp", "mfa_add_webauthn", "mfa_activate_totp", "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_password_alone_changes_no_second_factor_that_is_there(client, name, method):
    user = member(enrolled=True)
    sign_in(client, user, second_factor=False)
    assert where(getattr(client, method)(reverse(name))) == (302, SHOW)
    assert Authenticator.objects.filter(user=user).count() == 1


def test_sign_in_asks_for_the_code_and_then_opens_the_admin(client):
    user = member(enrolled=True)
    first = client.post("/accounts/login/?next=/admin/", {"login": user.email, "password": PASSWORD})
    assert where(first) == (302, "/accounts/2fa/authenticate/")
    assert where(client.get("/admin/")) == (302, "/admin/login/")
    wrong = client.post(first["Location"], {"code": "000000" if code() != "000000" else "111111"})
    assert (wrong.status_code, "_auth_user_id" in client.session) == (200, False)
    right = client.post(first["Location"], {"code": code()})
    assert where(right) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(("ahead", "status"), [(-2, 200), (-1, 302), (0, 302), (1, 302), (2, 200)])
def test_code_may_be_of_the_half_minute_before_or_after(client, ahead, status):
    with time_machine.travel("2026-11-27 15:00:10Z", tick=False):
        assert type_code(code(ahead=ahead), member(enrolled=True)) == status


@pytest.mark.parametrize("written", ["{}", " {} ", "{}-"])
def test_code_works_once_for_as_long_as_it_is_right(db, written):
    user = member(enrolled=True)
    with time_machine.travel("2026-11-27 15:00:10Z", tick=False) as clock:
        used = code(ahead=1)
        assert type_code(used, user) == 302
        for _try in range(4):
            assert type_code(written.format(used), user) == 200
            clock.shift(16)
        assert code() != used  # its own half minute is over


def test_code_that_was_used_to_come_in_proves_nothing_again(db):
    user = member(enrolled=True)
    with time_machine.travel("2026-11-27 15:00:10Z", tick=False) as clock:
        used, client = code(), Client()
        assert type_code(used, user, client) == 302
        clock.shift(31)
        assert client.post("/accounts/2fa/reauthenticate/", {"code": used}).status_code == 200
        assert client.post("/accounts/2fa/reauthenticate/", {"code": code()}).status_code == 302


def type_code(typed, user, client=None):
    """Sign in with the password and this code; 302 where it was taken."""
    client = client or Client()
    first = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return client.post(first["Location"], {"code": typed}).status_code


def test_newcomer_sets_up_the_second_factor_and_comes_in(client):
    user = member(enrolled=False)
    client.post("/accounts/login/?next=/admin/", {"login": user.email, "password": PASSWORD})
    assert where(client.get("/admin/")) == (302, ENROL)
    page = client.get(ENROL)
    secret = client.session["mfa.totp.secret"]
    assert (page.status_code, secret in page.text) == (200, True)
    assert client.post(ENROL, {"code": code(secret)}).status_code == 302
    assert Authenticator.objects.filter(user=user, type="totp").count() == 1
    assert where(client.get("/admin/")) == (302, SHOW)
    client.post(f"{SHOW}?next=/admin/", {"code": code(secret, ahead=0)})
    assert client.get("/admin/").status_code in (200, 302)


def test_session_from_before_enrolling_is_asked_for_the_code(client):
    user = member(enrolled=False)
    sign_in(client, user, second_factor=False)
    TOTP.activate(user, SECRET)
    assert where(client.get("/admin/")) == (302, SHOW)
    client.post(f"{SHOW}?next=/admin/", {"code": code()})
    assert client.get("/admin/").status_code == 200


def test_new_password_by_mail_is_no_way_round(client, run_jobs):
    user = member(enrolled=True)
    client.post("/accounts/password/reset/", {"email": user.email})
    run_jobs()
    link = re.search(r"http\S+/password/reset/key/\S+", mail.outbox[-1].body).group(0)
    page = client.get(
        link.split("testserver")[-1] if "testserver" in link else "/" + link.split("/", 3)[3], follow=True
    )
    client.post(page.request["PATH_INFO"], {"password1": "another long password", "password2": "another long password"})
    assert where(client.get("/admin/")) == (302, "/admin/login/")
    first = client.post("/accounts/login/", {"login": user.email, "password": "another long password"})
    assert where(first) == (302, "/accounts/2fa/authenticate/")


@pytest.mark.parametrize("role", [roles.PHYSICIAN, roles.REFERRING_OFFICE])
def test_readers_of_resources_need_none(client, role):
    document = DocumentFactory(audience="referring offices")
    sign_in(client, UserFactory(roles=[role]), second_factor=False)
    assert document.title in client.get("/resources/").text


@pytest.mark.parametrize(("hours", "is_in"), [(7.9, True), (8.1, False)])
def test_session_ends_after_eight_hours_however_busy(client, hours, is_in):
    sign_in(client, member(enrolled=True), at=time.time() - hours * 3600)
    response = client.get("/admin/")
    assert where(response) == ((200, "") if is_in else (302, "/accounts/login/"))
    assert ("_auth_user_id" in client.session) is is_in


def test_public_pages_do_not_look_at_the_session(client, django_assert_num_queries):
    sign_in(client, member(enrolled=True), second_factor=False)
    assert client.get("/feedback/").status_code == 200


@pytest.mark.parametrize("path", ["/accounts/email/", "/accounts/confirm-email/", "/accounts/confirm-email/abc/"])
def test_nobody_gives_themselves_another_address(client, path):
    sign_in(client, UserFactory(roles=[roles.PHYSICIAN]))
    assert [client.get(path).status_code, client.post(path, {"email": "boss@example.com"}).status_code] == [404, 404]


def test_password_alone_is_no_proof_for_somebody_with_a_second_factor(client):
    user = member(enrolled=True)
    sign_in(client, user, at=time.time() - 3600)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert where(client.get("/admin/accounts/user/add/")) == (302, SHOW)
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=user).count() == 1


def aged(client, minutes):
    """The session as it is so many minutes later, when nobody has shown anything lately."""
    session = client.session
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= minutes * 60
    session.save()


def test_whoever_takes_away_the_last_factor_has_shown_none(client):
    user = member(enrolled=True)
    sign_in(client, user)
    elsewhere = Client()
    first = elsewhere.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    elsewhere.post(first["Location"], {"code": code()})
    assert elsewhere.get("/admin/").status_code == 200
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=user).count() == 0
    assert where(client.get("/admin/")) == (302, ENROL)
    assert where(elsewhere.get("/admin/"))[1] == "/admin/login/"
    aged(client, 10)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert where(client.get("/admin/accounts/user/add/")) == (302, ENROL)
    assert client.get(ENROL).status_code == 200  # and so on from there, as on the first day


def test_one_factor_of_two_may_go(client):
    user = member(enrolled=True)
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={})
    sign_in(client, user)
    client.post(reverse("mfa_deactivate_totp"))
    assert client.get("/admin/").status_code == 200


def wrong_codes(user, address, times):
    """Somebody who knows the password guesses the code; the client and the answer to the last try."""
    client = Client(REMOTE_ADDR=address)
    page = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})["Location"]
    return client, page, [client.post(page, {"code": "000000"}).status_code for _try in range(times)][-1]


def test_codes_guessed_elsewhere_keep_nobody_out(client):
    user = member(enrolled=True)
    guesser, page, last = wrong_codes(user, "192.0.2.7", 8)
    assert (last, guesser.post(page, {"code": code()}).status_code) == (429, 429)
    own, page, last = wrong_codes(user, "198.51.100.1", 4)
    assert (last, own.post(page, {"code": code()}).status_code) == (200, 302)


def test_codes_are_guessed_no_further_from_many_places(client):
    user = member(enrolled=True)
    for number in range(1, 8):
        _guesser, _page, _last = wrong_codes(user, f"192.0.{number}.7", 5)
    late, page, _last = wrong_codes(user, "198.51.100.1", 1)
    assert late.post(page, {"code": code()}).status_code == 200  # the last line: thirty an hour from everywhere


def test_whoever_is_made_inactive_is_signed_out_for_good(staff):
    user = member(enrolled=True, roles=[roles.HIRING])
    client = Client()
    first = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post(first["Location"], {"code": code()})
    fields = {"email": user.email, "name": user.name, "is_staff": "on", "groups": [g.pk for g in user.groups.all()]}
    administrator = staff(roles.ADMINISTRATOR)
    assert administrator.post(f"/admin/accounts/user/{user.pk}/change/", fields).status_code == 302
    assert (
        administrator.post(f"/admin/accounts/user/{user.pk}/change/", fields | {"is_active": "on"}).status_code == 302
    )
    assert where(client.get("/admin/"))[1] == "/admin/login/"


@pytest.mark.parametrize(
    "name", ["mfa_index", "mfa_view_recovery_codes", "account_change_password", "usersessions_list", "account_login"]
)
def test_pages_of_the_sign_in_are_kept_by_no_cache(client, name):
    if name != "account_login":
        sign_in(client, member(enrolled=True))
    assert "no-store" in client.get(reverse(name)).headers["Cache-Control"]


def test_admins_own_page_for_the_password_leads_to_the_guarded_one(client):
    sign_in(client, member(enrolled=True), at=time.time() - 1200)
    response = client.post(
        "/admin/password_change/", {"old_password": PASSWORD, "new_password1": "x", "new_password2": "x"}
    )
    assert where(response) == (302, "/accounts/password/change/")
    assert where(client.get("/accounts/password/change/")) == (302, SHOW)


def test_cookie_from_before_the_second_factor_gains_nothing(client):
    user = member(enrolled=True)
    sign_in(client, user, second_factor=False)
    stolen = client.session.session_key
    client.post(f"{SHOW}?next=/admin/", {"code": code()})
    other = Client()
    other.cookies["session"] = stolen
    assert client.get("/admin/").status_code == 200
    assert where(other.get("/admin/"))[1] != ""


def test_nobody_sets_the_password_of_another(staff):
    other = UserFactory()
    for method in ("get", "post"):
        response = getattr(staff(roles.ADMINISTRATOR, is_superuser=True), method)(
            f"/admin/accounts/user/{other.pk}/password/", {"password1": PASSWORD * 2, "password2": PASSWORD * 2}
        )
        assert response.status_code == 403


@pytest.mark.parametrize(("minutes", "asked"), [(4, False), (6, True)])
def test_accounts_are_changed_only_by_somebody_who_has_just_shown_who_they_are(client, minutes, asked):
    sign_in(client, member(enrolled=True), at=time.time() - minutes * 60)
    response = client.get("/admin/accounts/user/add/")
    assert where(response) == ((302, SHOW) if asked else (200, ""))


# ---- Guessing -------------------------------------------------------------------------------------------------------


def tries(client, email, password, address, times=1):
    return [
        client.post("/accounts/login/", {"login": email, "password": password}, REMOTE_ADDR=address).status_code
        for _try in range(times)
    ][-1]


def test_guessing_at_a_doctor_shuts_nobody_out_elsewhere(client):
    doctor = UserFactory(email="doctor@example.com", roles=[roles.PHYSICIAN])
    tries(client, doctor.email, "wrong", "192.0.2.7", times=8)
    assert tries(Client(), doctor.email, PASSWORD, "192.0.2.9") == 200  # the same neighbourhood
    assert tries(Client(), doctor.email, PASSWORD, "198.51.100.1") == 302


def test_guessing_at_many_from_one_place_ends_for_that_place(client):
    somebody = UserFactory(email="somebody@example.com")
    for number in range(31):
        tries(client, f"person{number}@example.net", "wrong", "192.0.2.7")
    assert tries(Client(), somebody.email, PASSWORD, "192.0.2.7") in (200, 429)
    assert tries(Client(), somebody.email, PASSWORD, "198.51.100.1") == 302


def test_right_passwords_are_not_counted(client):
    somebody = UserFactory(email="somebody@example.com")
    assert [tries(Client(), somebody.email, PASSWORD, "192.0.2.7") for _time in range(7)] == [302] * 7


# ---- Invitations ----------------------------------------------------------------------------------------------------


def test_person_is_invited_and_chooses_a_password(client, staff, run_jobs):
    administrator = staff(roles.ADMINISTRATOR)
    administrator.post("/admin/accounts/user/add/", {"email": "New@Example.com", "name": "New Person"})
    user = User.objects.get(email="new@example.com")
    assert user.has_usable_password() is False
    run_jobs()
    (message,) = mail.outbox
    assert (message.to, "New Person" in message.body) == (["new@example.com"], True)
    path = "/" + re.search(r"http\S+/password/reset/key/\S+", message.body).group(0).split("/", 3)[3]
    page = client.get(path, follow=True)
    client.post(page.request["PATH_INFO"], {"password1": "chosen by myself", "password2": "chosen by myself"})
    user.refresh_from_db()
    assert user.check_password("chosen by myself") is True
    assert "new@example.com" not in client.get(path, follow=True).text  # the link has worked once


def test_demo_logins_come_in_with_the_code_that_is_printed(db, client):
    demo.load()
    codes = demo.current_codes()
    first = client.post("/accounts/login/", {"login": "billing@radiology.example", "password": demo.PASSWORD})
    client.post(first["Location"], {"code": codes["billing@radiology.example"]})
    assert client.get("/admin/").status_code == 200


def test_address_of_the_old_kind_in_the_new_form_is_one_neighbourhood(rf):
    assert client_address(rf.get("/", REMOTE_ADDR="::ffff:192.0.2.7")) == "192.0.2.7"
