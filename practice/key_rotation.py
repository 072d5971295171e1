"""Encrypts anew, with the first of FIELD_KEYS, what was encrypted with an older one."""

from collections import Counter
from collections.abc import Callable, Iterator

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from practice.accounts.adapter import MFA_CONTEXT
from practice.encryption import EncryptedTextField, decrypt, encrypt

AT_ONCE = 500
SECRETS = ("secret", "seed")  # of authenticator apps, and of recovery codes


class Rotated:
    """What became of one column: how many values were encrypted anew, and which keys the others still need."""

    def __init__(self, column: str):
        self.column = column
        self.anew = 0
        self.stay: Counter[str] = Counter()


def newest_key() -> str:
    return _key_of(settings.FIELD_KEYS[0])


def _key_of(value: str) -> str:
    return value.partition(":")[0]


def rotate(progress: Callable[[str, int], None] = lambda column, done: None) -> list[Rotated]:
    """Encrypt everything anew that can be; may be stopped and called again at any time, also while the site serves.

    What the database never lets change (what was said in questions, and by the processor) stays, and needs its key.
    Raises DecryptionError for a value whose key is not in FIELD_KEYS; what was done before it stays done.
    """
    return [*(_rotate_column(field, progress) for field in encrypted_columns()), _rotate_second_factors()]


def encrypted_columns() -> Iterator[EncryptedTextField]:
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedTextField):
                yield field


def _rotate_column(field: EncryptedTextField, progress: Callable[[str, int], None]) -> Rotated:
    rotated = Rotated(field.context)
    quote = connection.ops.quote_name
    table, column, key = (
        quote(field.model._meta.db_table),
        quote(str(field.column)),
        quote(str(field.model._meta.pk.column)),
    )
    old = f"FROM {table} WHERE {column} <> '' AND split_part({column}, ':', 1) <> %s"
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {key}, {column} {old} ORDER BY {key} LIMIT {AT_ONCE} FOR UPDATE",
                [newest_key()],
            )
            rows = cursor.fetchall()
            values = [(encrypt(decrypt(value, field.context), field.context), pk) for pk, value in rows]
            try:
                with transaction.atomic():
                    cursor.executemany(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", values)  # noqa: S608
            except IntegrityError:  # it never changes
                cursor.execute(f"SELECT split_part({column}, ':', 1), count(*) {old} GROUP BY 1", [newest_key()])
                rotated.stay.update(dict(cursor.fetchall()))
                return rotated
        if not rows:
            return rotated
        rotated.anew += len(rows)
        progress(field.context, rotated.anew)


def _rotate_second_factors() -> Rotated:
    rotated = Rotated(MFA_CONTEXT)
    for number in Authenticator.objects.values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=number).first()
            old = [name for name in SECRETS if row and name in row.data and _key_of(row.data[name]) != newest_key()]
            for name in old:
                row.data[name] = encrypt(decrypt(row.data[name], MFA_CONTEXT), MFA_CONTEXT)
            if old:
                row.save(update_fields=["data"])
                rotated.anew += 1
    return rotated
