"""The embedded PostgreSQL of the tests: beside the demo's, and in a hurry.

It never waits for the disk, so what it has written is lost with the machine, and with nothing less: a killed process,
the server's own too, loses nothing that was acknowledged. Tests that want more start an `EmbeddedServer` of their own.
"""

import os

from django.conf import settings

IN_A_HURRY = {
    # Between tests the tables are empty. Where it is told so, the planner takes the slow way through what is made next.
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
}
VARIABLE = "EMBEDDED_POSTGRES"  # what workers and the processes that tests start find it by
FOLDER = "postgres-of-tests"


def use():
    """Lead this process, and all it starts, to the server of the tests. With DATABASE_URL there is nothing to do."""
    if settings.DATABASES["default"]["ENGINE"] != "practice.embedded":
        return
    from practice.embedded import base  # noqa: PLC0415
    from practice.embedded.server import EmbeddedServer  # noqa: PLC0415

    folder = settings.EMBEDDED_POSTGRES
    if folder.name != FOLDER:
        folder = folder.with_name(FOLDER)
    os.environ[VARIABLE] = str(folder)
    settings.EMBEDDED_POSTGRES = folder
    base.SERVER = EmbeddedServer(folder, options=IN_A_HURRY)
