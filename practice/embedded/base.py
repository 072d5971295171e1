"""Django's PostgreSQL backend, which starts the embedded server at the first connection, never at import."""

from django.conf import settings
from django.db.backends.postgresql import base

from practice.embedded.server import EmbeddedServer, EmbeddedServerError
from practice.hung_database import DatabaseHangs

SERVER = EmbeddedServer(settings.EMBEDDED_POSTGRES)


class DatabaseWrapper(base.DatabaseWrapper):
    """The PostgreSQL wrapper for a server that may not run yet, or may have been killed meanwhile."""

    def get_connection_params(self):
        return super().get_connection_params() | SERVER.connection_parameters()

    def get_new_connection(self, conn_params):
        SERVER.join_users()
        try:
            return super().get_new_connection(conn_params)
        except DatabaseHangs:
            raise  # it runs
        except self.Database.OperationalError:
            try:
                SERVER.ensure_running()
            except EmbeddedServerError as error:  # to pages it is a database that is away
                raise self.Database.OperationalError(str(error)) from error
            return super().get_new_connection(conn_params)
