"""manage.py reconcile FLOW: compare both sides and report, repair on request."""

from __future__ import annotations

import getpass
import json
import sys
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from tqdm import tqdm

from connectors.kit.errors import SyncError
from flows.commandline import fail, flow_named, moment, tick
from flows.reconcile import reconcile


class Command(BaseCommand):
    help = "Compare what the source has with what the destination shows: missing, double, amount and payment drift."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("flow", help="the flow's label or number")
        parser.add_argument("--since", type=moment, default=None, help="default: 30 days ago")
        parser.add_argument("--repair", action="store_true", help="queue what a sync can mend")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        flow = flow_named(options["flow"])
        now = timezone.now()
        since = options["since"] or now - timedelta(days=30)
        try:
            with tqdm(unit=" records", desc=flow.label, file=sys.stderr) as bar:
                report = reconcile(flow, since, now, repair=options["repair"], asked_by=getpass.getuser(), told=lambda _n: tick(bar))
        except SyncError as problem:
            raise fail(problem.message) from None
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2))
        else:
            for drift in report.drifts:
                age = "" if drift.age_days is None else f" ({drift.age_days} d)"
                self.stdout.write(f"{', '.join(drift.kinds):<16} {drift.number:<14} {drift.sentence}{age}")
            self.stdout.write(f"{report.compared} compared, {len(report.drifts)} different, {report.repaired} queued for repair.")
        if report.drifts and not options["repair"]:
            sys.exit(1)
