from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError

from practice.free_text import passes_luhn, refuse_birth_dates, refuse_private_numbers

CARD = "This looks like it holds a card number. Please take it out: we never need it here."
SOCIAL_SECURITY = "This looks like it holds a social security number. Please take it out: we never need it here."


def refusals(text):
    try:
        refuse_private_numbers(text)
    except ValidationError as refusal:
        return refusal.messages
    return []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("4111111111111111", id="sixteen digits"),
        pytest.param("My card is 4111 1111 1111 1111, thank you", id="groups"),
        pytest.param("4111-1111-1111-1111", id="hyphens"),
        pytest.param("4111.1111.1111.1111", id="points"),
        pytest.param("4111 - 1111 1111. 1111", id="mixed"),
        pytest.param("378282246310005", id="fifteen digits"),
        pytest.param("3782 822463 10005", id="groups of four, six and five"),
        pytest.param("4222222222222", id="thirteen digits"),
        pytest.param("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", id="each digit by itself"),
        pytest.param("4111\u00a01111\u00a01111\u00a01111", id="no-break spaces"),
        pytest.param("4111\u202f1111\u202f1111\u202f1111", id="narrow spaces"),
        pytest.param("4111–1111—1111‑1111", id="dashes"),
        pytest.param("4111\u200b1111\u200b1111\u200b1111", id="invisible spaces"),
        pytest.param("４１１１１１１１１１１１１１１１", id="full-width digits"),
        pytest.param("٤١١١ ١١١١ ١١١١ ١١١١", id="Arabic digits"),
        pytest.param("x4111111111111111x", id="between letters"),
        pytest.param("4111 1111 1111 1111 12/26", id="with its month"),
        pytest.param("4111 1111 1111 1111 123", id="with its security code"),
        pytest.param("for room 12 4111 1111 1111 1111", id="behind another number"),
        pytest.param("574-555-0100 4111111111111111 46601", id="between other numbers"),
        pytest.param("4111,1111,1111,1111", id="commas"),
        pytest.param("4111|1111|1111|1111", id="strokes"),
        pytest.param("(4111)(1111)(1111)(1111)", id="brackets"),
        pytest.param("0000 0000 0000 0000, no, 4111 1111 1111 1111", id="behind zeros"),
    ],
)
def test_a_card_number_is_refused(text):
    assert refusals(text) == [CARD]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("123-45-6789", id="hyphens"),
        pytest.param("123 45 6789", id="spaces"),
        pytest.param("123.45.6789", id="points"),
        pytest.param("123- 45-6789", id="a blank behind a hyphen"),
        pytest.param("123‑45–6789", id="other dashes"),
        pytest.param("１２３-４５-６７８９", id="full-width digits"),
        pytest.param("It is 123-45-6789.", id="end of a sentence"),
        pytest.param("SSN-123-45-6789", id="hyphen before"),
        pytest.param("my number—123-45-6789—is", id="between dashes"),
        pytest.param("123-45-6789- call me", id="hyphen behind"),
        pytest.param("ssn 123456789", id="said and in one"),
        pytest.param("SSN: 123456789", id="said in capitals"),
        pytest.param("My social security number is 123456789", id="said in full"),
        pytest.param("número de seguro social: 123456789", id="said in Spanish"),
    ],
)
def test_a_social_security_number_is_refused(text):
    assert refusals(text) == [SOCIAL_SECURITY]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("Thank you for the kind words on Tuesday.", id="words"),
        pytest.param("Call me at (574) 555-0100 or 574-555-0110.", id="phone numbers"),
        pytest.param("+1 574 555 0100", id="phone number with country"),
        pytest.param("46601-1234", id="ZIP code"),
        pytest.param("12/31/1999 and 2026-11-23", id="dates"),
        pytest.param("4111111111111112", id="wrong check digit"),
        pytest.param("0000 0000 0000 0000", id="zeros"),
        pytest.param("411111111111", id="twelve digits"),
        pytest.param("41111111111111111111", id="twenty digits in one"),
        pytest.param("4111 1111 (1111) 1111", id="brackets between"),
        pytest.param("4111, 1111, 1111, 1111", id="a list"),
        pytest.param("4000,5000,6000,7001", id="a list of thousands"),
        pytest.param("000-45-6789", id="area 000"),
        pytest.param("666-45-6789", id="area 666"),
        pytest.param("900-45-6789", id="area 900"),
        pytest.param("123-00-6789", id="group 00"),
        pytest.param("123-45-0000", id="serial 0000"),
        pytest.param("1123-45-6789", id="four digits first"),
        pytest.param("123-45-67890", id="five digits last"),
        pytest.param("1-123-45-6789", id="a longer number"),
        pytest.param("123-45-6789-1", id="a number that goes on"),
        pytest.param("123456789", id="nine digits about which nothing is said"),
        pytest.param("A lesson 123456789", id="the letters inside a word"),
        pytest.param("SSN 1234567890", id="ten digits"),
    ],
)
def test_other_texts_are_taken(text):
    assert refusals(text) == []


def test_the_refusals_have_codes():
    with pytest.raises(ValidationError) as card:
        refuse_private_numbers("4111111111111111")
    with pytest.raises(ValidationError) as social_security:
        refuse_private_numbers("123-45-6789")
    assert (card.value.code, social_security.value.code) == ("card", "ssn")


def test_long_texts_of_digits_are_read_to_the_end():
    assert refusals("1-" * 1900 + "x 4111 1111 1111 1111") == [CARD]


@pytest.mark.parametrize(
    ("digits", "passes"),
    [
        ("4111111111111111", True),
        ("4111111111111121", False),
        ("79927398713", True),
        ("79927398710", False),
        ("0", True),
    ],
)
def test_passes_luhn_knows_the_check_digit(digits, passes):
    assert passes_luhn(digits) is passes


@pytest.mark.parametrize("text", ["1 " * 15_000, "x" * 20_001])
def test_endless_text_is_refused_before_it_is_looked_through(text):
    with pytest.raises(ValidationError) as refusal:
        refuse_private_numbers(text)
    assert refusal.value.code == "length"


@pytest.mark.parametrize(
    "text",
    [
        "DOB: 04/05/1980", "My date of birth is April 5, 1980.", "Born 5 April 1980 in Ohio", "born on the 5th of April 1980",
        "D.O.B. 1980-04-05", "Nací el 5 de abril de 1980", "Fecha de nacimiento: 05/04/80", "4/5/1980 (DOB)",
        "birthday 19800405", "Nacimiento: 3/5/1980", "F.N. 03/05/1980", "DOB: 1980 May 3", "birth: 05/03/1980",
        "Born in Springfield, Illinois on May 3, 1980", "Nacida en la ciudad de Sevilla, España, el 3 de mayo de 1980", "Birthdate ０４／０５／１９８０", "nacida el 3 de marzo del 1990", "I was born on 4/5/80",
    ],
)  # fmt: skip
def test_date_of_birth_is_found(text):
    with pytest.raises(ValidationError, match="date of birth"):
        refuse_birth_dates(text)


@pytest.mark.parametrize(
    "text",
    [
        "Graduated May 15, 2015", "I was born to do this. Since 2015-03-01 I read CT", "Board certified 04/05/2019",
        "Newborn imaging since 2019", "I work in Dobson since 01/02/2020", "Born in Ohio", "",
    ],
)  # fmt: skip
def test_other_dates_are_no_dates_of_birth(text):
    refuse_birth_dates(text)


@pytest.mark.parametrize(
    "text",
    [
        "123  45  6789", "123\n45\n6789", "123/45/6789", "123_45_6789", "123·45·6789", "SSN: 123 456 789", "SS# 123456789",
        "S.S.N. 123456789", "my social is 123456789", "seguridad social 123456789", "123456789 (SSN)",
        "123456789 is my SSN", "SSN: 1 2 3 4 5 6 7 8 9",
    ],
)  # fmt: skip
def test_social_security_number_is_found_however_it_is_written(text):
    with pytest.raises(ValidationError, match="social security number"):
        refuse_private_numbers(text)


@pytest.mark.parametrize("piece", ["jan", "1 ", "1-", "born ", "ssn ", "9", "1/1/", "naci en "])
def test_text_made_to_take_long_comes_to_its_end(piece):
    """Some of these took minutes once: nobody would wait for this test."""
    for check in (refuse_birth_dates, refuse_private_numbers):
        with suppress(ValidationError):
            check((piece * 20_000)[:20_000])
