from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from django.core.management.base import BaseCommand, CommandError

from education.checking import link_problems, links_of
from education.models import Edition

SECONDS = 10


class Command(BaseCommand):
    help = "Check the links of all articles on the site; exit status 1 where one leads nowhere."

    def add_arguments(self, parser):
        parser.add_argument("--outside", action="store_true", help="also ask the other sites")

    def handle(self, *args, outside, **options):
        problems, asked = 0, dict[str, str]()
        for edition in (
            Edition.objects.live().order_by("sort_key", "language").defer("shown", "search_vector", "names_vector")
        ):
            for text in [*(section["body"] for section in edition.sections), edition.sources]:
                found = list(link_problems(text))
                for address in links_of(text) if outside else []:
                    if address.startswith("https://"):
                        asked[address] = asked[address] if address in asked else answer_of(address)
                        found += [f"{address}: {asked[address]}"] if asked[address] else []
                for problem in found:
                    problems += 1
                    self.stderr.write(f"{edition}: {problem}")
        if problems:
            raise CommandError(f"{problems} problem{'s' if problems != 1 else ''}.")
        self.stdout.write("Every link leads somewhere.")


def answer_of(address: str) -> str:
    """What is wrong with another site's page, or "" when it answers."""
    request = Request(address, method="HEAD", headers={"User-Agent": "link check"})  # noqa: S310 (https only)
    try:
        with urlopen(request, timeout=SECONDS):  # noqa: S310
            return ""
    except HTTPError as error:
        return "" if error.code in (403, 405, 429) else f"answers {error.code}"
    except (URLError, OSError, ValueError) as error:
        return f"does not answer ({getattr(error, 'reason', error)})"
