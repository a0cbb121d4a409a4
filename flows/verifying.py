"""Verifying the whole audit because a person asked for it: a worker does it, one at a time."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from audit.checks import begin_check, carry_out_check, last_check
from audit.console.buttons import Said
from audit.models import AuditCheck
from credentials.access import visible_organizations
from flows.asking import ask_for_check
from flows.leases import periodic

LONGEST = timedelta(hours=1)  # after which one that was never finished is taken for lost


def ask_for_verification(person: User | AnonymousUser) -> Said:
    """A worker walks the chain as soon as it can; the seals' page tells how far it is and what it found."""
    last = last_check()
    if last is not None and last.finished_at is None and not is_stale(last):
        return Said("A verification is under way already; its result will stand here.")
    place = None if person.is_superuser else visible_organizations(person).values_list("pk", flat=True).first()
    check = begin_check(person.get_username(), place)
    if ask_for_check(check.pk):
        return Said("Every seal and every record is being looked at. Load this page again to see how far it is.")
    check.delete()
    return Said("The workers could not be reached: is the broker running? Nothing was asked for; try again.", ok=False)


def verify_asked(check_id: int) -> None:
    """The worker's side."""
    with periodic("verify audit", LONGEST.total_seconds()) as ours:
        if ours:
            carry_out_check(AuditCheck.objects.get(pk=check_id, finished_at=None))


def is_stale(check: AuditCheck | None) -> bool:
    """Whether it was begun so long ago that nobody works on it any more."""
    return check is not None and check.finished_at is None and timezone.now() - check.asked_at > LONGEST
