"""Columns that are unreadable in the database and its backups: AES-GCM with a key ring, and an index to look them up.

A stored value is `key id:base64(nonce + ciphertext)`. The name of the column is authenticated with it, so that a value
copied into another column does not decrypt. Changing keys: put the new one first in FIELD_KEYS, save the rows anew,
then drop the old one.
"""

import base64
import binascii
import functools
import hashlib
import hmac
import os
from collections.abc import Callable
from datetime import date

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django import forms
from django.conf import settings
from django.db import models

NONCE_BYTES = 12


class DecryptionError(Exception):
    """The stored value was made with a key we do not hold, belongs elsewhere, or was altered."""


@functools.cache
def _key_ring(pairs: tuple[str, ...]) -> dict[str, AESGCM]:
    """Ciphers by key id, in the order of the setting; the first encrypts."""
    ring = {}
    for pair in pairs:
        key_id, _, key = pair.partition(":")
        ring[key_id] = AESGCM(hashlib.sha256(key.encode()).digest())
    return ring


def encrypt(text: str, context: str) -> str:
    return encrypter(context)(text)


def encrypter(context: str) -> Callable[[str], str]:
    """Encrypts many values of one column: what is the same for all is looked up once."""
    key_id, cipher = next(iter(_key_ring(tuple(settings.FIELD_KEYS)).items()))
    seal, authenticated, prefix, urandom = cipher.encrypt, context.encode(), f"{key_id}:", os.urandom

    def encrypt_one(text: str) -> str:
        nonce = urandom(NONCE_BYTES)
        sealed = nonce + seal(nonce, text.encode(), authenticated)
        return prefix + binascii.b2a_base64(sealed, newline=False).decode()

    return encrypt_one


def decrypt(stored: str, context: str) -> str:
    """The text again. Raises DecryptionError; never gives back what is stored in place of what was meant."""
    key_id, _, sealed_text = stored.partition(":")
    try:
        cipher = _key_ring(tuple(settings.FIELD_KEYS))[key_id]
        sealed = base64.b64decode(sealed_text, validate=True)
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode()).decode()
    except (KeyError, ValueError, InvalidTag) as error:
        raise DecryptionError(f"A value of {context} cannot be decrypted.") from error


def blind_index(text: str, context: str) -> str:
    """A keyed digest (64 hex digits) that finds equal values without telling what they are."""
    return indexer(context)(text)


def indexer(context: str) -> Callable[[str], str]:
    """Makes the blind index of many values of one column."""
    key, prefix = settings.BLIND_INDEX_KEY.encode(), f"{context}\0"
    return lambda text: hmac.digest(key, (prefix + text).encode(), "sha256").hex()


class EncryptedTextField(models.TextField):
    """A text column encrypted at rest. It cannot be filtered or sorted on; keep a blind index beside it for that."""

    @property
    def context(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def as_text(self, value) -> str:
        return str(value)

    def get_prep_value(self, value):
        return self.preparer()(models.Field.get_prep_value(self, value))

    def preparer(self) -> Callable:
        """Makes values as they are stored, for many of them."""
        encrypt_one, as_text = encrypter(self.context), self.as_text
        return lambda value: value if value is None or value == "" else encrypt_one(as_text(value))

    def from_db_value(self, value, expression, connection):
        return value if value is None or value == "" else decrypt(value, self.context)

    def get_lookup(self, lookup_name):
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise TypeError(f"{self.name} is encrypted and cannot be searched; use its blind index.")


class EncryptedDateField(EncryptedTextField):
    """A date, encrypted at rest as its ISO text."""

    def as_text(self, value) -> str:
        return (value if type(value) is date else self.to_python(value)).isoformat()

    def from_db_value(self, value, expression, connection):
        return self.to_python(super().from_db_value(value, expression, connection))

    def to_python(self, value):
        return models.DateField().to_python(value)

    def formfield(self, **options):
        return models.Field.formfield(self, **{"form_class": forms.DateField, **options})

    def value_to_string(self, row):
        value = self.value_from_object(row)
        return "" if value is None else self.as_text(value)
