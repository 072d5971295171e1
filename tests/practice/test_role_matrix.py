"""Who may enter which private address, as a table: each line is a decision, and what it does not grant is refused."""

import re
from datetime import date
from http.cookies import SimpleCookie

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django_tasks_db.models import DBTaskResult

from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState
from billing.models import (
    DailyClose,
    Dispute,
    GatewayEvent,
    ImportBatch,
    Journal,
    Payment,
    QuestionKind,
    Refund,
    StatementUpload,
    UploadState,
)
from billing.questions import ask, request_estimate
from billing.uploads import take_upload
from billing.withdrawals import void_statement
from careers.models import Draft, InterviewSlot, MailText, Opening
from careers.retention import erase
from education.models import Article, ArticleStatus, Illustration
from practice.accounts import roles
from practice.accounts.models import AccessEntry, Change
from practice.models import Subspecialty
from practice.search.models import MissedSearch, SynonymGroup
from tests import factories
from tests.billing.books import begin_plan, pay
from tests.practice.test_urls import ADMIN, ALLAUTH, AUDIENCE, GUEST, PUBLIC_IN_ADMIN, SIGNED_IN, URLS
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

PEOPLE = {
    "A": roles.ADMINISTRATOR,
    "B": roles.BILLING,
    "C": roles.CLINICAL_REVIEWER,
    "E": roles.EDITOR,
    "F": roles.FRONT_DESK,
    "H": roles.HIRING,
    "L": roles.BILLING_LEAD,
    "O": roles.REFERRING_OFFICE,
    "P": roles.PHYSICIAN,
    "R": roles.RESOURCES_EDITOR,
    "V": roles.APPLICATION_REVIEWER,  # named at the opening
    "n": "staff without a role",
    "s": "stranger",
    "u": "administrator who has set up no second factor yet",
    "w": "administrator who has one and has shown the password alone",
}
# An address, with what is asked of it where it serves many, and the letters of those who may enter. To enter is to be
# answered 200. Acts and what POSTED names are sent a POST without data: there, going on to the page of the row is
# entering too. ENTERED has the few other answers. All whom a line does not name are refused, as REFUSED says.
TABLE = {
    "account_change_password": "ABCEFHLOPRVn",
    "account_email": "",  # closed: an address is an administrator's to change
    "account_reauthenticate": "ABCEFHLOPRVnu",
    "account_set_password": "ABCEFHLOPRVn",
    "admin": "",  # whatever has no address of its own
    "admin:accounts_accessentry_add": "",
    "admin:accounts_accessentry_change": "A",
    "admin:accounts_accessentry_changelist": "A",
    "admin:accounts_accessentry_delete": "",
    "admin:accounts_accessentry_export": "A",
    "admin:accounts_accessentry_history": "A",
    "admin:accounts_change_add": "",
    "admin:accounts_change_change": "A",
    "admin:accounts_change_changelist": "A",
    "admin:accounts_change_delete": "",
    "admin:accounts_change_export": "A",
    "admin:accounts_change_history": "A",
    "admin:accounts_user_add": "A",
    "admin:accounts_user_change": "A",
    "admin:accounts_user_changelist": "A",
    "admin:accounts_user_delete": "",
    "admin:accounts_user_history": "A",
    "admin:accounts_user_invite": "A",
    "admin:announcements_announcement_add": "AE",
    "admin:announcements_announcement_change": "AE",
    "admin:announcements_announcement_changelist": "AE",
    "admin:announcements_announcement_delete": "AE",
    "admin:announcements_announcement_history": "AE",
    "admin:announcements_announcement_preview": "AE",
    "admin:app_list accounts": "A",
    "admin:app_list announcements": "AE",
    "admin:app_list auth": "",
    "admin:app_list billing": "ABFL",
    "admin:app_list careers": "AHV",
    "admin:app_list django_tasks_database": "",
    "admin:app_list education": "ACE",
    "admin:app_list mfa": "",
    "admin:app_list patients": "ABFL",
    "admin:app_list practice": "ABCEFLR",
    "admin:app_list resources": "AFR",
    "admin:app_list search": "ACE",
    "admin:auth_group_add": "",
    "admin:auth_group_change": "",
    "admin:auth_group_changelist": "",
    "admin:auth_group_delete": "",
    "admin:auth_group_history": "",
    "admin:auth_user_password_change": "",  # everybody chooses their own
    "admin:autocomplete announcements.announcement.physicians": "ACER",
    "admin:autocomplete education.article.topic": "ACE",
    "admin:autocomplete education.topic.illustration": "ACE",
    "admin:autocomplete resources.callshift.service": "AFR",
    "admin:autocomplete resources.document.collection": "AR",
    "admin:autocomplete resources.orderingadvice.reviewed_by": "ACER",
    "admin:billing_attempt_add": "",
    "admin:billing_attempt_change": "BL",
    "admin:billing_attempt_changelist": "BL",
    "admin:billing_attempt_delete": "",
    "admin:billing_attempt_history": "BL",
    "admin:billing_dailyclose_add": "",
    "admin:billing_dailyclose_change": "ABL",
    "admin:billing_dailyclose_changelist": "ABL",
    "admin:billing_dailyclose_close": "BL",
    "admin:billing_dailyclose_delete": "",
    "admin:billing_dailyclose_file": "BL",
    "admin:billing_dailyclose_history": "ABL",
    "admin:billing_dashboard": "BL",
    "admin:billing_dispute_add": "",
    "admin:billing_dispute_change": "BL",
    "admin:billing_dispute_changelist": "BL",
    "admin:billing_dispute_delete": "",
    "admin:billing_dispute_history": "BL",
    "admin:billing_estimaterequest_add": "",
    "admin:billing_estimaterequest_change": "BFL",
    "admin:billing_estimaterequest_changelist": "BFL",
    "admin:billing_estimaterequest_delete": "",
    "admin:billing_estimaterequest_history": "BFL",
    "admin:billing_estimaterequest_record": "BFL",
    "admin:billing_gatewayevent_add": "",
    "admin:billing_gatewayevent_change": "AL",
    "admin:billing_gatewayevent_changelist": "AL",
    "admin:billing_gatewayevent_delete": "",
    "admin:billing_gatewayevent_history": "AL",
    "admin:billing_importbatch_add": "",
    "admin:billing_importbatch_change": "ABL",
    "admin:billing_importbatch_changelist": "ABL",
    "admin:billing_importbatch_delete": "",
    "admin:billing_importbatch_history": "ABL",
    "admin:billing_journal_add": "",
    "admin:billing_journal_change": "L",
    "admin:billing_journal_changelist": "L",
    "admin:billing_journal_delete": "",
    "admin:billing_journal_history": "L",
    "admin:billing_payment_add": "",
    "admin:billing_payment_change": "BL",
    "admin:billing_payment_changelist": "BL",
    "admin:billing_payment_delete": "",
    "admin:billing_payment_history": "BL",
    "admin:billing_payment_refund": "BL",
    "admin:billing_payment_reviewed": "L",
    "admin:billing_paymentplan_add": "",
    "admin:billing_paymentplan_cancel": "BL",
    "admin:billing_paymentplan_change": "BL",
    "admin:billing_paymentplan_changelist": "BL",
    "admin:billing_paymentplan_delete": "",
    "admin:billing_paymentplan_history": "BL",
    "admin:billing_question_add": "",
    "admin:billing_question_answer": "BL",
    "admin:billing_question_change": "BL",
    "admin:billing_question_changelist": "BL",
    "admin:billing_question_close": "BL",
    "admin:billing_question_delete": "",
    "admin:billing_question_history": "BL",
    "admin:billing_refund_add": "",
    "admin:billing_refund_approve": "L",
    "admin:billing_refund_change": "BL",
    "admin:billing_refund_changelist": "BL",
    "admin:billing_refund_decline": "L",
    "admin:billing_refund_delete": "",
    "admin:billing_refund_history": "BL",
    "admin:billing_statement_add": "",
    "admin:billing_statement_change": "BL",
    "admin:billing_statement_changelist": "BL",
    "admin:billing_statement_codes": "BL",
    "admin:billing_statement_credit": "BL",
    "admin:billing_statement_delete": "",
    "admin:billing_statement_export": "BL",
    "admin:billing_statement_history": "BL",
    "admin:billing_statement_reissue": "L",
    "admin:billing_statement_renew_link": "BL",
    "admin:billing_statement_revoke_link": "BL",
    "admin:billing_statement_unlock": "BL",
    "admin:billing_statement_void": "L",
    "admin:billing_statement_write_off": "L",
    "admin:billing_statementupload_accept": "BL",
    "admin:billing_statementupload_add": "BL",
    "admin:billing_statementupload_change": "BL",
    "admin:billing_statementupload_changelist": "BL",
    "admin:billing_statementupload_delete": "",
    "admin:billing_statementupload_discard": "BL",
    "admin:billing_statementupload_history": "BL",
    "admin:careers_application_add": "",
    "admin:careers_application_calendar": "HV",
    "admin:careers_application_change": "HV",
    "admin:careers_application_changelist": "HV",
    "admin:careers_application_comment": "HV",
    "admin:careers_application_decline": "H",
    "admin:careers_application_delete": "",
    "admin:careers_application_erase": "H",
    "admin:careers_application_file": "HV",
    "admin:careers_application_history": "HV",
    "admin:careers_application_hold": "H",
    "admin:careers_application_invite": "H",
    "admin:careers_application_keep": "H",
    "admin:careers_application_keep_for_its_time": "H",
    "admin:careers_application_merge": "H",
    "admin:careers_application_release": "H",
    "admin:careers_application_reveal": "H",
    "admin:careers_application_score": "HV",
    "admin:careers_application_to_hired": "H",
    "admin:careers_application_to_review": "H",
    "admin:careers_application_view_file": "HV",
    "admin:careers_certificate_add": "",
    "admin:careers_certificate_change": "AH",
    "admin:careers_certificate_changelist": "AH",
    "admin:careers_certificate_delete": "",
    "admin:careers_certificate_history": "AH",
    "admin:careers_mailtext_add": "",
    "admin:careers_mailtext_change": "AH",
    "admin:careers_mailtext_changelist": "AH",
    "admin:careers_mailtext_delete": "",
    "admin:careers_mailtext_history": "AH",
    "admin:careers_mailtext_preview": "AH",
    "admin:careers_mailtext_restore": "AH",
    "admin:careers_opening_add": "AH",
    "admin:careers_opening_change": "AH",
    "admin:careers_opening_changelist": "AH",
    "admin:careers_opening_delete": "",
    "admin:careers_opening_export": "H",
    "admin:careers_opening_history": "AH",
    "admin:careers_opening_pipeline": "HV",
    "admin:careers_opening_preview": "AH",
    "admin:careers_survey_counts": "A",
    "admin:django_tasks_database_dbtaskresult_add": "",
    "admin:django_tasks_database_dbtaskresult_change": "",
    "admin:django_tasks_database_dbtaskresult_changelist": "",
    "admin:django_tasks_database_dbtaskresult_delete": "",
    "admin:django_tasks_database_dbtaskresult_history": "",
    "admin:education_article_add": "AE",
    "admin:education_article_back_to_draft": "ACE",
    "admin:education_article_change": "ACE",
    "admin:education_article_changelist": "ACE",
    "admin:education_article_check": "ACE",  # a POST without data is answered 400
    "admin:education_article_checklist": "ACE",
    "admin:education_article_confirm_translation": "ACE",
    "admin:education_article_delete": "",
    "admin:education_article_edition": "ACE",
    "admin:education_article_editions": "ACE",
    "admin:education_article_history": "ACE",
    "admin:education_article_preview": "ACE",
    "admin:education_article_publish": "AC",
    "admin:education_article_record_review": "AC",
    "admin:education_article_restore": "ACE",
    "admin:education_article_retire": "AC",
    "admin:education_article_send_to_review": "ACE",
    "admin:education_illustration_add": "AE",
    "admin:education_illustration_change": "ACE",
    "admin:education_illustration_changelist": "ACE",
    "admin:education_illustration_delete": "",
    "admin:education_illustration_history": "ACE",
    "admin:education_term_add": "AE",
    "admin:education_term_change": "ACE",
    "admin:education_term_changelist": "ACE",
    "admin:education_term_delete": "AE",
    "admin:education_term_hard_words": "ACE",
    "admin:education_term_history": "ACE",
    "admin:education_topic_add": "AE",
    "admin:education_topic_change": "ACE",
    "admin:education_topic_changelist": "ACE",
    "admin:education_topic_delete": "",
    "admin:education_topic_history": "ACE",
    "admin:index": "ABCEFHLRVn",
    "admin:mfa_authenticator_add": "",
    "admin:mfa_authenticator_change": "",
    "admin:mfa_authenticator_changelist": "",
    "admin:mfa_authenticator_delete": "",
    "admin:mfa_authenticator_history": "",
    "admin:password_change": "ABCEFHLRVn",
    "admin:password_change_done": "ABCEFHLRVn",
    "admin:patients_patient_add": "",
    "admin:patients_patient_change": "ABFL",
    "admin:patients_patient_changelist": "ABFL",
    "admin:patients_patient_delete": "",
    "admin:patients_patient_history": "ABFL",
    "admin:practice_feedback_add": "",
    "admin:practice_feedback_answer": "ABFL",
    "admin:practice_feedback_change": "ABFL",  # the row is about a bill: an editor has others
    "admin:practice_feedback_changelist": "ABEFL",
    "admin:practice_feedback_close": "ABFL",
    "admin:practice_feedback_delete": "",
    "admin:practice_feedback_history": "ABFL",
    "admin:practice_feedback_pass_on": "ABFL",
    "admin:practice_identity_add": "",  # there is one
    "admin:practice_identity_change": "AE",
    "admin:practice_identity_changelist": "AE",
    "admin:practice_identity_delete": "",
    "admin:practice_identity_history": "AE",
    "admin:practice_location_add": "AE",
    "admin:practice_location_change": "AEF",
    "admin:practice_location_changelist": "AEF",
    "admin:practice_location_delete": "A",
    "admin:practice_location_history": "AEF",
    "admin:practice_notice_add": "A",
    "admin:practice_notice_change": "A",
    "admin:practice_notice_changelist": "A",
    "admin:practice_notice_delete": "",
    "admin:practice_notice_history": "A",
    "admin:practice_noticeversion_add": "A",
    "admin:practice_noticeversion_change": "A",
    "admin:practice_noticeversion_changelist": "A",
    "admin:practice_noticeversion_delete": "",
    "admin:practice_noticeversion_history": "A",
    "admin:practice_noticeversion_preview": "A",
    "admin:practice_noticeversion_withdraw": "A",
    "admin:practice_physician_add": "AE",
    "admin:practice_physician_change": "ACER",
    "admin:practice_physician_changelist": "ACER",
    "admin:practice_physician_delete": "",
    "admin:practice_physician_history": "ACER",
    "admin:practice_subspecialty_add": "AE",
    "admin:practice_subspecialty_change": "AE",
    "admin:practice_subspecialty_changelist": "AE",
    "admin:practice_subspecialty_delete": "A",
    "admin:practice_subspecialty_history": "AE",
    "admin:resources_callservice_add": "AR",
    "admin:resources_callservice_change": "AFR",
    "admin:resources_callservice_changelist": "AFR",
    "admin:resources_callservice_delete": "AR",
    "admin:resources_callservice_history": "AFR",
    "admin:resources_callservice_plan": "AFR",
    "admin:resources_callshift_add": "AFR",
    "admin:resources_callshift_change": "AFR",
    "admin:resources_callshift_changelist": "AFR",
    "admin:resources_callshift_delete": "AFR",
    "admin:resources_callshift_history": "AFR",
    "admin:resources_collection_add": "AR",
    "admin:resources_collection_change": "AR",
    "admin:resources_collection_changelist": "AR",
    "admin:resources_collection_delete": "AR",
    "admin:resources_collection_history": "AR",
    "admin:resources_contact_add": "AR",
    "admin:resources_contact_change": "AR",
    "admin:resources_contact_changelist": "AR",
    "admin:resources_contact_delete": "AR",
    "admin:resources_contact_history": "AR",
    "admin:resources_document_add": "AR",
    "admin:resources_document_change": "AR",
    "admin:resources_document_changelist": "AR",
    "admin:resources_document_delete": "",
    "admin:resources_document_history": "AR",
    "admin:resources_document_new_version": "AR",
    "admin:resources_document_readers": "AR",
    "admin:resources_document_readers_export": "AR",
    "admin:resources_document_remind": "AR",
    "admin:resources_orderingadvice_add": "AR",
    "admin:resources_orderingadvice_change": "AR",
    "admin:resources_orderingadvice_changelist": "AR",
    "admin:resources_orderingadvice_delete": "AR",
    "admin:resources_orderingadvice_history": "AR",
    "admin:resources_version_add": "",
    "admin:resources_version_change": "AR",
    "admin:resources_version_changelist": "AR",
    "admin:resources_version_delete": "",
    "admin:resources_version_file": "AR",
    "admin:resources_version_history": "AR",
    "admin:resources_version_last_day": "AR",
    "admin:resources_version_withdraw": "AR",
    "admin:search": "ABCEFHLRVn",
    "admin:search_missedsearch_add": "",
    "admin:search_missedsearch_change": "ACE",
    "admin:search_missedsearch_changelist": "ACE",
    "admin:search_missedsearch_dealt_with": "AE",
    "admin:search_missedsearch_delete": "",
    "admin:search_missedsearch_history": "ACE",
    "admin:search_missedsearch_synonym": "AE",
    "admin:search_synonymgroup_add": "AE",
    "admin:search_synonymgroup_change": "ACE",
    "admin:search_synonymgroup_changelist": "ACE",
    "admin:search_synonymgroup_delete": "AE",
    "admin:search_synonymgroup_history": "ACE",
    "admin:view_on_site announcements.announcement": "AE",
    "admin:view_on_site billing.attempt": "",
    "admin:view_on_site billing.paymentplan": "",
    "admin:view_on_site careers.application": "",  # the page is the applicant's own, by a private link
    "admin:view_on_site careers.draft": "",
    "admin:view_on_site careers.opening": "AH",
    "admin:view_on_site education.article": "ACE",
    "admin:view_on_site education.edition": "",
    "admin:view_on_site education.entry": "",
    "admin:view_on_site education.term": "ACE",
    "admin:view_on_site education.topic": "ACE",
    "admin:view_on_site practice.location": "AEF",
    "admin:view_on_site practice.notice": "A",
    "admin:view_on_site practice.physician": "ACER",
    "admin:view_on_site resources.collection": "AR",
    "admin:view_on_site resources.document": "AR",
    "billing:ask": "",  # here and below: patients who have shown their code, nobody by an account
    "billing:choose_statement": "",
    "billing:leave": "",
    "billing:plan_offer": "",
    "billing:questions": "",
    "billing:receipt_pdf": "",
    "billing:statement": "",
    "mfa_activate_totp": "ABCEFHLOPRVnu",  # those who have one are sent on
    "mfa_add_webauthn": "ABCEFHLOPRVnu",
    "mfa_deactivate_totp": "ABCEFHLOPRVn",
    "mfa_download_recovery_codes": "ABCEFHLOPRVn",
    "mfa_edit_webauthn": "",  # another person's key
    "mfa_generate_recovery_codes": "ABCEFHLOPRVnu",
    "mfa_index": "ABCEFHLOPRVnu",
    "mfa_list_webauthn": "ABCEFHLOPRVnu",
    "mfa_reauthenticate": "ABCEFHLOPRVnuw",
    "mfa_reauthenticate_webauthn": "ABCEFHLOPRVnuw",
    "mfa_remove_webauthn": "",  # another person's key
    "mfa_view_recovery_codes": "ABCEFHLOPRVn",
    "resources:collection": "ABCEFHLPRV",  # here and below: a shelf for staff, which referring offices do not have
    "resources:confirm_read": "ABCEFHLPRV",
    "resources:contacts": "ABCEFHLOPRVn",
    "resources:document": "ABCEFHLPRV",
    "resources:download": "ABCEFHLPRV",
    "resources:index": "ABCEFHLOPRVn",
    "resources:on_call": "ABCEFHLOPRVn",
    "resources:ordering_guide": "ABCEFHLOPRV",
    "resources:search": "ABCEFHLOPRVn",
    "usersessions_list": "ABCEFHLOPRVn",
}
POSTED = {
    "admin:education_article_check", "admin:education_article_restore", "billing:choose_statement", "billing:leave",
    "resources:confirm_read",
}  # fmt: skip
# Everybody's: the way in, the way out, and the words of the admin's scripts.
NOT_PRIVATE = PUBLIC_IN_ADMIN | {"admin:logout"}
# The status, or the beginning of where it leads, with which these let somebody in instead.
ENTERED = {
    "account_set_password": "/accounts/password/change/",
    "admin:education_article_check": "400",
    "admin:password_change": "/accounts/password/change/",  # the one page for it
    "admin:password_change_done": "/accounts/password/change/",
    "admin:search_missedsearch_synonym": "/admin/search/synonymgroup/add/",
    "admin:view_on_site": "/",
    "mfa_activate_totp": "/accounts/2fa/totp/deactivate/",
    "mfa_reauthenticate": "/accounts/reauthenticate/",
    "mfa_reauthenticate_webauthn": "/accounts/reauthenticate/",
    "resources:confirm_read": "/resources/",
}
SHUT = {"/pay/", "/admin/", "404"}  # to the door of the patients, or the office, and where nothing is for this person
REFUSED = dict.fromkeys(PEOPLE, SHUT | {"403"}) | {
    "O": SHUT | {"/admin/login/"},  # which says 403 to those who are no staff
    "P": SHUT | {"/admin/login/"},
    "s": SHUT | {"/admin/login/", "/accounts/login/"},
    "u": SHUT | {"/accounts/2fa/totp/activate/"},
    "w": SHUT | {"/accounts/2fa/reauthenticate/"},
}


def lines_of_the_site():
    """What the table must have a line for: each private address, those that serve many once for each."""
    private = {name for name, audience in (AUDIENCE | ALLAUTH).items() if audience in (SIGNED_IN, GUEST)}
    names = (private | set(ADMIN)) - NOT_PRIVATE - {"admin:app_list", "admin:autocomplete", "admin:view_on_site"}
    rooms = {f"admin:app_list {model._meta.app_label}" for model in admin.site._registry}
    choices = {
        f"admin:autocomplete {model._meta.label_lower}.{field}"
        for model, model_admin in admin.site._registry.items()
        for field in model_admin.autocomplete_fields
    }
    pages = {
        f"admin:view_on_site {model._meta.label_lower}"
        for model in apps.get_models()
        if hasattr(model, "get_absolute_url")
    }
    return names | rooms | choices | pages


@pytest.fixture
def rows(identity):
    """A row for each address that names one, such that its acts are offered: by model, or by address for one alone."""
    member = factories.UserFactory(roles=[roles.PHYSICIAN])
    invited = factories.UserFactory(is_staff=True)
    invited.set_unusable_password()
    invited.save()
    key = Authenticator.objects.create(user=member, type="webauthn", data={"name": "Key", "credential": {}})
    document = factories.DocumentFactory(is_must_read=True)
    application = factories.ApplicationFactory(opening__is_read_blind=False)
    InterviewSlot.objects.create(application=application, starts_at=timezone.now(), place="Here", state="chosen")
    return {
        "accounts_accessentry": AccessEntry.objects.create(user=member, what="x", row="1", how="x").pk,
        "accounts_change": Change.objects.latest("pk").pk,
        "accounts_user": invited.pk,
        "announcements_announcement": factories.AnnouncementFactory().pk,
        "auth_group": Group.objects.get(name=roles.BILLING).pk,
        "auth_user": invited.pk,
        "admin:careers_application_file": (application.pk, application.files.get().pk),
        "admin:careers_application_view_file": (application.pk, application.files.get().pk),
        "careers_application": application.pk,
        "careers_certificate": erase(factories.ApplicationFactory(status="declined"), by=member).pk,
        "careers_draft": Draft.objects.create(opening=application.opening, language="en").pk,
        "careers_mailtext": MailText.objects.first().pk,
        "careers_opening": application.opening.pk,
        "mfa_authenticator": key.pk,
        "mfa_edit_webauthn": key.pk,
        "mfa_remove_webauthn": key.pk,
        "practice_feedback": factories.FeedbackFactory(team="billing", email="ann@example.com").pk,
        "practice_identity": identity.pk,
        "practice_location": factories.LocationFactory().pk,
        "practice_notice": (version := factories.NoticeVersionFactory()).notice.pk,
        "practice_noticeversion": version.pk,
        "practice_physician": factories.PhysicianFactory().pk,
        "practice_subspecialty": Subspecialty.objects.create(name="X").pk,
        "resources:collection": document.collection.slug,
        "resources:confirm_read": document.slug,
        "resources:document": document.slug,
        "resources:download": document.slug,
        "resources_callservice": factories.CallServiceFactory().pk,
        "resources_callshift": factories.CallShiftFactory().pk,
        "resources_collection": document.collection.pk,
        "resources_contact": factories.ContactFactory().pk,
        "resources_document": document.pk,
        "resources_orderingadvice": factories.OrderingAdviceFactory().pk,
        "resources_version": document.versions.get().pk,
        "search_missedsearch": MissedSearch.objects.create(language="en", words="x").pk,
        "search_synonymgroup": SynonymGroup.objects.create(language="en", text="a = b").pk,
        **billing_rows(member),
        **education_rows(),
    }


def billing_rows(member):
    bill = factories.StatementFactory(owes=10_000)
    payment = pay(bill, 8_000)
    Payment.objects.filter(pk=payment.pk).update(needs_review="Look.")
    disputed = pay(factories.StatementFactory(owes=2_000))
    apply_dispute("sandbox", DisputeOutcome(DisputeOutcomeState.OPEN, "d_1", disputed.payment_ref, 2_000))
    refund = Refund.objects.create(
        payment=payment, gateway="sandbox", amount_cents=5_000, needs_second_person=True, state="proposed",
        requested_by=member,
    )  # fmt: skip
    closed = DailyClose.objects.create(
        day=date(2026, 1, 1), first_position=1, last_position=0, entries=0, payments_cents=0, refunds_cents=0,
        disputes_cents=0, fees_cents=0, deposit_cents=0,
    )  # fmt: skip
    batch = ImportBatch.objects.create(sha256="0", file_name="a.csv", lines=1, new=1, changed=0, unchanged=0)
    upload = take_upload(ContentFile(b"a", name="a.csv"), by=member)
    StatementUpload.objects.filter(pk=upload.pk).update(state=UploadState.CHECKED)
    estimate = request_estimate(name="Ann", contact="ann@example.com", exam="MRI", scheduled_on=None, language="en")
    return {
        "admin:billing_statement_reissue": void_statement(factories.StatementFactory(), by=member, reason="Wrong").pk,
        "billing:ask": "charge",
        "billing:receipt_pdf": payment.attempt.pk,
        "billing_attempt": payment.attempt.pk,
        "billing_dailyclose": closed.pk,
        "billing_dispute": Dispute.objects.get().pk,
        "billing_estimaterequest": estimate.pk,
        "billing_gatewayevent": GatewayEvent.objects.create(gateway="sandbox", event_id="1", kind="paid").pk,
        "billing_importbatch": batch.pk,
        "billing_journal": Journal.objects.latest("pk").pk,
        "billing_payment": payment.pk,
        "billing_paymentplan": begin_plan(factories.StatementFactory(owes=12_000)).pk,
        "billing_question": ask(factories.StatementFactory(), QuestionKind.CHARGE, "Why?").pk,
        "billing_refund": refund.pk,
        "billing_statement": bill.pk,
        "billing_statementupload": upload.pk,
        "django_tasks_database_dbtaskresult": DBTaskResult.objects.first().pk,
        "patients_patient": bill.patient.pk,
    }


def education_rows():
    article = factories.ArticleFactory()
    spanish = factories.ArticleFactory(topic=article.topic, language="es")
    Article.objects.filter(pk=spanish.pk).update(stale_blocks=1)
    in_review = factories.ArticleFactory(status=ArticleStatus.IN_REVIEW)
    illustration = Illustration.objects.create(slug="x", drawing="<svg/>", alt="X", alt_es="X")
    term = factories.make_term("word", en="Word")
    return {
        "admin:education_article_back_to_draft": in_review.pk,
        "admin:education_article_confirm_translation": spanish.pk,
        "admin:education_article_publish": in_review.pk,
        "education_article": article.pk,
        "education_edition": article.editions.get().pk,
        "education_entry": term.entries.get().pk,
        "education_illustration": illustration.pk,
        "education_term": term.pk,
        "education_topic": article.topic.pk,
    }


def url_of(name, asked_for, rows):
    if name == "admin":
        return "/admin/nothing/here/"
    if name == "admin:app_list":
        return reverse(name, args=[asked_for])
    if name == "admin:autocomplete":
        query = dict(zip(("app_label", "model_name", "field_name"), asked_for.split("."), strict=True))
        return f"{reverse(name)}?{urlencode(query)}"
    if name == "admin:view_on_site":
        kind = ContentType.objects.get_by_natural_key(*asked_for.split("."))
        return reverse(name, args=[kind.pk, rows[asked_for.replace(".", "_")]])
    if name in rows:
        found = rows[name]
        return reverse(name, args=found if isinstance(found, tuple) else [found])
    wanted = URLS[name].pattern.regex.groups
    keys = sorted((key for key in rows if name.startswith(f"admin:{key}_")), key=len, reverse=True)
    found = [rows[key] for key in keys[:1]]
    assert found or not wanted, f"`rows` has none for {name}"
    return reverse(name, args=[*found, 1][:wanted])  # the second is the number of an edition


def client_of(letter):
    client = Client(raise_request_exception=False)  # a page that breaks is answered 500, and told with the rest
    if letter == "s":
        return client
    held = {"n": [], "u": [roles.ADMINISTRATOR], "w": [roles.ADMINISTRATOR]}.get(letter, [PEOPLE[letter]])
    user = factories.UserFactory(roles=held, is_staff=letter not in "OP")
    if letter == "V":
        for opening in Opening.objects.all():
            opening.reviewers.add(user)
    if letter != "u":
        TOTP.activate(user, "A" * 32)
        RecoveryCodes.activate(user)
    return sign_in(client, user, second_factor=letter not in "uw")


def answer(client, name, url):
    """The status, or where it leads. What was done is undone: the next address finds the rows as they were."""
    is_posted = name in POSTED or "/act/" in str(URLS[name].pattern)
    cookies = client.cookies.output(header="", sep=";")
    before = transaction.savepoint()
    response = client.post(url) if is_posted else client.get(url)
    if response.streaming:
        response.getvalue()
    transaction.savepoint_rollback(before)
    client.cookies = SimpleCookie(cookies)
    return response.headers.get("Location", str(response.status_code)).split("?")[0]


def has_entered(name, url, said, letter):
    page_of_the_row = re.sub(r"(?:act|editions)/.*", "change/", url)
    is_let_in = name in ENTERED and said.startswith(ENTERED[name]) and said not in REFUSED[letter]
    return is_let_in or said in {"200", page_of_the_row}


def test_table_has_a_line_for_each_private_address_in_order():
    site = lines_of_the_site()

    assert (site - TABLE.keys(), TABLE.keys() - site) == (set(), set())  # to add, to take out
    assert list(TABLE) == sorted(TABLE)


def test_table_names_people_in_order():
    assert {line: "".join(letter for letter in PEOPLE if letter in letters) for line, letters in TABLE.items()} == TABLE


@pytest.mark.parametrize("letter", PEOPLE, ids=list(PEOPLE.values()))
def test_enters_what_the_table_says_and_nothing_else(rows, letter):
    client = client_of(letter)
    wrong = []
    for line, letters in TABLE.items():
        name, _, asked_for = line.partition(" ")
        url = url_of(name, asked_for, rows)
        said = answer(client, name, url)
        is_right = has_entered(name, url, said, letter) if letter in letters else said in REFUSED[letter]
        if not is_right:
            wrong.append(f"{line}: should be {'let in' if letter in letters else 'refused'}, was answered {said}")

    assert wrong == [], "\n".join([PEOPLE[letter], *wrong])
