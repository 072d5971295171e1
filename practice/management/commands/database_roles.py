import re

from django.core.management.base import BaseCommand, CommandError

from practice.database_roles import role_statements


class Command(BaseCommand):
    help = "Print the SQL that makes the database's roles: pipe it into psql as the owner, after each migrate."

    def add_arguments(self, parser):
        parser.add_argument("--owner", default="radiology_owner", help="owns the tables and migrates")
        parser.add_argument("--app", default="radiology_app", help="the site and its workers")
        parser.add_argument("--backup", default="radiology_backup", help="reads everything, for pg_dump")

    def handle(self, *args, owner, app, backup, **options):
        for name in (owner, app, backup):
            if not re.fullmatch(r"[a-z_][a-z0-9_]{0,60}", name, re.ASCII):
                raise CommandError(f"{name!r} is no name of a role: use small letters, digits and _.")
        for statement in role_statements(owner, app, backup):
            self.stdout.write(f"{statement};")
