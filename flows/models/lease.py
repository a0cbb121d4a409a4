"""Leases of periodic work: a second or late beat does no harm."""

from __future__ import annotations

from django.db import models


class PeriodicLease(models.Model):
    """Who may run a named piece of periodic work until when; ran_at is what the watchdog looks at."""

    name = models.CharField(max_length=100, unique=True)
    holder = models.CharField(max_length=60, blank=True)
    held_until = models.DateTimeField()
    ran_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
