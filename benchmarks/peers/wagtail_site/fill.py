"""Makes the tables and the two pages: `python -m benchmarks.peers.wagtail_site.fill FOLDER`.

The folder has the HTML of our pages, `article.html` and `home.html`. What stands around <main> becomes the template,
word for word; the inside becomes rich text, a block for each heading.
"""

import os
import re
import sys
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.wagtail_site.settings"
django.setup()

from django.core.management import call_command  # noqa: E402
from wagtail.models import Page, Site  # noqa: E402

from benchmarks.peers.wagtail_site.models import ContentPage  # noqa: E402

TEMPLATE = (
    "{{% load wagtailcore_tags wagtailuserbar %}}{{% verbatim %}}{head}{{% endverbatim %}}{{{{ page.title }}}}"
    "{{% verbatim %}}{before}{{% endverbatim %}}{{% for block in page.body %}}{{% include_block block %}}"
    "{{% endfor %}}{{% wagtailuserbar %}}{{% verbatim %}}{after}{{% endverbatim %}}"
)


def make_page(name: str, html: str) -> ContentPage:
    """The page, with its template written where the settings look for it."""
    found = re.fullmatch(r"(.*<title>)(.*?)(</title>.*?<main[^>]*>)(.*)(</main>.*)", html, re.DOTALL)
    if found is None:
        raise SystemExit(f"{name}.html has no <title> or no <main>.")
    head, title, before, inside, after = found.groups()
    template = TEMPLATE.format(head=head, before=before, after=after)
    (Path(os.environ["WAGTAIL_TEMPLATES"]) / f"{name}.html").write_text(template)
    parts = [part for part in re.split(r"(?=<h2)", inside) if part.strip()]
    return ContentPage(title=title.strip(), slug=name, body=[("text", part) for part in parts])


def main() -> None:
    folder = Path(sys.argv[1])
    call_command("migrate", verbosity=0)
    home = make_page("home-page", (folder / "home.html").read_text())
    Page.get_first_root_node().add_child(instance=home)
    home.add_child(instance=make_page("article", (folder / "article.html").read_text()))
    Site.objects.update_or_create(is_default_site=True, defaults={"hostname": "127.0.0.1", "root_page": home})


if __name__ == "__main__":
    main()
