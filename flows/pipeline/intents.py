"""The link rows around a write: intended (committed) before it, confirmed after it, in doubt when the answer is unclear."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.utils import timezone

from audit.models import Outcome
from connectors.canonical.identity import ObjectType
from connectors.kit.errors import Busy, Unclear
from connectors.kit.http import Operation
from flows.jobs.queue import Wanted, enqueue
from flows.models import ExternalLink, SyncJob, SyncRecord
from flows.models.job import Priority
from flows.pipeline.workbench import Workbench
from flows.recipes.contract import Change

State = ExternalLink.State
SEARCHED_AT_ONCE = timedelta(seconds=1)
TAKES_AWAY = ("void", "remove")


@dataclass(frozen=True, slots=True)
class Intent:
    """The right to create. in_doubt: an earlier attempt may have reached the other side, so search first."""

    link: ExternalLink
    in_doubt: bool


def intend(bench: Workbench, change: Change, settle: timedelta) -> Intent | None:
    """Say what we are about to do, committed. None: it is confirmed already.

    Raises Busy while another live job creates the same thing, and Unclear until an uncertain attempt has settled.
    """
    now = timezone.now()
    scope = "" if change.shared else bench.scope
    created = _insert(bench, change, scope, now)
    if created is not None:
        return Intent(created, in_doubt=False)
    link = ExternalLink.objects.filter(**links_of(bench, change)).first()
    if link is None:  # its holder withdrew it in this very moment
        raise Busy(f"Another order gave up creating {change.object_type.value} {change.key}.", retry_after=0.2, code="link_busy")
    if link.state == State.CONFIRMED:
        return None
    return _take_over(bench, link, settle)


_INSERT = """
INSERT INTO flows_externallink (destination_id, source_id, scope, object_type, key, state, remote_id, void, content_hash,
    fingerprint, adopted, job_id, lease_token, intended_at)
VALUES (%s, %s, %s, %s, %s, 'intended', '', %s, '', '', %s, %s, %s, %s)
ON CONFLICT (destination_id, scope, object_type, key) DO NOTHING RETURNING id
"""


def _insert(bench: Workbench, change: Change, scope: str, now: datetime) -> ExternalLink | None:
    """The intent in one statement, so that of forty jobs with one new customer exactly one gets through; None for the others."""
    flow = bench.flow
    row = ExternalLink(
        destination=flow.destination,
        source=None if change.shared else flow.source,
        scope=scope,
        key=change.key,
        object_type=change.object_type.value,
        intended_at=now,
        job_id=bench.job_id,
        lease_token=bench.lease_token,
    )
    with database.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                flow.destination_id,
                row.source_id,
                scope,
                row.object_type,
                row.key,
                False,
                False,
                row.job_id,
                row.lease_token,
                database.ops.adapt_datetimefield_value(now),
            ],
        )
        created = cursor.fetchone()
    if created is None:
        return None
    row.pk = created[0]
    return row


def _take_over(bench: Workbench, link: ExternalLink, settle: timedelta) -> Intent:
    """An intent that somebody left behind: wait while its holder lives or its effect may still appear."""
    now = timezone.now()
    holder = SyncJob.objects.filter(pk=link.job_id or 0, lease_token=link.lease_token, state=SyncJob.State.RUNNING)
    if link.lease_token and link.lease_token != bench.lease_token and holder.filter(lease_until__gt=now).exists():
        raise Busy(f"Another order is creating {link.object_type} {link.key} right now.", retry_after=0.5, code="link_busy")
    settled = link.in_doubt_until or link.intended_at + SEARCHED_AT_ONCE + settle
    if now < settled:
        seconds = (settled - now).total_seconds()
        raise Unclear(
            f"It is not certain yet whether {link.object_type} {link.key} was created; looking again in {seconds:.0f} s.",
            code=f"settle:{seconds:.1f}",
        )
    taken = ExternalLink.objects.filter(pk=link.pk, state=State.INTENDED, lease_token=link.lease_token).update(
        job_id=bench.job_id, lease_token=bench.lease_token, in_doubt_until=now
    )
    if not taken:
        raise _taken_up(link)
    link.job_id, link.lease_token, link.in_doubt_until = bench.job_id, bench.lease_token, now
    return Intent(link, in_doubt=True)


def operation(bench: Workbench, intent: Intent) -> Operation:
    """What the create is known by for ever: the row outlives a crash, and its number is never given to another one."""
    return Operation(f"tillbridge-{bench.flow.destination.key}-{intent.link.pk}", searched=intent.in_doubt)


def begin_create(intent: Intent) -> None:
    """Right before each call of a create: from here on its effect may settle, so a search or a pause that took its time must not count
    as settling. Within a second of the intent nobody can have taken it up; later than that Busy is raised when somebody has.
    """
    link, now = intent.link, timezone.now()
    if link.in_doubt_until is None and now - link.intended_at <= SEARCHED_AT_ONCE:
        return
    ours = ExternalLink.objects.filter(pk=link.pk, state=State.INTENDED, lease_token=link.lease_token)
    if not ours.update(intended_at=now, in_doubt_until=None):
        raise _taken_up(link)
    link.intended_at, link.in_doubt_until = now, None


def _taken_up(link: ExternalLink) -> Busy:
    return Busy(f"Another order took up {link.object_type} {link.key}.", retry_after=0.5, code="link_busy")


def doubt(link: ExternalLink, settle: timedelta) -> None:
    """The answer to the write is unclear: nobody creates this again before it has settled and been searched."""
    ExternalLink.objects.filter(pk=link.pk, state=State.INTENDED).update(in_doubt_until=timezone.now() + settle)


def wake_the_way_back(bench: Workbench) -> None:
    """A doubt is settled: what waited to hear whether it is our own work is looked at now."""
    waiting = SyncJob.objects.filter(flow__source=bench.flow.destination, state=SyncJob.State.WAITING, reason_code="payment_in_doubt")
    waiting.update(not_before=timezone.now())


def withdraw(link: ExternalLink) -> None:
    """The other side answered that it did not create anything: the intent is void."""
    ExternalLink.objects.filter(pk=link.pk, state=State.INTENDED, lease_token=link.lease_token).delete()


def links_of(bench: Workbench, change: Change) -> dict[str, Any]:
    return {
        "destination_id": bench.flow.destination_id,
        "scope": "" if change.shared else bench.scope,
        "object_type": change.object_type.value,
        "key": change.key,
    }


def begin_rewrite(bench: Workbench, change: Change) -> str:
    """Ahead of an update: what the destination shows from now on may be ours even if the answer gets lost. The fingerprint so far."""
    link = ExternalLink.objects.filter(**links_of(bench, change))
    before = link.values_list("fingerprint", flat=True).first() or ""
    link.update(fingerprint="", job_id=bench.job_id)
    return before


def not_rewritten(bench: Workbench, change: Change, before: str) -> None:
    """The update was answered with a refusal: the destination shows what it showed, so a person's edit is told from ours again."""
    ExternalLink.objects.filter(**links_of(bench, change)).update(fingerprint=before)


def overtaken(bench: Workbench, change: Change) -> None:
    """Our write was answered after another worker had taken the record over: it may have undone what that one wrote.

    No check right before the socket can close that gap. So the link says what we wrote, and the record is looked at once more, also one
    that a person had voided.
    """
    now = timezone.now()
    fields: dict[str, object] = {"fingerprint": "", "content_hash": change.content_hash, "in_doubt_until": now}
    if change.action in (*TAKES_AWAY, "restore"):
        fields["void"] = change.action in TAKES_AWAY
    ExternalLink.objects.filter(**links_of(bench, change), state=State.CONFIRMED).update(**fields)
    record = SyncRecord.objects.filter(flow=bench.flow, object_type=bench.recipe.source.value, source_id=bench.source_id)
    record.update(outcome=Outcome.WAITING)
    enqueue([Wanted(bench.flow.pk, bench.recipe.source, bench.source_id, Priority.WEBHOOK, "overtaken", force=True)], now)


def void_client(bench: Workbench, client_id: str) -> bool:
    """Note that a linked client is deleted in the books; False when no such link stood."""
    links = ExternalLink.objects.filter(
        destination=bench.flow.destination, object_type=ObjectType.CUSTOMER.value, remote_id=client_id or "-", state=State.CONFIRMED
    )
    return bool(links.filter(void=False).update(void=True))


def remote_id(bench: Workbench, object_type: ObjectType, key: str) -> str:
    """The destination's id of something linked; it must be confirmed by now."""
    if (object_type, key) in bench.confirmed:
        return bench.confirmed[object_type, key]
    link = ExternalLink.objects.filter(
        destination=bench.flow.destination,
        scope__in=[bench.scope, ""],
        object_type=object_type.value,
        key=key,
        state=State.CONFIRMED,
    ).first()
    if link is None:
        raise Busy(f"{object_type.value} {key} is not confirmed yet.", retry_after=0.5, code="link_busy")
    return link.remote_id
