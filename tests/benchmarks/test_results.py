"""The table says what was measured, and whether it is what we want."""

from datetime import date

import pytest

from benchmarks.results import RESULTS_FILE, Results, Target, read_results, table_as_markdown, table_as_text
from benchmarks.statement_files import statement_file
from billing.statement_file import parse_statements


def some_results():
    results = Results(remarks=["Said."])
    results.compare("article", "bare Django", 850.0, 1000.0, "/s", at_least=0.8)
    results.compare("list", "the same with 1,000", 30.0, 10.0, "ms", at_most=2)
    results.compare("home", "Wagtail", 20_000.0, 10.0, "/s", ratio=1900.0)
    results.add_point("import", 10, 0.5)
    results.add_point("import", 100, 4.0)
    return results


@pytest.mark.parametrize(
    ("target", "ratio", "is_met"),
    [
        (Target(0.8, is_least=True), 0.8, True),
        (Target(0.8, is_least=True), 0.79, False),
        (Target(2, is_least=False), 2.0, True),
        (Target(2, is_least=False), 2.01, False),
    ],
)
def test_target(target, ratio, is_met):
    assert target.is_met_by(ratio) is is_met


def test_table():
    assert [row.cells() for row in some_results().rows] == [
        ["article", "bare Django", "850 /s", "1,000 /s", "0.85", ">= 0.8", "met"],
        ["list", "the same with 1,000", "30 ms", "10 ms", "3", "<= 2", "NOT met"],
        ["home", "Wagtail", "20,000 /s", "10 /s", "1,900", "", ""],
    ]
    assert table_as_text(some_results().rows[:1]).splitlines() == [
        "what     against        ours      peer  ratio  target",
        "article  bare Django  850 /s  1,000 /s   0.85  >= 0.8  met",
    ]
    assert table_as_markdown(some_results().rows[:1]).splitlines() == [
        "| what | against | ours | peer | ratio | target |  |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
        "| article | bare Django | 850 /s | 1,000 /s | 0.85 | >= 0.8 | met |",
    ]


def test_what_a_part_leaves_is_what_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv(RESULTS_FILE, str(tmp_path / "part.json"))
    some_results().leave()

    assert read_results(tmp_path / "part.json") == some_results()


def test_statement_file_is_one_that_an_import_takes():
    parsed = parse_statements(statement_file(5))

    assert (parsed.lines, len(parsed.statements), len(parsed.patients)) == (5, 3, 3)
    assert {facts["date_of_birth"] < date(2011, 1, 1) for facts in parsed.patients.values()} == {True}
    assert statement_file(5) == statement_file(5)
