"""What holds for the project as a whole."""

import ast
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import polib
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

ROOT = settings.BASE_DIR
ROOMS = ("practice", "patients", "education", "careers", "billing")
MAY_IMPORT = {
    "practice": {"practice"},
    "education": {"practice", "education"},
    "careers": {"practice", "careers"},
    "patients": {"practice", "patients"},
    "billing": set(ROOMS),
}
COMPOSERS = {"practice/urls.py", "practice/settings.py"}


def sources(room):
    return sorted(path for path in (ROOT / room).rglob("*.py"))


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [node.module]
        for name in names:
            if name.split(".")[0] in ROOMS:
                yield name.split(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room):
    wrong = [
        f"{path.relative_to(ROOT)} imports {other}"
        for path in sources(room)
        if str(path.relative_to(ROOT)) not in COMPOSERS
        for other in imported_rooms(path)
        if other not in MAY_IMPORT[room]
    ]

    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_package_says_what_it_is_for(room):
    packages = list((ROOT / room).rglob("__init__.py"))
    silent = [
        str(path.relative_to(ROOT))
        for path in packages
        if not {"migrations", "management", "commands", "templatetags"} & set(path.parts)
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_no_room_is_a_junk_drawer():
    names = {"utils", "helpers", "services", "common", "core", "misc"}
    found = [
        str(p.relative_to(ROOT)) for room in ROOMS for p in sources(room) if p.stem in names or p.parent.name in names
    ]

    assert found == []


@pytest.mark.django_db
def test_no_migration_is_missing():
    out = StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)

    assert out.getvalue() == "No changes detected\n"


@pytest.mark.parametrize("room", ROOMS)
def test_migrations_have_names_given_by_hand(room):
    found = [
        p.name for p in sources(room) if p.parent.name == "migrations" and re.search(r"_auto_|_initial|_alter_", p.name)
    ]

    assert found == []


def variables_read():
    text = (ROOT / "practice/settings.py").read_text()
    return set(re.findall(r"""(?:env(?:\.\w+)?|secret)\(\s*"([A-Z0-9_]+)\"""", text))


def example():
    """The variables of .env.example: {name: value}; each has a line above it that says what it is."""
    found, explained = {}, False
    for line in (ROOT / ".env.example").read_text().splitlines():
        if match := re.fullmatch(r"#? ?([A-Z0-9_]+)=(.*)", line):
            assert explained, f"{match.group(1)} is not explained"
            found[match.group(1)] = None if line.startswith("#") else match.group(2)
        explained = line.startswith("#")
    return found


def test_example_environment_lists_every_variable():
    assert set(example()) == variables_read()


def run_manage(*arguments, **environment):
    ours = variables_read() | {"DJANGO_ALLOW_ASYNC_UNSAFE"}  # the second one is the browser tests'
    clean = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *arguments],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run_check(**environment):
    return run_manage("check", "--deploy", "--fail-level", "WARNING", **environment)


def test_deploy_check_is_clean_with_the_example_environment(tmp_path):
    environment = {name: value for name, value in example().items() if value is not None}

    done = run_check(**environment | {"VAR_DIR": str(tmp_path)})

    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n"), done.stderr


def test_deploy_check_refuses_a_demo(tmp_path):
    done = run_check(DEMO="1", VAR_DIR=str(tmp_path))

    assert done.returncode == 1
    assert "practice.E001" in done.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "FIELD_KEYS", "BLIND_INDEX_KEY"])
def test_site_does_not_start_without_its_secrets(tmp_path, missing):
    environment = {name: value for name, value in example().items() if value is not None and name != missing}

    done = run_check(**environment | {"VAR_DIR": str(tmp_path)})

    assert done.returncode == 1
    assert f"Set the {missing} environment variable" in done.stderr


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"BILLING_GATEWAY": "paypal"}, "BILLING_GATEWAY is stripe, sandbox or empty."),
        ({"STRIPE_API_KEY": ""}, "BILLING_GATEWAY=stripe needs STRIPE_API_KEY and STRIPE_WEBHOOK_SECRETS."),
        ({"STRIPE_WEBHOOK_SECRETS": ""}, "BILLING_GATEWAY=stripe needs STRIPE_API_KEY and STRIPE_WEBHOOK_SECRETS."),
        (
            {"BILLING_GATEWAY": "sandbox", "SANDBOX_WEBHOOK_SECRET": "s" * 40},
            "The sandbox refuses to start beside a live processor key: unset STRIPE_API_KEY.",
        ),
    ],
)
def test_site_does_not_start_with_a_card_processor_that_cannot_work(tmp_path, facts, sentence):
    environment = {name: value for name, value in example().items() if value is not None}

    done = run_check(**environment | {"VAR_DIR": str(tmp_path)} | facts)

    assert done.returncode == 1
    assert done.stderr.strip().endswith(sentence)


@pytest.mark.parametrize(
    ("facts", "targets"),
    [
        ({}, ["'self'", "https://checkout.stripe.com"]),
        ({"STRIPE_API_BASE": "http://127.0.0.1:8423"}, ["'self'", "http://127.0.0.1:8423"]),
        ({"BILLING_GATEWAY": ""}, ["'self'"]),
    ],
)
def test_forms_may_be_sent_on_to_the_card_page_and_nowhere_else(tmp_path, facts, targets):
    environment = {name: value for name, value in example().items() if value is not None}
    code = "from django.conf import settings; print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'])"

    done = run_manage("shell", "--no-imports", "-c", code, **environment | {"VAR_DIR": str(tmp_path)} | facts)

    assert done.stdout.strip() == str(targets)


def test_spanish_is_complete_and_compiled():
    folder = ROOT / "locale/es/LC_MESSAGES"
    source, compiled = polib.pofile(str(folder / "django.po")), polib.mofile(str(folder / "django.mo"))

    assert [entry.msgid for entry in source.untranslated_entries()] == []
    assert [entry.msgid for entry in source.fuzzy_entries()] == []
    assert {(e.msgid, e.msgstr) for e in source if not e.msgid_plural} == {
        (e.msgid, e.msgstr) for e in compiled if not e.msgid_plural
    }


def marked_strings():
    """What templates ask to translate, as a rough list: enough to notice a forgotten makemessages."""
    for path in (ROOT / "templates").rglob("*"):
        if path.is_file():
            yield from re.findall(r'{% translate "([^"]+)"', path.read_text())


def test_every_marked_string_has_its_translation():
    source = polib.pofile(str(ROOT / "locale/es/LC_MESSAGES/django.po"))
    known = {entry.msgid for entry in source}

    assert sorted(set(marked_strings()) - known) == []


def test_templates_have_nothing_inline():
    pattern = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son(?:click|load|submit|change)=")
    found = [
        f"{path.relative_to(ROOT)}: {match}"
        for path in (ROOT / "templates").rglob("*.html")
        for match in pattern.findall(path.read_text())
        if path.name != "viewer.html"  # a sandboxed page may load nothing of ours; its style is named by its digest
    ]

    assert found == []


def test_style_sheets_and_scripts_ask_no_other_site():
    """Nor those of the libraries: their addresses are in comments, or of namespaces."""
    folders = [ROOT / "practice/static", *(Path(app.path) / "static" for app in apps.get_app_configs())]
    files = {path for folder in folders for path in folder.rglob("*") if path.suffix in {".css", ".js", ".svg"}}
    asking = re.compile(
        r"""url\(\s*["']?(?:https?:)?//|@import\s+["']?(?:https?:)?//|(?:fetch|open|importScripts|WebSocket|EventSource|sendBeacon)\(\s*["'`](?:https?:|wss?:)?//"""
        r"""|\bimport\s*\(?["'](?:https?:)?//"""
    )
    found = [f"{path}: {match}" for path in sorted(files) for match in asking.findall(path.read_text(errors="ignore"))]

    assert len(files) > 50
    assert found == []


def test_nothing_names_a_package_registry():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npm" + "js")
    found = [
        name
        for name in files
        if Path(ROOT / name).suffix in {".txt", ".toml", ".md", ".py", "", ".yml"}
        and any(host in (ROOT / name).read_text(errors="ignore") for host in hosts)
    ]

    assert found == []
