"""How the answer to a write is kept on its link: each as one change that is made while the job is ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from django.db import connection as database
from django.db.models import QuerySet
from django.utils import timezone

from audit.plain_rows import Change as RowChange
from audit.plain_rows import update
from flows.jobs.claim import LeaseLost
from flows.models import ExternalLink
from flows.pipeline.intents import TAKES_AWAY, links_of, withdraw
from flows.pipeline.workbench import Workbench
from flows.recipes.contract import Change

State = ExternalLink.State


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How an answer is kept: as one change of the link while the job is ours; where there is none or it finds nothing, otherwise says
    what to do, and raises LeaseLost when the job is not ours any more.
    """

    otherwise: Callable[[], object]
    change: RowChange | None = None


def disown(bench: Workbench, link: ExternalLink) -> Confirmation:
    """A search showed that nothing was created."""

    def gone() -> None:
        bench.fence()
        withdraw(link)

    return Confirmation(gone)


def confirm(bench: Workbench, link: ExternalLink, change: Change, remote_id: str, fingerprint: str, adopted: bool) -> Confirmation:
    """It exists and is ours. Names the lease: a worker that lost its job confirms nothing."""
    intended = {"id": link.pk, "state": State.INTENDED, "lease_token": bench.lease_token}
    confirmed = {
        "state": State.CONFIRMED,
        "remote_id": remote_id,
        "fingerprint": fingerprint,
        "content_hash": "" if adopted else change.content_hash,  # what we adopt was not written by this change: compare it anew
        "adopted": adopted,
        "in_doubt_until": None,
        "confirmed_at": timezone.now(),
    }

    def lost() -> NoReturn:
        raise LeaseLost(f"the intent of {link.object_type} {link.key} is no longer ours")

    return Confirmation(lost, _while_ours(bench, RowChange(ExternalLink, intended, confirmed)))


def _while_ours(bench: Workbench, change: RowChange) -> RowChange:
    """The same, made only while the job is ours."""
    held, *values = bench.holding()
    provided = f"{held} AND {change.provided}" if change.provided else held
    return replace(change, provided=provided, values=(*values, *change.values))


def _at_once_or_fenced(bench: Workbench, change: RowChange) -> Confirmation:
    """For what may find nothing although the job is ours. A lease that had run out may just have come alive again, so after the fence
    the change is made once more.
    """

    def fenced() -> None:
        bench.fence()
        update(change)

    return Confirmation(fenced, _while_ours(bench, change))


def rewritten(bench: Workbench, change: Change, fingerprint: str) -> Confirmation:
    """The update was answered."""
    fields = {"fingerprint": fingerprint, "content_hash": change.content_hash, "job_id": bench.job_id}
    return _at_once_or_fenced(bench, _last_written(bench, change, fields))


def _last_written(bench: Workbench, change: Change, fields: Mapping[str, Any]) -> RowChange:
    """These fields of the link, unless a write that this run overtook landed while it ran: nobody knows which of the two stands there."""
    started = database.ops.adapt_datetimefield_value(bench.started)
    last = "(in_doubt_until IS NULL OR in_doubt_until < %s)"
    return RowChange(ExternalLink, links_of(bench, change), {**fields, "in_doubt_until": None}, last, (started,))


def remember(bench: Workbench, change: Change) -> Confirmation:
    """Both sides agree without a write: keep on what, or that it is gone."""
    which = {**links_of(bench, change), "state": State.CONFIRMED}
    gone = {"void": True} if change.action in TAKES_AWAY else {}
    kept = {"content_hash": change.content_hash, "job_id": bench.job_id, **gone}
    return _at_once_or_fenced(bench, RowChange(ExternalLink, which, kept))


def acted(bench: Workbench, change: Change, fingerprint: str) -> Confirmation:
    """A named action was answered; what takes away and what brings back are kept on the link."""
    fields: dict[str, object] = {"job_id": bench.job_id}
    if fingerprint:
        fields["fingerprint"] = fingerprint
    if change.action not in (*TAKES_AWAY, "restore"):
        return _at_once_or_fenced(bench, _last_written(bench, change, fields))
    void = change.action in TAKES_AWAY

    def both() -> None:
        bench.fence()
        update(_last_written(bench, change, {**fields, "void": void}))
        if change.target_id:
            _same_thing(bench, change).update(void=void)

    return Confirmation(both)


def _same_thing(bench: Workbench, change: Change) -> QuerySet[ExternalLink]:
    """Other links to what an action took away or brought back: a client may be known by two addresses."""
    links = ExternalLink.objects.filter(
        destination=bench.flow.destination, object_type=change.object_type.value, remote_id=change.target_id, state=State.CONFIRMED
    )
    return links.exclude(**links_of(bench, change))
