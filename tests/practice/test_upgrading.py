"""Old code and new code on one schema: what migrations may do while the version before serves."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now

from practice.upgrading import breaks

# The last migration of each app that a running site may have; write the new ones here when a version is released.
RELEASED = {
    "accounts": "0009_columns_named_like_variables",
    "announcements": "0004_years_known",
    "billing": "0015_lists_at_any_size",
    "careers": "0019_shipped_mails",
    "education": "0010_change_log",
    "patients": "0003_change_log",
    "practice": "0011_who_owns_the_practice",
    "resources": "0013_dates_checked",
    "sandbox": "0003_movements_of_earlier_pages",
    "search": "0003_change_log",
}


def plan():
    executor = MigrationExecutor(connection)
    return [one for one, _ in executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)]


@pytest.mark.django_db
def test_no_migration_since_the_release_breaks_the_released_code():
    full_plan = plan()
    names = [(migration.app_label, migration.name) for migration in full_plan]
    assert set(RELEASED.items()) <= set(names)
    waiting = {(app, name) for app, name in names if app in RELEASED and name > RELEASED[app]}
    assert breaks(full_plan, waiting) == []


# ---- The check itself -------------------------------------------------------------------------------------------------

TABLE = migrations.CreateModel(
    "Visit",
    [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=20)),
        ("note", models.TextField(null=True)),
        ("clinic", models.ForeignKey("app.Clinic", models.PROTECT)),
    ],
)
CLINIC = migrations.CreateModel("Clinic", [("id", models.BigAutoField(primary_key=True))])


def migration(name, *operations, **facts):
    made = Migration(name, "app")
    made.operations = list(operations)
    for fact, value in facts.items():
        setattr(made, fact, value)
    return made


def said_of(*operations, **facts):
    full_plan = [migration("0001_visits", CLINIC, TABLE), migration("0002_next", *operations, **facts)]
    return breaks(full_plan, {("app", "0002_next")})


ADD = migrations.AddField
ALTER = migrations.AlterField


@pytest.mark.parametrize(
    "operation",
    [
        migrations.CreateModel("Room", [("id", models.BigAutoField(primary_key=True))]),
        ADD("visit", "room", models.CharField(max_length=9, null=True)),
        ADD("visit", "room", models.CharField(max_length=9, db_default="")),
        ADD("visit", "at", models.DateTimeField(db_default=Now())),
        ADD("visit", "clinics", models.ManyToManyField("app.Clinic")),
        ADD("visit", "key", models.UUIDField(null=True, unique=True)),
        ALTER("visit", "name", models.CharField("name of the visitor", max_length=20, blank=True)),
        ALTER("visit", "name", models.CharField(max_length=20, null=True)),
        ALTER("visit", "clinic", models.ForeignKey("app.Clinic", models.CASCADE)),
        migrations.AddIndex("visit", models.Index(fields=["name"], name="by_name")),
        migrations.RemoveIndex("visit", "by_name"),
        migrations.RemoveConstraint("visit", "named"),
        migrations.AlterModelOptions("visit", {"ordering": ["name"]}),
        migrations.RunPython(lambda apps, editor: None),
        migrations.RunSQL("CREATE TRIGGER t AFTER TRUNCATE ON app_visit EXECUTE FUNCTION f()", "DROP TABLE app_visit"),
        migrations.RunSQL([("INSERT INTO app_visit VALUES (%s)", [1])]),
    ],
    ids=lambda operation: operation.describe()[:60],
)
def test_what_adds_is_let_through(operation):
    if isinstance(operation, migrations.RemoveIndex | migrations.RemoveConstraint):
        before = {
            "RemoveIndex": migrations.AddIndex("visit", models.Index(fields=["name"], name="by_name")),
            "RemoveConstraint": migrations.AddConstraint(
                "visit", models.CheckConstraint(condition=~models.Q(name=""), name="named")
            ),
        }[type(operation).__name__]
        full_plan = [migration("0001_visits", CLINIC, TABLE, before), migration("0002_next", operation)]
        assert breaks(full_plan, {("app", "0002_next")}) == []
    else:
        assert said_of(operation) == []


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (migrations.DeleteModel("visit"), "the old code still looks for the table of 'Delete model visit'"),
        (
            migrations.RenameModel("visit", "Call"),
            "the old code still looks for the table of 'Rename model visit to Call'",
        ),
        (
            migrations.AlterModelTable("visit", "calls"),
            "the old code still looks for the table of 'Rename table for visit to calls'",
        ),
        (
            migrations.RemoveField("visit", "note"),
            "the old code still reads the column: 'Remove field note from visit'",
        ),
        (
            migrations.RenameField("visit", "note", "text"),
            "the old code still reads the column: 'Rename field note on visit to text'",
        ),
        (
            ADD("visit", "room", models.CharField(max_length=9, default="")),
            "the old code writes rows without visit.room: give it null=True or a db_default",
        ),
        (
            ADD("visit", "room", models.CharField(max_length=9, db_default="", unique=True)),
            "the old code writes rows without visit.room: give it null=True or a db_default",
        ),
        (ALTER("visit", "note", models.TextField()), "the old code still writes empty values into visit.note"),
        (
            ALTER("visit", "name", models.CharField(max_length=20, unique=True)),
            "the old code may write equal values into visit.name",
        ),
        (
            ALTER("visit", "name", models.CharField(max_length=10)),
            "visit.name becomes something else under the old code: varchar(20) to varchar(10)",
        ),
        (
            ALTER("visit", "clinic", models.ForeignKey("app.Visit", models.PROTECT)),
            "visit.clinic becomes something else under the old code: a reference to app.clinic to a reference to app.visit",
        ),
        (
            migrations.AddConstraint("visit", models.CheckConstraint(condition=~models.Q(name=""), name="named")),
            "the old code may write rows that named refuses",
        ),
        (migrations.RunSQL("ALTER TABLE app_visit\n drop  column note"), "SQL of its own says DROP  COLUMN"),
        (
            migrations.SeparateDatabaseAndState([migrations.RunSQL([("ALTER TABLE a RENAME TO b", None)])], []),
            "SQL of its own says RENAME",
        ),
    ],
    ids=lambda value: value.describe()[:60] if hasattr(value, "describe") else "",
)
def test_what_takes_away_is_refused_unless_it_says_why_it_may(operation, why):
    assert said_of(operation) == [f"app.0002_next: {why}"]
    assert said_of(operation, contracts="0.1 was the last version that used it") == []


def test_table_that_the_old_code_does_not_know_may_be_anything():
    room = migrations.CreateModel("Room", [("id", models.BigAutoField(primary_key=True))])
    assert said_of(room, ADD("room", "name", models.CharField(max_length=9)), migrations.DeleteModel("room")) == []


def test_what_is_applied_already_is_not_looked_at():
    full_plan = [migration("0001_visits", CLINIC, TABLE), migration("0002_next", migrations.DeleteModel("visit"))]
    assert breaks(full_plan, set()) == []


@pytest.mark.django_db
def test_command_says_that_nothing_waits(capsys):
    call_command("check_upgrade")
    assert capsys.readouterr().out == "0 migrations wait; the version before can go on meanwhile.\n"


@pytest.mark.django_db
def test_command_looks_at_the_migrations_that_this_database_lacks():
    """Those of hiring that took columns away, as if they were still to come."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'careers' AND name >= '0009'")
    errors = StringIO()
    with pytest.raises(CommandError, match="Stop the old version before you migrate"):
        call_command("check_upgrade", stderr=errors)
    said = errors.getvalue().splitlines()
    column = "the old code still reads the column: 'Remove field cv from application'"
    assert f"careers.0009_applications_are_answered: {column}" in said
    assert {line.partition(".")[0] for line in said} == {"careers"}
