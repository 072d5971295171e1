"""The site's role of the database can neither change a log nor empty a table, also with SQL of its own."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from practice.accounts.models import Change
from practice.database_roles import append_only, role_statements
from tests.factories import LocationFactory, StatementFactory, UserFactory


@pytest.fixture
def as_role(db):
    """A function that runs SQL as the site or the backup; the roles go with the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (owner,) = cursor.fetchone()
        for statement in role_statements(owner, "test_site", "test_backup"):
            cursor.execute(statement)

    def run(role, statement):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {role}")
            cursor.execute(statement)
            found = cursor.fetchall() if cursor.description else None
            cursor.execute("RESET ROLE")
            return found

    return run


def refused(as_role, role, statement):
    try:
        as_role(role, statement)
    except ProgrammingError as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM accounts_change",
        "INSERT INTO accounts_change (table_name) VALUES ('x')",
        "UPDATE accounts_accessentry SET row = 'x'",
        "DELETE FROM accounts_accessentry",
        "UPDATE billing_leg SET id = 0",
        "DELETE FROM billing_journal",
        "UPDATE billing_chainlink SET position = 0",
        "DELETE FROM education_edition",
        "TRUNCATE billing_statement",
        "TRUNCATE practice_location",
        "ALTER TABLE practice_location DISABLE TRIGGER change_log_update",
        "DROP TRIGGER change_log_update ON practice_location",
        "CREATE TABLE own (id int)",
        "DELETE FROM django_migrations",
        "ALTER FUNCTION accounts_record_change() RENAME TO other",
    ],
)
def test_site_is_refused_what_it_never_needs(as_role, statement):
    assert refused(as_role, "test_site", statement) is True


def test_site_works_and_its_changes_are_told_all_the_same(as_role):
    LocationFactory(name="North")
    as_role("test_site", "UPDATE practice_location SET name = 'South'")
    as_role("test_site", "INSERT INTO practice_subspecialty (name, name_es) VALUES ('a', '')")
    assert [change.before for change in Change.objects.filter(action="update", table_name="practice_location")] == [
        {"name": "North"}
    ]
    assert Change.objects.filter(table_name="practice_subspecialty").count() == 1


def test_site_posts_to_the_ledger(as_role):
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE test_site")
        try:
            statement = StatementFactory(owes=100)
        finally:
            cursor.execute("RESET ROLE")
    assert statement.balance_cents == 100


@pytest.mark.parametrize(
    "statement", ["UPDATE practice_location SET name = 'x'", "DELETE FROM accounts_user", "TRUNCATE accounts_user"]
)
def test_backup_reads_and_writes_nothing(as_role, statement):
    UserFactory()
    assert as_role("test_backup", "SELECT count(*) FROM accounts_user") == [(1,)]
    assert refused(as_role, "test_backup", statement) is True


def test_every_log_is_named(db):
    assert set(append_only()) == {
        "accounts_accessentry", "accounts_change", "billing_chainlink", "billing_journal", "billing_leg",
        "careers_certificate", "careers_surveyanswer", "education_edition", "resources_acknowledgement",
        "resources_version",
    }  # fmt: skip


def test_command_prints_statements_for_psql(db, capsys):
    call_command("database_roles", owner="o", app="site", backup="b")
    printed = capsys.readouterr().out
    assert ('TO "site"' in printed, printed.count("CREATE ROLE"), printed.strip()[-1]) == (True, 2, ";")


@pytest.mark.parametrize("name", ['a"b', "a;b", "", "Ä", "1a"])
def test_names_that_are_no_names_are_refused(db, name):
    with pytest.raises(CommandError, match="small letters"):
        call_command("database_roles", app=name)
