"""Proves that nothing in the audit was changed or removed."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from audit.services import verify
from audit.triggers import missing


class Command(BaseCommand):
    help = "Prove that nothing in the audit was changed or removed; names the first broken seal and exits with 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", default="", help="A head that was printed earlier: also proves that the end was not cut off.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *_args: Any, head: str, **options: Any) -> None:
        found = verify(head=head)
        gone = missing(connection)
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(found), "missing_triggers": gone}))
        else:
            self.stdout.write(found.sentence)
            if gone:
                self.stdout.write(f"The database does not guard the audit: {', '.join(gone)} missing. Run manage.py migrate.")
            if found.head:
                self.stdout.write(f"Head: {found.head}")
        if not found.ok or gone:
            raise SystemExit(1)
