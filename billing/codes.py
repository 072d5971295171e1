"""The code printed on a statement: 60 random bits and a check character, in letters people do not mix up.

`K7QW-9D2M-HX4T-3`: twelve characters of Crockford's base 32 and a check character that catches every single wrong one.
Case, spaces and dashes do not matter; O is read as 0, I and L as 1.
"""

import re
import secrets

from practice.encryption import blind_index

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12
VALUES = {character: value for value, character in enumerate(ALPHABET)}
DOUBLED = {character: 2 * value // 32 + 2 * value % 32 for character, value in VALUES.items()}
PAIRS = [low + high for high in ALPHABET for low in ALPHABET]  # of ten bits, the lower five first
READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})
INDEX_CONTEXT = "billing_statement.code"


def new_code() -> str:
    """A fresh code without dashes, check character included."""
    body = _letters(secrets.randbits(5 * LENGTH), LENGTH)
    return body + check_character(body)


def _letters(bits: int, count: int) -> str:
    """The lowest bits as so many letters, an even number."""
    return "".join([PAIRS[bits >> shift & 1023] for shift in range(0, 5 * count, 10)])


def check_character(body: str) -> str:
    """Luhn's check digit, modulo 32."""
    doubled = sum([DOUBLED[character] for character in body[::-2]])
    return ALPHABET[-(doubled + sum([VALUES[character] for character in body[-2::-2]])) % 32]


def normalise(text: str) -> str | None:
    """The code as it is stored, from whatever was typed; None when it cannot be one."""
    typed = re.sub(r"[\s\-–—_.]", "", text).upper().translate(READ_AS)
    if len(typed) != LENGTH + 1 or any(character not in ALPHABET for character in typed):
        return None
    return typed if check_character(typed[:LENGTH]) == typed[LENGTH] else None


def code_index(code: str) -> str:
    """How a code is found, stored beside the encrypted one."""
    return blind_index(code, INDEX_CONTEXT)


def printed(code: str) -> str:
    """The code in groups, as on the paper."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


# ---- The link in the QR code -----------------------------------------------------------------------------------------

LINK_CONTEXT = "billing_statement.link"
LINK_LETTERS = 26  # of five bits: 128 bits and two to spare


def link_token(number: str, version: int) -> str:
    """What the QR code of a statement carries: 130 bits that only we can make, and that tell nothing.

    Made from a key, so that the print house's list can be written again; another version is another token.
    """
    return _letters(int(blind_index(f"{number}/{version}", LINK_CONTEXT), 16), LINK_LETTERS)


def link_index(token: str) -> str:
    """How a token is stored and found."""
    return blind_index(token, f"{LINK_CONTEXT}_index")


def is_link_token(text: str) -> bool:
    return len(text) == LINK_LETTERS and all(character in ALPHABET for character in text)
