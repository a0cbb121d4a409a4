"""The summary of the night's comparisons by mail: daily or weekly, as the organization wants it, sent once for each period."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse
from django.utils import timezone

from audit.models import Outcome
from audit.services import write
from credentials.contacts import contacts_of
from flows.comparisons.results import in_words, kinds_in_words, sums_of
from flows.leases import periodic
from flows.models import Comparison, ComparisonMail, Flow
from flows.reconcile import NIGHT, compare_last_days, proven_flows

log = logging.getLogger(__name__)
Every = ComparisonMail.Every
AFTER = time(4, 0)  # UTC; the night's comparisons begin at 03:10
WAITS = timedelta(hours=2)  # for a comparison that is still under way
LISTED = 10


def period_of(every: str, now: datetime) -> str:
    """The day or the week that a mail of this moment is for: 2026-11-21, 2026-W47."""
    day = now.astimezone(UTC).date()
    return f"{day:%G-W%V}" if every == Every.WEEK else day.isoformat()


def choose(organization_id: int, every: str) -> ComparisonMail:
    """From the next day or week on."""
    fields = {"every": every, "last_period": period_of(every, timezone.now())}
    return ComparisonMail.objects.update_or_create(organization_id=organization_id, defaults=fields)[0]


def mail_comparisons() -> None:
    """Send what is due. A mail server that cannot be reached is tried again with the next beat."""
    with periodic("mail comparisons", 3600) as ours:
        now = timezone.now()
        if not ours or now.astimezone(UTC).time() < AFTER:
            return
        due = ComparisonMail.objects.exclude(every=Every.NEVER).select_related("organization")
        for wish in due:
            if wish.last_period != period_of(wish.every, now):
                _prepare_and_mail(wish, now)


def _prepare_and_mail(wish: ComparisonMail, now: datetime) -> None:
    to = contacts_of(wish.organization_id)
    flows = [flow for flow in proven_flows() if flow.organization_id == wish.organization_id]
    if not to or not flows:
        return
    found = [_of_last_night(flow, now) for flow in flows]
    made = [comparison for comparison in found if comparison is not None]
    if any(one.finished_at is None and now - one.created_at < WAITS for one in made):
        return
    server = mail.get_connection()
    try:
        server.open()
    except (OSError, SMTPException) as problem:
        log.warning("The mail server cannot be reached (%s); the summary will be mailed later.", type(problem).__name__)
        return
    try:
        _mail_once(wish, period_of(wish.every, now), to, made, server)
    finally:
        server.close()


def _of_last_night(flow: Flow, now: datetime) -> Comparison | None:
    """Made now where the night brought none."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    nights = Comparison.objects.filter(flow=flow, asked_by=NIGHT, created_at__gte=today).select_related("flow").order_by("-pk")
    if nights.first() is None:
        compare_last_days(flow)
    return nights.first()


def _mail_once(wish: ComparisonMail, period: str, to: list[str], made: Sequence[Comparison], server: BaseEmailBackend) -> None:
    """Marked before it is sent: neither a second beat nor a crash mails it twice."""
    mine = ComparisonMail.objects.filter(pk=wish.pk, every=wish.every).exclude(last_period=period)
    if not mine.update(last_period=period, mailed_at=timezone.now()):
        return
    subject, body = summary(wish.organization.name, period, made)
    sent = True
    try:
        mail.EmailMessage(subject, body, to=to, connection=server).send()
    except (OSError, SMTPException, ValueError):
        log.exception("The summary of %s could not be mailed.", period)
        sent = False
    write(
        actor=NIGHT,
        action="mail reconciliation",
        outcome=Outcome.DONE if sent else Outcome.FAILED,
        organization_id=wish.organization_id,
        message=f"{subject} {'Mailed' if sent else 'Could not be mailed'} to {', '.join(to)}.",
    )


def summary(name: str, period: str, made: Sequence[Comparison]) -> tuple[str, str]:
    """Subject and text."""
    different = sum(comparison.differing for comparison in made)
    failed = sum(bool(comparison.problem) for comparison in made)
    verdict = f"{different} record{'s differ' if different != 1 else ' differs'}" if different else "everything agrees"
    told = [verdict] if different or failed < len(made) else []
    said = ", ".join([*told, f"{failed} of {len(made)} could not be compared"] if failed else told)
    head = f"{name}, reconciliation {period}: {said}."
    return f"Tillbridge: {head}"[:200].replace("\n", " "), "\n".join([head, "", *_paragraphs(made)])


def _paragraphs(made: Iterable[Comparison]) -> Iterable[str]:
    for comparison in made:
        yield f"{comparison.flow.label} ({comparison.since:%Y-%m-%d} to {comparison.until:%Y-%m-%d} UTC): {in_words(comparison)}"
        for line in sums_of(comparison):
            yield f"  {line.currency}: should be {line.sold}, in the books {line.invoiced}, difference {line.difference}"
        for one in comparison.differences.order_by("pk")[:LISTED]:
            yield f"  {one.number or one.source_id}: {kinds_in_words(one)}. {one.sentence}"
        yield f"  {settings.PUBLIC_URL}{reverse('admin:flows_comparison_change', args=[comparison.pk])}"
        yield ""
