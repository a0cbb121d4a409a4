"""Reading what no webhook told of: closed windows with overlap, from a stored watermark."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert, Outcome
from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.kit.errors import NeedsAttention, RateLimited, SyncError, Transient, Unauthorised
from connectors.registry import get_connector
from credentials.models import Connection
from credentials.services import mark_reauthorise, open_api
from flows.bell import ring
from flows.echoes import echoes_among
from flows.jobs.queue import Wanted, enqueue
from flows.leases import periodic
from flows.listening.unheard import note_poll
from flows.models import Backfill, Flow, SyncCursor, SyncJob, SyncRecord
from flows.models.job import Priority
from flows.notices import usable
from flows.recipes import RECIPES
from flows.selectors import source_choices

OVERLAP = timedelta(minutes=3)  # platforms stamp to the second, commit later, and clocks differ
LAG = timedelta(seconds=5)  # the newest seconds may still be filling up
FIRST_LOOK_BACK = timedelta(hours=1)
TASK_SECONDS = 120.0
SHORT_OUTAGE = timedelta(minutes=15)

Keep = Callable[[str | None, int], None]


class WalkEnded(Exception):
    """A person ended the walk meanwhile."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk through a closed window from a page on. keep(next page, found) moves its cursor; told(problem) hears what stopped it, and ""
    when nothing did.
    """

    flow: Flow
    window: Window
    page: str | None
    priority: Priority
    trigger: str
    keep: Keep
    asked_by: str = ""
    backfill_id: int | None = None
    told: Callable[[str], None] = lambda _problem: None


def read_from_now(flow: Flow) -> SyncCursor:
    """From now on nothing is missed, however late the first poll comes; what was read before goes on where it stopped."""
    return SyncCursor.objects.get_or_create(flow=flow, defaults={"watermark": timezone.now() - FIRST_LOOK_BACK})[0]


def poll_flow(flow_id: int, now: datetime | None = None) -> int:
    """One polling walk of a flow; an unfinished one goes on where it stopped. Returns the jobs asked for."""
    flow = Flow.objects.select_related("source", "destination").get(pk=flow_id)
    if not flow.enabled or flow.source.status != Connection.Status.ACTIVE:
        return 0
    with periodic(f"poll {flow_id}", TASK_SECONDS + 60) as ours:
        return _poll(flow, now or timezone.now()) if ours else 0


def _poll(flow: Flow, now: datetime) -> int:
    cursor, _ = SyncCursor.objects.get_or_create(flow=flow, defaults={"watermark": now - FIRST_LOOK_BACK})
    if cursor.window_until is None:
        cursor.window_until, cursor.page, cursor.found = now - LAG, "", 0
        cursor.save()
    window = Window(cursor.watermark - OVERLAP, cursor.window_until)

    def keep(page: str | None, found: int) -> None:
        """In the transaction that stores the page's jobs, the cursor moves."""
        cursor.found += found
        if page is None:
            cursor.watermark, cursor.window_until, cursor.page, cursor.polled_at = window.until, None, "", now
        else:
            cursor.page = page
        cursor.save()

    return _walk(Walk(flow, window, cursor.page or None, Priority.POLL, "poll", keep))


def _walk(walk: Walk) -> int:
    """Page through; each page's jobs and the cursor are stored together. Returns the jobs asked for.

    What stops the walk is told by an alert that closes by itself; the walk goes on from its page at the next tick.
    """
    flow, total = walk.flow, 0
    try:
        for jobs in _pages(walk):
            total += jobs
    except WalkEnded:
        return total
    except SyncError as problem:
        walk.told(problem.message)
        if isinstance(problem, Unauthorised):
            mark_reauthorise(flow.source, problem.message)
        else:
            _tell(flow, problem)
        return total
    walk.told("")
    close_alert(flow.organization_id, f"poll:{flow.pk}")
    return total


def _pages(walk: Walk) -> Iterator[int]:
    flow, page, wanted = walk.flow, walk.page, RECIPES[walk.flow.recipe].source
    reads = get_connector(flow.source.platform).reads[wanted]
    if reads.page is None:
        raise NeedsAttention(f"{flow.source.label} cannot list changed {wanted.value}s.", code="no_listing")
    api, deadline = open_api(flow.source, choices=source_choices(flow)), time.monotonic() + TASK_SECONDS
    while time.monotonic() < deadline:
        listed = reads.page(api, walk.window, page)
        with transaction.atomic():
            jobs, found = _asked(walk, wanted, usable(listed.notices))
            walk.keep(listed.next, found)
        if found:
            ring()
        yield jobs
        page = listed.next
        if page is None:
            break


def _asked(walk: Walk, wanted: ObjectType, notices: tuple[Notice, ...]) -> tuple[int, int]:
    """Ask for the jobs of a page: how many, and of how many objects it told. What a poll finds is weighed against the webhooks."""
    flow, polls = walk.flow, walk.trigger == "poll"
    known = _known(flow, wanted, notices) if polls else {}
    news = _news(flow, wanted, notices, known) if polls else list(notices)
    echoes = echoes_among((flow, wanted.value, notice.source_id) for notice in news)
    asked = [notice for notice in news if (flow.pk, notice.source_id) not in echoes]
    jobs = [
        Wanted(flow.pk, wanted, one.source_id, walk.priority, walk.trigger, None, walk.asked_by, backfill_id=walk.backfill_id)
        for one in asked
    ]
    if polls and asked:
        note_poll(flow, wanted, asked, {source_id: version for source_id, (version, _) in known.items()}, walk.window.since)
    return enqueue(jobs, timezone.now()), len(news)


def _tell(flow: Flow, problem: SyncError) -> None:
    """Polling is the guarantee behind the webhooks, so its silence must not go unseen; a short outage needs nobody."""
    cursor = SyncCursor.objects.filter(flow=flow).first()
    last = cursor.polled_at if cursor else None
    if isinstance(problem, (Transient, RateLimited)) and last and timezone.now() - last < SHORT_OUTAGE:
        return
    open_alert(
        flow.organization_id,
        f"poll:{flow.pk}",
        f"{flow.label}: changes at {flow.source.label} cannot be listed: {problem.message}",
        Alert.Severity.WARNING,
        connection_id=flow.source_id,
    )


Known = dict[str, tuple[str, str]]  # by source id: the newest version that anything told of, and the one that a poll last passed on


def _known(flow: Flow, wanted: ObjectType, notices: Iterable[Notice]) -> Known:
    rows = SyncRecord.objects.filter(flow=flow, object_type=wanted.value, source_id__in={notice.source_id for notice in notices})
    return {source_id: (version, polled) for source_id, version, polled in rows.values_list("source_id", "version", "polled_version")}


def _news(flow: Flow, wanted: ObjectType, notices: Iterable[Notice], known: Known) -> list[Notice]:
    """The notices of versions that no poll passed on yet; the versions are kept in the same transaction as the jobs.

    What a webhook told is passed on once more: change times are a second fine, and a second change in that second may have had no
    webhook. By now that second is over, so one look settles it.
    """
    listed = {notice.source_id: notice for notice in notices}
    news = [n for n in listed.values() if not n.version or known.get(n.source_id, ("", ""))[1] != n.version]
    now = timezone.now()
    SyncRecord.objects.bulk_create(
        [
            SyncRecord(
                flow=flow,
                object_type=wanted.value,
                source_id=n.source_id,
                version=max(known.get(n.source_id, ("", ""))[0], n.version),
                polled_version=n.version,
                updated_at=now,
            )
            for n in sorted(news, key=lambda n: n.source_id)  # one order for all writers: no deadlock
            if n.version
        ],
        update_conflicts=True,
        unique_fields=["flow", "object_type", "source_id"],
        update_fields=["version", "polled_version"],
    )
    return news


# ---- backfill ----------------------------------------------------------------------------------------------


def start_backfill(flow: Flow, since: datetime, until: datetime, *, reason: str = "", asked_by: str = "") -> Backfill:
    """Ask for a walk over the past; the worker does it page by page."""
    return Backfill.objects.create(flow=flow, since=since, until=until, reason=reason[:200], asked_by=asked_by)


def walk_backfills() -> int:
    """Go on with every unfinished backfill. Returns the jobs asked for."""
    pending = Backfill.objects.filter(finished_at=None, flow__enabled=True, flow__source__status=Connection.Status.ACTIVE).select_related(
        "flow__source", "flow__destination"
    )
    return sum(walk_backfill(backfill) for backfill in pending.order_by("id"))


def walk_backfill(backfill: Backfill, told: Callable[[int], None] = lambda _found: None) -> int:
    """Walk one backfill as far as the time allows; told(n) hears of each page's objects."""
    with periodic(f"backfill {backfill.pk}", TASK_SECONDS + 60) as ours:
        if not ours:
            return 0

        def keep(page: str | None, found: int) -> None:
            """A person may have cancelled it: then nothing of this page is asked for."""
            backfill.page, backfill.found = page or "", backfill.found + found
            ended = timezone.now() if page is None else None
            mine = Backfill.objects.filter(pk=backfill.pk, finished_at=None)
            if not mine.update(page=backfill.page, found=backfill.found, finished_at=ended):
                raise WalkEnded
            backfill.finished_at = ended
            told(found)

        def stopped(problem: str) -> None:
            Backfill.objects.filter(pk=backfill.pk).exclude(problem=problem).update(problem=problem)

        window = Window(backfill.since, backfill.until)
        page, asked_by = backfill.page or None, backfill.asked_by
        return _walk(Walk(backfill.flow, window, page, Priority.BACKFILL, "backfill", keep, asked_by, backfill.pk, stopped))


def cancel_backfill(backfill: Backfill, person: str) -> int | None:
    """Nothing more is read, and what waits for nobody else is not looked at. Returns how many jobs that were; None when it was over."""
    now, told = timezone.now(), f"The backfill was cancelled by {person}."
    untouched = {"state": SyncJob.State.WAITING, "started_at": None, "attempts": 0, "crashes": 0, "event": None, "force": False}
    begun = SyncRecord.objects.filter(
        flow=OuterRef("flow"), object_type=OuterRef("object_type"), source_id=OuterRef("source_id"), outcome=Outcome.WAITING
    )  # an earlier job may have written half of it, and left the rest to this one
    with transaction.atomic():
        alone = SyncJob.objects.filter(~Exists(begun), backfill=backfill, trigger="backfill", priority=Priority.BACKFILL, **untouched)
        goes_on = Q(finished_at=None) | Q(pk__in=alone.values("backfill"))
        if not Backfill.objects.filter(goes_on, pk=backfill.pk, cancelled_by="").update(finished_at=now, cancelled_by=person):
            return None
        return alone.update(state=SyncJob.State.SUPERSEDED, reason=told, finished_at=now)
