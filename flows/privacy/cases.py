"""The way of a privacy request: stored with its event, carried out by the sweep, told to whom it concerns."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert, Outcome
from audit.services import write
from connectors.kit.contract import PrivacyRequest
from credentials.models import Connection
from flows.leases import periodic
from flows.models import InboundEvent, PrivacyCase
from flows.notices import storable
from flows.privacy.exporting import export
from flows.privacy.person import packed
from flows.privacy.redacting import redact

logger = logging.getLogger(__name__)
State, Kind = PrivacyCase.State, PrivacyCase.Kind
RETRY = timedelta(minutes=10)
EXPORT_KEPT = timedelta(days=60)  # the law gives thirty days for the answer
CONNECTED_AGAIN = (
    "The platform asks to redact all data of this connection, as it does after an app was removed, and the connection is in use again. "
    "Carry it out here if that is wanted; nothing was changed yet."
)
READY = "The export is ready. Download it here, and hand it over within thirty days of the request."


def open_case(connection: Connection, request: PrivacyRequest, dedupe_key: str, now: datetime) -> PrivacyCase:
    """Keep the request; call it in the transaction that stores its event."""
    event = InboundEvent.objects.filter(connection=connection, dedupe_key=dedupe_key).only("pk").first()
    return PrivacyCase.objects.create(
        connection=connection,
        event=event,
        kind=request.kind,
        reference=storable(request.reference, 100),
        wanted=packed(request),
        received_at=now,
    )


def carry_out_waiting() -> int:
    """Carry out what waits; returns how many requests were looked at. One that fails is tried again after a while."""
    now = timezone.now()
    waiting = PrivacyCase.objects.filter(Q(retry_at=None) | Q(retry_at__lte=now), state=State.WAITING)
    if not waiting.exists():
        return 0
    with periodic("privacy requests", 3600) as ours:
        cases = list(waiting.select_related("connection").order_by("id")) if ours else []
        for case in cases:
            _try(case, now)
    return len(cases)


def _try(case: PrivacyCase, now: datetime) -> None:
    try:
        carry_out(case, actor="worker")
    except Exception:
        logger.exception("privacy request %s could not be carried out", case.pk)
        PrivacyCase.objects.filter(pk=case.pk).update(retry_at=now + RETRY)


def carry_out(case: PrivacyCase, *, actor: str, decided: bool = False) -> str:
    """Do what was asked. decided: a person wants it though the connection is in use. Returns what was done, as a sentence."""
    in_use = case.connection.status == Connection.Status.ACTIVE
    if case.kind == Kind.REDACT_ACCOUNT and in_use and not decided:
        _finish(case, State.HELD, CONNECTED_AGAIN, actor)
        return CONNECTED_AGAIN
    if case.kind == Kind.EXPORT_PERSON:
        case.export = export(case)
        _finish(case, State.DONE, READY, actor)
        return READY
    said = redact(case)
    case.wanted = ""
    _finish(case, State.DONE, said, actor)
    return said


@transaction.atomic
def _finish(case: PrivacyCase, state: PrivacyCase.State, said: str, actor: str) -> None:
    case.state, case.summary, case.done_at = state, said, timezone.now() if state == State.DONE else None
    case.save(update_fields=["state", "summary", "done_at", "wanted", "export"])
    if state == State.HELD or case.kind == Kind.EXPORT_PERSON:
        message = f"{case.connection.label}, {case} ({case.get_kind_display()}): {said}"
        open_alert(case.connection.organization_id, cause_of(case), message, Alert.Severity.WARNING, case.connection_id)
    else:
        close_alert(case.connection.organization_id, cause_of(case))
    record(case, "carry out privacy request", said, actor, Outcome.ATTENTION if state == State.HELD else Outcome.DONE)


def cause_of(case: PrivacyCase) -> str:
    """The alert's cause."""
    return f"privacy:{case.pk}"


def record(case: PrivacyCase, action: str, said: str, actor: str, outcome: Outcome = Outcome.DONE) -> None:
    """An audit record about the request. It names nobody."""
    write(
        actor=actor,
        action=action,
        outcome=outcome,
        organization_id=case.connection.organization_id,
        connection=case.connection,
        event_id=case.event_id,
        object_type="privacycase",
        source_id=str(case.pk),
        message=f"{case.get_kind_display()}, request {case.reference or '-'}: {said}",
    )


def take_export(case: PrivacyCase, actor: str) -> str:
    """The document, for a person who may have it; who took it stands in the audit, and the alert is settled."""
    record(case, "download privacy export", "The export was downloaded.", actor)
    close_alert(case.connection.organization_id, cause_of(case))
    return str(case.export)


def forget_old_exports(now: datetime) -> int:
    """Exports hold what was asked for and nothing else of us does: they go after a while, and with them who asked."""
    old = PrivacyCase.objects.filter(kind=Kind.EXPORT_PERSON, state=State.DONE, done_at__lt=now - EXPORT_KEPT).exclude(summary="Gone.")
    for case in old.select_related("connection"):
        close_alert(case.connection.organization_id, cause_of(case))
    return old.update(export="", wanted="", summary="Gone.")
