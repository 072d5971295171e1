"""A file nobody can read or alter without the key: AES-GCM in chunks, so that it may be larger than memory.

After the first line stand which key it was (8 bytes) and a salt (16 bytes) that makes a key of its own for this file.
Then come chunks. Each is numbered and the last one is marked, and the first line counts into all of them; so a file
that was cut, also between two chunks, lengthened, put in another order or changed in one bit does not open.
"""

import hashlib
import os
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FIRST_LINE = b"radiology backup 1\n"
KEY_NAME_BYTES, SALT_BYTES, TAG_BYTES = 8, 16, 16
CHUNK = 1 << 20


class SealBroken(Exception):
    """The file is not what was written, or not ours, or was made with another key; the message is for people."""


def _derived(key: str, salt: bytes | None, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, purpose).derive(key.encode())


def key_name(key: str) -> bytes:
    """Tells keys apart and nothing about them."""
    return _derived(key, None, b"name of a backup key", KEY_NAME_BYTES)


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


class SealingWriter:
    """Write to it like to a file, then `close`: without its last chunk the file does not open."""

    def __init__(self, file: IO[bytes], key: str):
        salt = os.urandom(SALT_BYTES)
        self.head = FIRST_LINE + key_name(key) + salt
        self.file, self.held, self.number = file, bytearray(), 0
        self.cipher = AESGCM(_derived(key, salt, b"backup", 32))
        self.sha256 = hashlib.sha256()
        self._put(self.head)

    def write(self, data: bytes) -> int:
        self.held += data
        while len(self.held) > CHUNK:
            self._seal(bytes(self.held[:CHUNK]), is_last=False)
            del self.held[:CHUNK]
        return len(data)

    def close(self) -> None:
        self._seal(bytes(self.held), is_last=True)

    def _seal(self, chunk: bytes, is_last: bool) -> None:
        self._put(self.cipher.encrypt(_nonce(self.number, is_last), chunk, self.head))
        self.number += 1

    def _put(self, data: bytes) -> None:
        self.file.write(data)
        self.sha256.update(data)


class SealedReader:
    """Reads what SealingWriter wrote, from the beginning. Gives no byte that was not proved; raises SealBroken."""

    def __init__(self, file: IO[bytes], keys: list[str]):
        file.seek(0)
        self.head = file.read(len(FIRST_LINE) + KEY_NAME_BYTES + SALT_BYTES)
        if not self.head.startswith(FIRST_LINE) or len(self.head) < len(FIRST_LINE) + KEY_NAME_BYTES + SALT_BYTES:
            raise SealBroken("It is no backup of this site, or its beginning is missing.")
        name, salt = self.head[-SALT_BYTES - KEY_NAME_BYTES : -SALT_BYTES], self.head[-SALT_BYTES:]
        key = next((key for key in keys if key_name(key) == name), None)
        if key is None:
            raise SealBroken("It was made with another key: set BACKUP_KEY (or SECRET_KEY) to what it was then.")
        self.file, self.held, self.number, self.is_at_end = file, bytearray(), 0, False
        self.cipher = AESGCM(_derived(key, salt, b"backup", 32))
        self.next = file.read(CHUNK + TAG_BYTES)

    def read(self, size: int = -1) -> bytes:
        while not self.is_at_end and (size < 0 or len(self.held) < size):
            self._open_chunk()
        size = len(self.held) if size < 0 else size
        data = bytes(self.held[:size])
        del self.held[:size]
        return data

    def _open_chunk(self) -> None:
        sealed, self.next = self.next, self.file.read(CHUNK + TAG_BYTES)
        self.is_at_end = not self.next
        try:
            self.held += self.cipher.decrypt(_nonce(self.number, self.is_at_end), sealed, self.head)
        except (InvalidTag, ValueError) as error:
            raise SealBroken("It was altered, or a part of it is missing.") from error
        self.number += 1
