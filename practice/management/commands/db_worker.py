import logging
import time

from django.db import DatabaseError, InterfaceError, connection
from django_tasks_db.management.commands import db_worker
from django_tasks_db.models import DBTaskResult

from practice.jobs import take_up_dropped
from practice.outages import is_outage

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 2


class PatientWorker(db_worker.Worker):
    """Waits for a database that is away instead of ending, and takes up mails that a killed worker left."""

    def run(self) -> None:
        while self.running:
            try:
                take_up_dropped()
                super().run()
                return
            except (DatabaseError, InterfaceError) as error:
                if not is_outage(error):
                    raise
                logger.warning("The database is away; the worker waits for it")
                connection.close()
                time.sleep(PAUSE_SECONDS)

    def run_task(self, db_task_result: DBTaskResult) -> None:
        """Do one job. One whose row was deleted meanwhile has nowhere to say how it ended, and ends no worker."""
        try:
            super().run_task(db_task_result)
        except DatabaseError as error:
            if is_outage(error) or DBTaskResult.objects.filter(pk=db_task_result.pk).exists():
                raise
            logger.warning("The job %s was deleted while it was done", db_task_result.pk)


class Command(db_worker.Command):
    def handle(self, **options):
        db_worker.Worker = PatientWorker  # type: ignore[misc]
        super().handle(**options)
