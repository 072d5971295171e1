import pytest
from django import forms
from django.core.exceptions import ValidationError

from practice.money import CentsField, dollars, parse_cents, parse_signed_cents

SENTENCE = "Enter an amount in dollars and cents, like 25.00."


class OneAmount(forms.Form):
    amount = CentsField(required=False)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0", 0),
        ("12", 1200),
        ("12.3", 1230),
        ("12.34", 1234),
        ("0.05", 5),
        ("007", 700),
        ("$12.34", 1234),
        (" $ 12.34 ", 1234),
        ("1,234.50", 123_450),
        ("$1,234,567.89", 123_456_789),
        ("999999999.99", 99_999_999_999),
        ("999,999,999.99", 99_999_999_999),
    ],
)
def test_parse_cents_reads_dollars(text, cents):
    assert parse_cents(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("$", id="only a dollar sign"),
        pytest.param("$$5", id="two dollar signs"),
        pytest.param("5$", id="dollar sign behind"),
        pytest.param("-5", id="minus"),
        pytest.param("+5", id="plus"),
        pytest.param("$-5", id="minus behind the dollar sign"),
        pytest.param("−5", id="real minus sign"),
        pytest.param("(5)", id="bookkeeper's minus"),
        pytest.param("1e3", id="exponent"),
        pytest.param("1E3", id="large exponent"),
        pytest.param("1_000", id="underscore"),
        pytest.param("0x10", id="hexadecimal"),
        pytest.param("NaN", id="not a number"),
        pytest.param("Infinity", id="infinite"),
        pytest.param("１２", id="full-width digits"),
        pytest.param("12.５0", id="a full-width digit in the cents"),
        pytest.param("١٢", id="Arabic digits"),
        pytest.param("१२", id="Devanagari digits"),
        pytest.param("1²", id="superscript"),
        pytest.param("12.345", id="third decimal"),
        pytest.param("12.", id="point without cents"),
        pytest.param(".50", id="cents without dollars"),
        pytest.param("1.2.3", id="two points"),
        pytest.param("12,50", id="comma for cents"),
        pytest.param("1.234,50", id="European"),
        pytest.param("1,2345", id="comma in the wrong place"),
        pytest.param("1234,567", id="four digits before a comma"),
        pytest.param(",123", id="comma first"),
        pytest.param("1 234", id="space inside"),
        pytest.param("12\n", id="line break"),
        pytest.param("12\0", id="NUL"),
        pytest.param("\u00a012", id="no-break space"),
        pytest.param("1\u200b2", id="invisible space"),
        pytest.param("1000000000", id="ten digits"),
        pytest.param("1,000,000,000", id="ten digits with commas"),
    ],
)
def test_parse_cents_refuses_everything_else(text):
    with pytest.raises(ValueError, match="not an amount in dollars and cents"):
        parse_cents(text)


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "$0.00"),
        (5, "$0.05"),
        (99, "$0.99"),
        (100, "$1.00"),
        (123_456, "$1,234.56"),
        (99_999_999_999, "$999,999,999.99"),
        (-5, "−$0.05"),
        (-100_001, "−$1,000.01"),
    ],
)
def test_dollars_writes_an_amount(cents, text):
    assert dollars(cents) == text


@pytest.mark.parametrize("cents", [0, 1, 10, 99, 100, 101, 99_999, 100_000, 99_999_999_999])
def test_dollars_can_be_read_again(cents):
    assert parse_cents(dollars(cents)) == cents


@pytest.mark.parametrize(("typed", "cents"), [("25.00", 2500), (" $1,234.5 ", 123_450), ("0", 0)])
def test_cents_field_gives_integer_cents(typed, cents):
    form = OneAmount({"amount": typed})
    assert form.is_valid()
    assert form.cleaned_data == {"amount": cents}


@pytest.mark.parametrize("typed", ["", "   ", None])
def test_cents_field_left_empty_is_none(typed):
    assert CentsField(required=False).clean(typed) is None
    with pytest.raises(ValidationError) as refusal:
        CentsField().clean(typed)
    assert [error.code for error in refusal.value.error_list] == ["required"]


@pytest.mark.parametrize("typed", ["-5", "1e3", "１２", "١٢", "1_000", "a lot", "12\0", "9" * 50])
def test_cents_field_says_how_to_write_an_amount(typed):
    form = OneAmount({"amount": typed})
    assert not form.is_valid()
    assert form.errors == {"amount": [SENTENCE]}


@pytest.mark.parametrize(("cents", "shown"), [(0, "0.00"), (2505, "25.05"), (123_456, "1234.56")])
def test_cents_field_shows_cents_as_it_reads_them(cents, shown):
    assert OneAmount(initial={"amount": cents})["amount"].value() == shown
    assert parse_cents(shown) == cents


def test_cents_field_shows_a_negative_amount_as_what_it_is():
    assert CentsField().prepare_value(-50) == "−0.50"


def test_cents_field_shows_what_was_typed_when_it_is_refused():
    assert OneAmount({"amount": "a lot"})["amount"].value() == "a lot"


def test_cents_field_asks_for_a_decimal_keyboard():
    attributes = CentsField().widget.attrs
    assert (attributes["inputmode"], attributes["autocomplete"]) == ("decimal", "off")


@pytest.mark.parametrize(
    ("initial", "typed", "has_changed"),
    [(2500, "25", False), (2500, "$25.00", False), (2500, "25.01", True), (None, "", False), (2500, "a lot", True)],
)
def test_cents_field_compares_amounts_not_spellings(initial, typed, has_changed):
    assert CentsField().has_changed(initial, typed) is has_changed


@pytest.mark.parametrize(("text", "cents"), [("12.34", 1234), ("-12.34", -1234), (" −1,234.50", -123_450), ("-0", 0)])
def test_parse_signed_cents_takes_a_minus(text, cents):
    assert parse_signed_cents(text) == cents


@pytest.mark.parametrize("text", ["", "-", "--1", "+1", "1-", "-１２", "-1e2", "-1_000"])
def test_parse_signed_cents_refuses_everything_else(text):
    with pytest.raises(ValueError, match="not an amount"):
        parse_signed_cents(text)
