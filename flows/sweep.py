"""Every two seconds: whatever the bell, a worker or a crash left lying is picked up."""

from __future__ import annotations

from django.utils import timezone

from audit.services import seal
from flows.bell import ring
from flows.bulk.passing_on import pass_on
from flows.jobs.claim import due_count
from flows.jobs.crashed import release_expired
from flows.leases import periodic
from flows.models import InboundEvent
from flows.privacy.cases import carry_out_waiting
from flows.subscriptions import confirm_handshakes


def sweep() -> int:
    """Release expired leases, seal the audit, pass on what was asked for many records, wake the workers if anything is due, carry out
    privacy requests, finish handshakes. Returns what was due.
    """
    with periodic("sweep", 30) as ours:
        if not ours:
            return 0
        now = timezone.now()
        release_expired(now)
        seal()
        due = due_count(now, 64) + (1 if InboundEvent.objects.filter(state="received").exists() else 0)
        if due:
            ring()
        carry_out_waiting()
        pass_on()
        confirm_handshakes()  # last: it calls platforms, and nothing else shall wait for them
        return due
