"""Sessions in the database, of which a request writes only what it has changed.

Every request puts the end of its session off. Django does so by writing all of the session as the request found it: a
slow one, such as the picture of a CV, then takes back what another request has written meanwhile.
"""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import router, transaction


class SessionStore(db.SessionStore):
    as_found: bytes | None = None  # what the database held, written down: a list in it may be changed in place

    def load(self):
        found = super().load()
        self.as_found = self.serializer().dumps(found)
        return found

    def save(self, must_create=False):
        """Write the session, or only its new end where nothing has changed. Raises UpdateError when it is gone."""
        if must_create or self._has_changed():
            self.as_found = None
            super().save(must_create)
            return
        with transaction.atomic(using=router.db_for_write(self.model)):
            row = self.model.objects.filter(session_key=self.session_key)
            if not row.update(expire_date=self.get_expiry_date()):
                raise UpdateError

    def _has_changed(self) -> bool:
        now = self.serializer().dumps(dict(self.items()))
        return self.session_key is None or now != self.as_found
