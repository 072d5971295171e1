import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from practice.accounts import roles
from practice.accounts.models import User
from tests.factories import UserFactory

LETTERS = {"v": "view", "a": "add", "c": "change", "d": "delete"}
PUBLISH = "education.publish_article"

RESOURCES = {
    "resources.callservice": "vacd",
    "resources.callshift": "vacd",
    "resources.collection": "vacd",
    "resources.contact": "vacd",
    "resources.document": "vac",
    "resources.orderingadvice": "vacd",
    "resources.version": "v",
}

# Everything each role may do: {model: letters}. A change here is a decision, and is made here first.
TABLE = {
    "Administrator": {
        "accounts.accessentry": "v",
        "accounts.change": "v",
        "accounts.user": "vac",
        "announcements.announcement": "vacd",
        "billing.dailyclose": "v",
        "billing.gatewayevent": "v",
        "billing.importbatch": "v",
        "careers.certificate": "v",
        "careers.criterion": "vacd",
        "careers.mailtext": "vc",
        "careers.opening": "vac",
        "education.article": "vac",
        "education.edition": "v",
        "education.entry": "vacd",
        "education.illustration": "vac",
        "education.localnote": "vacd",
        "education.procedurecode": "vacd",
        "education.referencecode": "vacd",
        "education.section": "vacd",
        "education.term": "vacd",
        "education.topic": "vac",
        "patients.patient": "v",
        "practice.feedback": "vc",
        "practice.identity": "vac",
        "practice.location": "vacd",
        "practice.notice": "vac",
        "practice.noticetranslation": "va",
        "practice.noticeversion": "va",
        "practice.openinghours": "vacd",
        "practice.physician": "vac",
        "practice.subspecialty": "vacd",
        **RESOURCES,
        "search.missedsearch": "vc",
        "search.synonymgroup": "vacd",
    },
    "Editor": {
        "announcements.announcement": "vacd",
        "education.article": "vac",
        "education.edition": "v",
        "education.entry": "vacd",
        "education.illustration": "vac",
        "education.localnote": "vacd",
        "education.procedurecode": "vacd",
        "education.referencecode": "vacd",
        "education.section": "vacd",
        "education.term": "vacd",
        "education.topic": "vac",
        "practice.feedback": "vc",  # what is about the website
        "practice.identity": "v",
        "practice.location": "vac",
        "practice.openinghours": "vacd",
        "practice.physician": "vac",
        "practice.subspecialty": "vac",
        "search.missedsearch": "vc",
        "search.synonymgroup": "vacd",
    },
    "Clinical reviewer": {
        "education.article": "vc",
        "education.edition": "v",
        "education.entry": "v",
        "education.illustration": "v",
        "education.localnote": "vc",
        "education.procedurecode": "v",
        "education.referencecode": "v",
        "education.section": "vc",
        "education.term": "v",
        "education.topic": "v",
        "practice.physician": "v",
        "search.missedsearch": "v",
        "search.synonymgroup": "v",
    },
    "Billing": {
        "billing.attempt": "v",
        "billing.dailyclose": "v",
        "billing.dispute": "v",
        "billing.estimaterequest": "vc",
        "billing.importbatch": "v",
        "billing.instalment": "v",
        "billing.payment": "v",
        "billing.paymentplan": "v",
        "billing.question": "vc",
        "billing.questionmessage": "va",
        "billing.refund": "v",
        "billing.statement": "v",
        "billing.statementline": "v",
        "billing.statementupload": "va",
        "patients.patient": "v",
        "practice.feedback": "vc",  # what is about a bill
    },
    "Billing lead": {
        "billing.attempt": "v",
        "billing.chainlink": "v",
        "billing.dailyclose": "v",
        "billing.dispute": "v",
        "billing.estimaterequest": "vc",
        "billing.gatewayevent": "v",
        "billing.importbatch": "v",
        "billing.instalment": "v",
        "billing.journal": "v",
        "billing.leg": "v",
        "billing.payment": "vc",
        "billing.paymentplan": "v",
        "billing.question": "vc",
        "billing.questionmessage": "va",
        "billing.refund": "v",
        "billing.statement": "v",
        "billing.statementline": "v",
        "billing.statementupload": "va",
        "patients.patient": "vc",
        "practice.feedback": "vc",
    },
    "Hiring": {
        "careers.application": "vc",
        "careers.certificate": "v",
        "careers.criterion": "vacd",
        "careers.mailtext": "vc",
        "careers.opening": "vac",
    },
    "Application reviewer": {"careers.application": "v"},
    "Front desk": {
        "billing.estimaterequest": "vc",
        "patients.patient": "v",
        "practice.feedback": "vc",
        "practice.location": "vc",
        "practice.openinghours": "vacd",
        "resources.callservice": "v",
        "resources.callshift": "vacd",
    },
    "Resources editor": RESOURCES | {"practice.physician": "v"},
    "Physician": {},
    "Referring office": {},
}
# What each role may do beyond looking at rows and editing them.
OFFICE = {
    "billing.close_day",
    "billing.import_statements",
    "billing.print_statement",
    "billing.request_refund",
}
EXTRA = {
    "Administrator": {PUBLISH, "careers.read_survey_counts"},
    "Hiring": {"careers.export_application", "careers.score_application"},
    "Application reviewer": {"careers.score_application"},
    "Clinical reviewer": {PUBLISH},
    "Billing": OFFICE,
    "Billing lead": OFFICE | {"billing.approve_refund", "billing.void_statement", "billing.write_off_statement"},
}


def expected(role):
    codes = set()
    for model, letters in TABLE[role].items():
        app, name = model.split(".")
        codes |= {f"{app}.{LETTERS[letter]}_{name}" for letter in letters}
    return codes | EXTRA.get(role, set())


def test_roles_are_the_groups(db):
    assert set(Group.objects.values_list("name", flat=True)) == set(TABLE) == set(roles.ROLES)


@pytest.mark.parametrize("role", list(TABLE))
def test_role_may_do_exactly_this(db, role):
    assert UserFactory(roles=[role], is_staff=True).get_all_permissions() == expected(role)


def test_staff_roles_are_all_but_those_who_only_read_resources():
    assert set(roles.STAFF_ROLES) == set(TABLE) - {"Physician", "Referring office"}


def test_no_role_deletes_or_changes_what_is_a_record(db):
    """Whatever the table says: the ledger, the access log, editions, notices in force and applications stay."""
    records = [
        "accessentry", "acknowledgement", "application", "applicationfile", "attempt", "certificate", "chainlink", "change",
        "comment", "dailyclose", "draft", "legalhold", "letter", "scorecard", "surveyanswer", "dispute", "edition", "gatewayevent",
        "importbatch", "instalment", "journal", "leg", "noticetranslation", "noticeversion", "payment", "paymentplan", "questionmessage",
        "refund", "statement", "statementline", "statementupload", "version",
    ]  # fmt: skip
    granted = Permission.objects.filter(group__isnull=False, content_type__model__in=records)
    granted = granted.filter(codename__regex="^(add|change|delete)_")
    assert sorted(set(granted.values_list("codename", flat=True))) == [
        "add_noticetranslation",
        "add_noticeversion",
        "add_questionmessage",
        "add_statementupload",
        "change_application",
        "change_payment",  # its note for staff; the database keeps the rest
    ]


def test_every_permission_of_our_own_is_somebodys(db):
    """A permission that no role has locks its page for good."""
    own = Permission.objects.exclude(codename__regex="^(view|add|change|delete)_")
    named = {f"{app}.{code}" for app, code in own.values_list("content_type__app_label", "codename")}
    assert named == set().union(*EXTRA.values())


def test_grant_gives_and_takes_back(db):
    forward, backward = roles.grant(
        "careers", {"Physician": {"opening": "vc", "application.call_applicant": "Can call the applicant"}}
    )
    forward(apps, None)
    forward(apps, None)  # once more changes nothing
    user = UserFactory(roles=["Physician"])
    assert user.get_all_permissions() == {
        "careers.view_opening",
        "careers.change_opening",
        "careers.call_applicant",
    }
    assert Permission.objects.get(codename="call_applicant").name == "Can call the applicant"
    backward(apps, None)
    assert User.objects.get(pk=user.pk).get_all_permissions() == set()
    assert UserFactory(roles=["Hiring"]).get_all_permissions() == expected("Hiring")


def test_grant_taken_back_leaves_other_apps_alone(db):
    """Permissions of two apps may share a name."""
    forward, backward = roles.grant("announcements", {"Hiring": {"opening": "v"}})
    forward(apps, None)
    backward(apps, None)
    assert UserFactory(roles=["Hiring"]).get_all_permissions() == expected("Hiring")
