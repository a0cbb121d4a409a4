"""Proves that nothing in the audit was changed or removed."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from audit.exporting.checking import check_export
from audit.services import verify
from audit.triggers import missing


class Command(BaseCommand):
    help = "Prove that nothing in the audit was changed or removed; names the first broken seal and exits with 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", default="", help="A head that was printed earlier: also proves that the end was not cut off.")
        parser.add_argument("--export", type=Path, metavar="FILE", help="Prove an archive that was exported in the console instead.")
        parser.add_argument("--offline", action="store_true", help="With --export: only by what is in the file, without the database.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *_args: Any, head: str, export: Path | None, **options: Any) -> None:
        if export is not None:
            self._handle_export(export, head, options)
        else:
            self._handle_all(head, options)

    def _handle_export(self, file: Path, head: str, options: dict[str, Any]) -> None:
        checked = check_export(file, offline=options["offline"])
        ok = checked.ok and head in ("", checked.head)
        sentence = checked.sentence if ok or not checked.ok else "Its head is not the one that was given."
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(checked), "ok": ok, "sentence": sentence}))
        else:
            self.stdout.write(sentence + (f"\nHead: {checked.head}" if checked.head else ""))
        if not ok:
            raise SystemExit(1)

    def _handle_all(self, head: str, options: dict[str, Any]) -> None:
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
