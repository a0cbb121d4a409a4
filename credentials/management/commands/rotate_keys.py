"""Puts every secret under the newest key."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from credentials.rotation import Rotated, rotate


class Command(BaseCommand):
    help = "Re-encrypt all secrets under the first entry of FERNET_KEYS; afterwards the older entries can be taken out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only count rows per key; exit with 1 when any is not under the first.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *_args: Any, check: bool, **options: Any) -> None:
        found = []
        for column in rotate(write=not check):
            found.append(column)
            if not options["json"]:
                self.stdout.write(_sentence(column))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(column) for column in found]))
        unreadable = sum(column.unreadable for column in found)
        if unreadable:
            self.stderr.write(f"{unreadable} secrets can be read with no key in FERNET_KEYS; they were left as they are.")
        if unreadable or (check and any(sum(column.per_key[1:]) for column in found)):
            raise SystemExit(1)


def _sentence(column: Rotated) -> str:
    counts = ", ".join(f"{count} under key {position}" for position, count in enumerate(column.per_key, 1))
    return f"{column.column}: {counts}; {column.rotated} re-encrypted, {column.unreadable} unreadable."
