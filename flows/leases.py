"""Periodic work is held by a lease in the database, so that a second or late beat does no harm."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from flows.models import PeriodicLease


@contextmanager
def in_turn(name: str, seconds: float) -> Iterator[None]:
    """For what several may do, but not at the same time: waits for the named lease, at most as long as anybody may hold it."""
    patience = time.monotonic() + seconds
    while True:
        with periodic(name, seconds) as ours:
            if ours or time.monotonic() > patience:
                yield
                return
        time.sleep(0.1)


@contextmanager
def periodic(name: str, seconds: float) -> Iterator[bool]:
    """True while we hold the named lease (for at most so many seconds), False when somebody else does."""
    now, holder = timezone.now(), secrets.token_hex(16)
    PeriodicLease.objects.bulk_create([PeriodicLease(name=name, held_until=now)], ignore_conflicts=True)
    free = PeriodicLease.objects.filter(Q(held_until__lte=now) | Q(holder=""), name=name)
    if not free.update(holder=holder, held_until=now + timedelta(seconds=seconds)):
        yield False
        return
    ours = PeriodicLease.objects.filter(name=name, holder=holder)
    try:
        yield True
        ours.update(ran_at=timezone.now())  # only what went well counts as having run: the watchdog looks at it
    finally:
        ours.update(holder="", held_until=timezone.now())
