"""Daily and minutely housekeeping: retention and mail."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from audit.alerts import mail_alerts
from audit.services import prune
from credentials.idle import refresh_idle
from credentials.models import Organization
from flows.inbox.complaints import close_quiet_complaints
from flows.leases import periodic
from flows.models import InboundEvent
from flows.privacy.cases import forget_old_exports


def contacts_of(organization_id: int) -> list[str]:
    """The addresses that an organization's alerts go to."""
    return addresses_in(Organization.objects.filter(pk=organization_id).values_list("contacts", flat=True).first() or "")


def addresses_in(text: str) -> list[str]:
    """The addresses in an organization's contacts."""
    return [line.strip() for line in text.replace(",", "\n").splitlines() if "@" in line]


def mail_open_alerts() -> None:
    """Close what has ended by itself, then mail each open alert once."""
    with periodic("mail alerts", 300) as ours:
        if ours:
            close_quiet_complaints(timezone.now())
            mail_alerts(contacts_of)


def keep_access_alive() -> None:
    """Renew the access of connections that nobody used for a week, before it runs out."""
    with periodic("idle access", 3000) as ours:
        if ours:
            refresh_idle(timezone.now())


def prune_old(events_days: int, audit_days: int) -> None:
    """Raw bodies and sealed audit batches past their time go; what waits or is unsealed stays."""
    with periodic("upkeep", 3000) as ours:
        if not ours:
            return
        now = timezone.now()
        old = (
            InboundEvent.objects.exclude(state=InboundEvent.State.RECEIVED)
            .filter(received_at__lt=now - timedelta(days=events_days))
            .exclude(body=b"")
        )
        old.update(body=b"")  # the dedupe keys stay for ever
        prune(now - timedelta(days=audit_days))
        forget_old_exports(now)
