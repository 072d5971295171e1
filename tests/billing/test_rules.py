"""The check that the database really holds each rule about money."""

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from django.db import connection

from billing.proof import prove
from billing.rules import LAST_RULES, expected_constraints, expected_triggers, missing_rules

pytestmark = pytest.mark.django_db


def table_of(trigger):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = %s", [trigger])
        ((table,),) = cursor.fetchall()
        return table


def errors():
    found = run_checks(tags=[Tags.database], databases=["default"])
    return [(error.id, error.msg) for error in found if error.id.startswith("billing.")]


def test_all_rules_are_there():
    assert (missing_rules(), errors()) == ([], [])


def test_every_trigger_of_ours_in_the_database_is_expected():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'billing\\_%' "
            "AND tgname NOT LIKE 'change\\_log\\_%'"
        )
        assert {name for (name,) in cursor.fetchall()} == expected_triggers()


@pytest.mark.parametrize("trigger", sorted(expected_triggers()))
@pytest.mark.parametrize("how", ["DROP TRIGGER {trigger} ON {table}", "ALTER TABLE {table} DISABLE TRIGGER {trigger}"])
def test_trigger_that_is_missing_or_switched_off_is_told(trigger, how):
    with connection.cursor() as cursor:
        cursor.execute(how.format(trigger=trigger, table=table_of(trigger)))

    assert errors() == [("billing.E001", f"The database does not hold the rule {trigger}.")]


def test_trigger_that_sleeps_in_ordinary_sessions_is_told():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_leg ENABLE REPLICA TRIGGER billing_leg_never_changes")

    assert missing_rules() == ["billing_leg_never_changes"]


def test_every_constraint_of_the_models_is_expected():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text LIKE 'billing\\_%' "
            "AND conname NOT LIKE '%\\_check'"
        )
        checks = {name for (name,) in cursor.fetchall()}
    assert checks <= expected_constraints()
    assert "billing_attempt_one_live" in expected_constraints()


@pytest.mark.parametrize(
    ("rule", "how"),
    [
        ("billing_attempt_one_live", "DROP INDEX billing_attempt_one_live"),
        ("billing_payment_ref_unique", "ALTER TABLE billing_payment DROP CONSTRAINT billing_payment_ref_unique"),
        ("billing_leg_not_zero", "ALTER TABLE billing_leg DROP CONSTRAINT billing_leg_not_zero"),
    ],
)
def test_constraint_that_is_missing_is_told(rule, how):
    with connection.cursor() as cursor:
        cursor.execute(how)

    assert errors() == [("billing.E001", f"The database does not hold the rule {rule}.")]


def test_constraint_that_was_never_proved_is_told():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_leg DROP CONSTRAINT billing_leg_not_zero")
        cursor.execute("ALTER TABLE billing_leg ADD CONSTRAINT billing_leg_not_zero CHECK (cents <> 0) NOT VALID")

    assert missing_rules() == ["billing_leg_not_zero"]


def test_database_that_is_still_to_be_migrated_is_not_judged():
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER billing_leg_never_changes ON billing_leg")
        cursor.execute("DELETE FROM django_migrations WHERE (app, name) = (%s, %s)", LAST_RULES)

    assert errors() == []


def test_missing_rule_is_a_problem_of_the_proof_and_fails_the_command(capsys):
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER billing_leg_never_changes ON billing_leg")

    assert prove().first_problem == "rules missing from the database: billing_leg_never_changes"
    with pytest.raises(CommandError, match="billing_leg_never_changes"):
        call_command("check_ledger")


def test_deployment_check_looks_at_the_database_too():
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER billing_leg_never_changes ON billing_leg")

    found = run_checks(include_deployment_checks=True)

    assert [error.id for error in found if error.id.startswith("billing.E")] == ["billing.E001"]
