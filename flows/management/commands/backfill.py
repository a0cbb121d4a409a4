"""manage.py backfill FLOW --since --until: read the past on purpose, page by page, resumable."""

from __future__ import annotations

import getpass
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from tqdm import tqdm

from connectors.canonical.identity import Window
from connectors.kit.errors import SyncError
from credentials.accounts import account_with, connector_of
from flows.commandline import fail, flow_named, moment, tick
from flows.models import Backfill, Flow
from flows.pipeline.workbench import calling, open_workbench
from flows.polling import start_backfill, walk_backfill
from flows.preview import preview_whole, refuse_writes
from flows.working_off import work_off


class Command(BaseCommand):
    help = "Queue every record of a flow that changed in a period. Interrupted, the same command goes on where it stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("flow", help="the flow's label or number")
        parser.add_argument("--since", required=True, type=moment)
        parser.add_argument("--until", type=moment, default=None)
        parser.add_argument("--dry-run", action="store_true", help="print the plans, queue and write nothing")
        parser.add_argument("--here", type=int, default=0, metavar="N", help="book in this process with N threads, and print what it took")

    def handle(self, *args: Any, **options: Any) -> None:
        flow = flow_named(options["flow"])
        until = options["until"] or timezone.now()
        if options["since"] >= until:
            raise fail("--since must be before --until.")
        if options["dry_run"]:
            self._dry_run(flow, Window(options["since"], until))
            return
        started = time.monotonic()
        backfill = _unfinished(flow, options) or start_backfill(flow, options["since"], until, asked_by=getpass.getuser())
        jobs = _list(backfill)
        booked = "the worker books them" if not options["here"] else f"booked here with {options['here']} thread(s)"
        self.stdout.write(f"{backfill.found} record(s) found, {jobs} job(s) queued now; {booked}.")
        if options["here"]:
            waiting = _book_here(flow, options["here"])
            self.stdout.write(f"Done after {time.monotonic() - started:.0f} s; {waiting} job(s) wait for later.")
        if usage := connector_of(flow.source).usage(account_with(flow.source, {})):
            self.stdout.write(f"{flow.source.label}: {usage}.")

    def _dry_run(self, flow: Flow, window: Window) -> None:
        bench = open_workbench(flow, refuse_writes)
        reads, cursor, records, changes = bench.source.connector.reads[bench.recipe.source], None, 0, 0
        looked: set[str] = set()
        if reads.page is None:
            raise fail(f"{flow.source.label} cannot list changes.")
        with tqdm(unit=" records", desc=flow.label, file=sys.stderr) as bar:
            while True:
                try:
                    with calling(bench.source) as api:
                        page = reads.page(api, window, cursor)
                    for notice in page.notices:
                        found = preview_whole(bench, notice.source_id, looked)
                        if found is None:
                            continue
                        seen = found[1]
                        records, changes = records + 1, changes + len(seen.plan.changes)
                        titles = "; ".join(change.title for change in seen.plan.changes)
                        bar.clear()
                        self.stdout.write(f"{seen.number}: {titles or seen.sentence}")
                        bar.update(1)
                except SyncError as problem:
                    raise fail(problem.message) from None
                cursor = page.next
                if cursor is None:
                    break
        self.stdout.write(f"{records} record(s), {changes} change(s); nothing was written.")


def _list(backfill: Backfill) -> int:
    """Walk to the end; the jobs that were queued. An export that is still being written answers with empty pages."""
    jobs, heard = 0, list[int]()
    with tqdm(initial=backfill.found, unit=" records", desc=backfill.flow.label, file=sys.stderr) as bar:

        def told(found: int) -> None:
            heard.append(found)
            tick(bar, found)

        while backfill.finished_at is None:
            heard.clear()
            jobs += walk_backfill(backfill, told)
            if not heard and backfill.finished_at is None:
                raise fail("The source did not answer; run the same command again to go on from here.")
    return jobs


def _book_here(flow: Flow, threads: int) -> int:
    """Work off what waits, under a bar; how many jobs are left for later."""
    with tqdm(unit=" jobs", desc="booking", file=sys.stderr) as bar:

        def told(left: int) -> None:
            bar.total = max(bar.total or 0, bar.n + left)
            bar.update(bar.total - left - bar.n)

        return work_off(flow, threads, told)


def _unfinished(flow: Flow, options: dict[str, Any]) -> Backfill | None:
    """The same backfill, interrupted earlier: same start, and the same end if one is given."""
    rows = Backfill.objects.filter(flow=flow, since=options["since"], finished_at=None)
    if options["until"]:
        rows = rows.filter(until=options["until"])
    return rows.order_by("id").first()
