"""What runs at fixed times for every organization, in words: the comparison of both sides, its mail, the check of webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django_celery_beat.models import PeriodicTask

from flows.listening.words import in_words, next_run
from flows.models import PeriodicLease

# Beat entry: what it does, and the lease that tells when it last went well.
_TOLD = {
    "reconcile": ("Both sides are compared", "reconcile"),
    "mail comparisons": ("The result is mailed to those who want it", "mail comparisons"),
    "check subscriptions": ("Webhook registrations are checked", "subscriptions"),
    "upkeep": ("Access is renewed, old deliveries are cleared", "upkeep"),
}


@dataclass(frozen=True, slots=True)
class Routine:
    """One of them."""

    what: str
    words: str
    last: datetime | None
    next: datetime | None


def routines(now: datetime) -> list[Routine]:
    """Two queries; what beat has not heard of yet is left out."""
    entries = {one.name: one for one in PeriodicTask.objects.filter(name__in=_TOLD).select_related("interval", "crontab")}
    leases = dict(PeriodicLease.objects.filter(name__in=[lease for _, lease in _TOLD.values()]).values_list("name", "ran_at"))
    known = [(entries[name], what, leases.get(lease)) for name, (what, lease) in _TOLD.items() if name in entries]
    return [Routine(what, in_words(entry), last, next_run(entry, last, now)) for entry, what, last in known]
