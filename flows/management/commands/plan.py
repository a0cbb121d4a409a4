"""manage.py plan FLOW ORDER: what a sync would change, writing nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from connectors.kit.errors import SyncError
from flows.commandline import fail, flow_named
from flows.finding import source_id_of
from flows.preview import preview


class Command(BaseCommand):
    help = "Print the changes that a sync of one record would make, without writing anything."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("flow", help="the flow's label or number")
        parser.add_argument("order", help="the record's number or its id at the source")

    def handle(self, *args: Any, **options: Any) -> None:
        flow = flow_named(options["flow"])
        try:
            seen = preview(flow, source_id_of(flow, options["order"]))
        except SyncError as problem:
            raise fail(problem.message) from None
        for change in seen.plan.changes:
            self.stdout.write(f"{change.does:<10} {change.object_type.value:<12} {change.title}")
        for note in seen.plan.said:
            self.stdout.write(f"note: {note}")
        if seen.sentence:
            self.stdout.write(seen.sentence)
