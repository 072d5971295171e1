import pytest

from billing.codes import ALPHABET, LENGTH, check_character, code_index, link_token, new_code, normalise, printed


def test_new_code_is_valid_and_fresh():
    codes = {new_code() for _try in range(200)}

    assert len(codes) == 200
    assert all(normalise(code) == code for code in codes)


def test_code_is_printed_in_groups():
    assert printed("K7QW9D2MHX4TA") == "K7QW-9D2M-HX4T-A"


@pytest.mark.parametrize(
    "typed",
    ["0A1B-2C3D-4E5F-X", "0a1b 2c3d 4e5f x", " oaib–2c3d—4e5f–x ", "OALB2C3D4E5FX", "0A1B.2C3D.4E5F_X"],
)
def test_code_forgives_how_it_is_typed(typed):
    body = "0A1B2C3D4E5F"
    check = check_character(body)

    assert normalise(typed.replace("X", check).replace("x", check.lower())) == body + check


@pytest.mark.parametrize(
    "typed", ["", "0A1B", "0A1B2C3D4E5F", "UUUUUUUUUUUUU", "０A1B2C3D4E5FX", "0A1B2C3D4E5FX0", "\0" * 13]
)
def test_code_refuses_what_cannot_be_one(typed):
    assert normalise(typed) is None


def test_check_character_catches_every_single_wrong_character():
    code = new_code()
    for position in range(LENGTH + 1):
        for wrong in set(ALPHABET) - {code[position]}:
            assert normalise(code[:position] + wrong + code[position + 1 :]) is None


def test_what_is_printed_on_earlier_bills_still_finds_them(settings):
    settings.BLIND_INDEX_KEY = "fixed"

    assert check_character("0123456789AB") == "T"
    assert link_token("S-1", 2) == "645W59TX8WS3EGWN9NMWSBBE6E"
    assert code_index("0123456789ABC") == "6dbb2be0da0d50091e3e470ae7f024f4be7933b3f927706b4ff7f89268a1c597"
