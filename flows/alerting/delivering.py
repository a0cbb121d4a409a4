"""Carrying out what is planned, with patience: each try is on its row before it begins, and what failed is tried again for three days."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from time import monotonic

from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.console.buttons import Said
from audit.models import Alert
from flows.alerting.planning import plan_deliveries, trouble_cause
from flows.alerting.sending import Result, send
from flows.alerting.wording import about_nothing
from flows.inbox.complaints import close_quiet_complaints
from flows.jobs.finish import back_off
from flows.leases import periodic
from flows.models import AlertDelivery, AlertTarget

Kind, State = AlertDelivery.Kind, AlertDelivery.State
AT_ONCE = 100  # deliveries in one go
TROUBLE = 3  # failed tries after which the others hear of it
HELD = 300.0  # seconds that one go may take before another may begin
ENOUGH = 100.0  # seconds after which a go begins no further telling: one that drips may still take three minutes
SLOW = 5.0  # seconds of one telling after which its target waits for the next go, so that the others hear in time


def tell_alerts() -> None:
    """Close what has ended by itself, plan, send. One process at a time."""
    with periodic("tell alerts", HELD) as ours:
        if ours:
            close_quiet_complaints(timezone.now())
            plan_deliveries(timezone.now())
            deliver_due(timezone.now())


def deliver_due(now: datetime) -> int:
    """Send what is due; how many arrived. A target that fails is left alone until its next turn."""
    _find_interrupted()
    due = AlertDelivery.objects.filter(state=State.WAITING, next_at__lte=now, target__enabled=True)
    sent, resting, began = 0, set[int](), monotonic()
    for delivery in due.select_related("target__organization", "alert").order_by("id")[:AT_ONCE]:
        if delivery.target_id in resting:
            continue
        at = monotonic()
        if at - began > ENOUGH:
            break
        if _is_over(delivery):
            _note(delivery, Result(False, "It ended before it was told."), State.DROPPED, now)
        elif _deliver(delivery):
            sent += 1
        else:
            resting.add(delivery.target_id)
        if monotonic() - at > SLOW:
            resting.add(delivery.target_id)
    return sent


def send_test(target: AlertTarget, person: str) -> Said:
    """A real message, now; the person sees what was answered."""
    now = timezone.now()
    key = f"test-{secrets.token_hex(8)}-{target.pk}"
    content = about_nothing(target, person)
    row = AlertDelivery.objects.create(
        target=target,
        kind=Kind.TEST,
        key=key,
        content=content,
        state=State.SENDING,
        attempts=1,
        next_at=now + timedelta(days=365),
        created_at=now,
    )
    result = send(target, content, key, now)
    _note(row, result, State.SENT if result.sent else State.FAILED, now)
    return Said(f"{target}: {result.answer}", ok=result.sent)


def send_again(target: AlertTarget, _person: str) -> Said:
    """What waits or was given up is tried at once, with the same keys."""
    rows = AlertDelivery.objects.filter(target=target, state__in=[State.WAITING, State.FAILED]).exclude(kind=Kind.TEST)
    count = rows.update(state=State.WAITING, next_at=timezone.now(), attempts=0)
    return Said(f"{count} message{'' if count == 1 else 's'} will be sent within a minute.")


def _find_interrupted() -> None:
    """Nobody else sends at this moment: what stands as being sent was cut off. A webhook tells a repeat by its key, the others do not."""
    cut = AlertDelivery.objects.filter(state=State.SENDING).exclude(kind=Kind.TEST)
    cut.filter(target__kind=AlertTarget.Kind.WEBHOOK).update(state=State.WAITING)
    cut.filter(state=State.SENDING).update(state=State.UNCLEAR, answer="We were cut off while sending; it may have arrived.")


def _is_over(delivery: AlertDelivery) -> bool:
    """Whether its alert ended before anybody tried to tell of it."""
    return delivery.kind == Kind.OPENED and delivery.alert is not None and delivery.alert.closed_at is not None and not delivery.attempts


def _deliver(delivery: AlertDelivery) -> bool:
    now = timezone.now()
    waiting = AlertDelivery.objects.filter(pk=delivery.pk, state=State.WAITING)
    if not waiting.update(state=State.SENDING, attempts=delivery.attempts + 1):
        return False
    delivery.attempts += 1
    result = send(delivery.target, delivery.content, delivery.key, now)
    if result.sent or result.unclear:
        _note(delivery, result, State.SENT if result.sent else State.UNCLEAR, now)
        close_alert(delivery.target.organization_id, trouble_cause(delivery.target))
        return True
    wait = back_off(delivery.attempts)
    state = State.FAILED if wait is None else State.WAITING
    _note(delivery, result, state, now + timedelta(seconds=max(wait or 0.0, min(result.retry_after or 0.0, 86400.0))))
    if delivery.attempts >= TROUBLE:
        _complain(delivery.target, result)
    return False


def _note(delivery: AlertDelivery, result: Result, state: str, at: datetime) -> None:
    row = AlertDelivery.objects.filter(pk=delivery.pk)
    sent_at = timezone.now() if state == State.SENT else None
    row.update(state=state, answer=result.answer[:400], next_at=at, sent_at=sent_at)


def _complain(target: AlertTarget, result: Result) -> None:
    open_alert(
        target.organization_id,
        trouble_cause(target),
        f'Alerts do not reach "{target}": {result.answer} What waits is sent as soon as it can be; send a test from its page.',
        Alert.Severity.WARNING,
    )


def forget_contents(alerts: QuerySet[Alert]) -> int:
    """What targets were told of these alerts, and every digest of their organizations, is blanked: a person's data may stand in it."""
    ids, organizations = (list(alerts.values_list(name, flat=True)) for name in ("pk", "organization_id"))
    about = Q(alert__in=ids) | Q(kind=Kind.DIGEST, target__organization__in=organizations)
    told = AlertDelivery.objects.filter(about).exclude(content={})
    told.filter(state=State.WAITING).update(state=State.DROPPED)
    return told.update(content={}, answer="")


def forget_old(before: datetime) -> int:
    """Rows that nobody needs any more: their alert has ended long ago, or they never were about one."""
    over = Q(alert=None) | Q(alert__closed_at__lt=before)
    old: Iterable[int] = AlertDelivery.objects.filter(over, created_at__lt=before).exclude(state=State.WAITING).values_list("pk", flat=True)
    return AlertDelivery.objects.filter(pk__in=list(old)[:10_000]).delete()[0]
