"""Deletes audit records that are older than they have to be kept."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.services import prune


class Command(BaseCommand):
    help = "Delete audit records older than RETENTION_DAYS_AUDIT, by whole seals; the seals stay and can still be proved."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=settings.RETENTION_DAYS_AUDIT, help="Keep this many days.")

    def handle(self, *_args: Any, days: int, **_options: Any) -> None:
        if days < 1:
            raise CommandError("--days must be at least 1.")
        before = timezone.now() - timedelta(days=days)
        seals = records = 0
        while (gone := prune(before)).seals:
            seals, records = seals + gone.seals, records + gone.records
        self.stdout.write(f"{records} records of {seals} seals older than {days} days were deleted.")
