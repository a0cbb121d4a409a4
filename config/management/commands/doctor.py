"""manage.py doctor: is everything as it has to be?"""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.doctor.examination import CHECKS, as_json, examine
from config.doctor.finding import Finding


class Command(BaseCommand):
    """Exit code 0 when nothing is wrong, 1 otherwise."""

    help = "Check settings, database, broker, keys, connections and webhooks; says what is wrong in plain sentences."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON document instead of sentences.")
        parser.add_argument("--only", action="append", choices=sorted(CHECKS), default=[], help="Only this check; may be repeated.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        for name, finding in examine(options["only"]):
            found.append((name, finding))
            if not options["json"]:
                self.stdout.write(self._line(name, finding))
        ill = [finding for _name, finding in found if not finding.ok]
        if options["json"]:
            checks = [as_json(name, finding) for name, finding in found]
            self.stdout.write(json.dumps({"ok": not ill, "checks": checks}, indent=2))
        else:
            self.stdout.write(f"\n{len(ill)} of {len(found)} findings need you." if ill else "\nNothing is wrong.")
        if ill:
            sys.exit(1)

    def _line(self, name: str, finding: Finding) -> str:
        mark = self.style.SUCCESS("ok ") if finding.ok else self.style.ERROR("BAD")
        subject = f"{finding.subject}: " if finding.subject else ""
        return f"{mark} {name:<13} {subject}{finding.message}"
