"""What Lighthouse says of the five pages most people come to: `python -m benchmarks.lighthouse http://127.0.0.1:8000`.

Needs Node.js, Lighthouse (`npm install --global lighthouse`, or its path in LIGHTHOUSE) and a Chromium (CHROME_PATH).
Start the demo first. Prints one table; every score below 100 is followed by what cost it. Scores of performance are of
a machine that has nothing else to do: on a busy one they fall.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
PAGES = {
    "home": "/",
    "article": "/patient-information/vertebroplasty/",
    "pay": "/pay/",
    "apply": "/careers/{opening}/apply/",
    "search": "/search/?q=mri",
}


def first_opening(origin: str) -> str:
    """The slug of an opening that can be applied for."""
    with urlopen(f"{origin}/careers/") as answer:
        slugs = re.findall(r'href="/careers/([a-z0-9-]+)/"', answer.read().decode())
    return next(slug for slug in slugs if slug != "feed")


def audit(program: str, address: str, form: str) -> dict:
    """Lighthouse's report on one address, as on a phone with a slow line or at a desk."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [program, address, "--quiet", "--output=json", f"--output-path={report}"]
        command += [f"--only-categories={','.join(CATEGORIES)}", "--chrome-flags=--headless=new --no-sandbox"]
        subprocess.run(command + (["--preset=desktop"] if form == "desktop" else []), check=True)
        return json.loads(report.read_text())


def losses(report: dict) -> list[str]:
    """What kept a category below 100."""
    weights = {ref["id"]: ref["weight"] for name in CATEGORIES for ref in report["categories"][name]["auditRefs"]}
    audits = [report["audits"][name] for name, weight in weights.items() if weight]
    return [
        f"{audit['id']} {audit['score']:.2f} {audit.get('displayValue', '')}"
        for audit in audits
        if audit["score"] is not None and audit["score"] < 1
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("origin", nargs="?", default="http://127.0.0.1:8000")
    parser.add_argument("--form", choices=["mobile", "desktop", "both"], default="both")
    options = parser.parse_args()
    program = os.environ.get("LIGHTHOUSE") or shutil.which("lighthouse")
    if program is None:
        sys.exit("No Lighthouse was found. Install it with npm, or name it in LIGHTHOUSE.")
    os.environ.setdefault("CHROME_PATH", shutil.which("chromium") or shutil.which("google-chrome") or "")
    opening = first_opening(options.origin)
    forms = ["mobile", "desktop"] if options.form == "both" else [options.form]
    worst = 100
    print(
        f"{'page':10}{'language':10}{'form':10}{'performance':>13}{'accessibility':>15}{'best practices':>16}{'SEO':>5}"
    )
    for name, path in PAGES.items():
        for language, prefix in (("English", ""), ("Spanish", "/es")):
            for form in forms:
                report = audit(program, options.origin + prefix + path.format(opening=opening), form)
                scores = [round(100 * (report["categories"][category]["score"] or 0)) for category in CATEGORIES]
                worst = min(worst, *scores)
                print(f"{name:10}{language:10}{form:10}{scores[0]:13}{scores[1]:15}{scores[2]:16}{scores[3]:5}")
                if min(scores) < 100:
                    print("          " + "; ".join(losses(report)))
    return 0 if worst == 100 else 1


if __name__ == "__main__":
    sys.exit(main())
