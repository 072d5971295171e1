"""How long a search of the whole site takes, against the single indexed query that it cannot do without; and what pages
of the library cost as it grows.

    DEMO=1 VAR_DIR=/tmp/bench .venv/bin/python -m benchmarks.search [--articles 100000]

Fills a database of its own with articles, and half as many glossary entries, of made-up sentences, in three steps, and
then asks it lay queries. The single query ranks what the full text index finds: the same words, the same limit, nothing
else.
"""

import argparse
import os
import random
import statistics
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import override_settings  # noqa: E402
from django.urls import reverse  # noqa: E402

from benchmarks.ground import lay_ground  # noqa: E402
from benchmarks.results import Results  # noqa: E402
from benchmarks.servers import BenchmarkError  # noqa: E402
from education.models import Article, Edition, Entry, Name, SectionKind, Term, Topic, key_of  # noqa: E402
from education.search_index import index_editions, remember_names  # noqa: E402
from practice.search.providers import PROVIDERS  # noqa: E402
from practice.search.query import understand  # noqa: E402

PARTS = """
head neck skull brain face jaw throat chest lung rib heart breast shoulder arm elbow wrist hand finger belly liver
kidney bladder stomach bowel pelvis hip thigh knee leg ankle foot toe spine back tailbone skin bone joint vein artery
"""
EXAMS = "scan x-ray ultrasound mri ct biopsy injection drainage angiogram mammogram screening study series test"
WORDS = """
you we the doctor nurse lie still table picture breath hold minutes water eat drink medicine pain home drive call
contrast dye needle small tube warm cold gown metal allergy fever bleeding rest walk read report result risk rare
"""
QUERIES = [
    "knee mri", "cat scan of the belly", "ultrsound", "broken back bone", "dye", "chest x-ray", "blood clot in leg",
    "mamogram", "thyroid ultrasound", "lung screening", "kidney stone ct", "xqzzt", "heart", "what to eat before a ct",
]  # fmt: skip
SINGLE = """
SELECT id FROM education_edition, to_tsquery(%s, %s) AS query
WHERE is_live AND language = %s AND search_vector @@ query
ORDER BY ts_rank(search_vector, query) DESC LIMIT 10
"""


def fill(articles: int, terms: int) -> None:
    """Rows as an import would leave them, made in bulk; the same each time."""
    parts, exams, words = PARTS.split(), EXAMS.split(), WORDS.split()
    chance = random.Random(7)  # noqa: S311 (repeatable, not secret)

    def sentence(length: int) -> str:
        return " ".join(chance.choices(words, k=length)).capitalize() + "."

    present = Edition.objects.count()
    for start in range(present, articles, 2000):
        with transaction.atomic():
            numbers = range(start, min(start + 2000, articles))
            topics = Topic.objects.bulk_create(
                [Topic(slug=f"bench-{n}", kind="exam", body_region="chest", modality="ct") for n in numbers]
            )
            rows = Article.objects.bulk_create(
                [
                    Article(
                        topic=topic,
                        language="en" if number % 2 == 0 else "es",
                        title=f"{chance.choice(parts)} {chance.choice(exams)} {number}",
                        sort_key=f"{number:06}",
                        summary=sentence(14),
                        copyright="-",
                        licence="-",
                        is_sample=True,
                        status="published",
                    )
                    for number, topic in zip(numbers, topics, strict=True)
                ]
            )
            editions = [
                Edition(
                    article=row,
                    number=1,
                    language=row.language,
                    title=row.title,
                    sort_key=row.sort_key,
                    summary=row.summary,
                    also_called=f"{chance.choice(parts)} {chance.choice(exams)}",
                    sections=[
                        {"kind": kind, "body": " ".join(sentence(12) for _n in range(6)) + f" {chance.choice(parts)}."}
                        for kind in SectionKind.values[:8]
                    ],
                    copyright="-",
                    licence="-",
                    digest="0" * 64,
                    grade=5,
                    is_sample=True,
                    is_live=True,
                    published_at=row.updated_at or django.utils.timezone.now(),
                )
                for row in rows
            ]
            index_editions(Edition.objects.bulk_create(editions))
    have = Term.objects.count()
    for start in range(have, terms, 5000):
        with transaction.atomic():
            numbers = range(start, min(start + 5000, terms))
            made = Term.objects.bulk_create([Term(slug=f"word-{n}") for n in numbers])
            entries = Entry.objects.bulk_create(
                [
                    Entry(
                        term=term,
                        language="en",
                        name=f"{chance.choice(parts)}{n} {chance.choice(exams)}",
                        definition=sentence(15),
                    )
                    for n, term in zip(numbers, made, strict=True)
                ]
            )
            names = Name.objects.bulk_create(
                [Name(entry=entry, text=entry.name, key=key_of(entry.name), is_synonym=False) for entry in entries]
            )
            remember_names(names, "en")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def seconds(function, times: int = 7) -> float:
    """The median of several runs, the first not counted."""
    function()
    taken = []
    for _time in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def single(query) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SINGLE, [query.config, query.all_of(), query.language])
        cursor.fetchall()


def whole(text: str) -> None:
    query = understand(text, "en")
    for provider in PROVIDERS:
        provider.search(query)


def pages(articles: int) -> dict[str, str]:
    """{what: address}; the article is one of those in the middle."""
    middle = Edition.objects.live().in_language("en").order_by("pk")[articles // 4]
    return {
        "article page, uncached": reverse("education:article", args=[middle.article.topic.slug]),
        "library index": reverse("education:index"),
        "glossary": reverse("education:glossary") + "?q=kidney",
        "search": "/search/?q=knee+mri",
    }


def answer(client: Client, url: str) -> None:
    status = client.get(url).status_code
    if status != 200:
        raise BenchmarkError(f"{url} answers {status}.")


def measure_queries(client: Client, articles: int, results: Results) -> None:
    print(f"{'query':28} {'single query':>12} {'search':>10} {'ratio':>6} {'page':>10} {'ratio':>6}")
    taken: list[tuple[float, float, float]] = []
    for text in QUERIES:
        query = understand(text, "en")
        base = seconds(lambda query=query: single(query))
        search = seconds(lambda text=text: whole(text))
        page = seconds(lambda text=text: client.get("/search/", {"q": text}))
        taken.append((base, search, page))
        figures = f"{search * 1e3:7.1f} ms {search / base:6.2f} {page * 1e3:7.1f} ms {page / base:6.2f}"
        print(f"{text:28} {base * 1e3:9.1f} ms {figures}")
    for place, what in ((1, "search"), (2, "search, with its page")):
        results.compare(
            f"{what}, {articles:,} articles (median of {len(taken)} queries)",
            "the single indexed query",
            statistics.median(times[place] for times in taken) * 1e3,
            statistics.median(times[0] for times in taken) * 1e3,
            "ms",
            ratio=statistics.median(times[place] / times[0] for times in taken),
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--articles", type=int)
    options = parser.parse_args()
    articles = options.articles or (10_000 if options.quick else 100_000)
    lay_ground()
    call_command("collectstatic", interactive=False, verbosity=0)
    results = Results()
    client = Client()
    with override_settings(ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False):
        for size in (articles // 100, articles // 10, articles):
            fill(size, size // 2)
            for what, url in pages(size).items():
                results.add_point(what, size, seconds(lambda url=url: answer(client, url)))
        measure_queries(client, articles, results)
    results.leave()


if __name__ == "__main__":
    main()
