"""Deletes old records by whole seals; the seals stay, so that the chain can still be proved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audit.models import AuditRecord, AuditSeal, Outcome
from audit.verification import PRUNED
from audit.writing import write


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much went."""

    seals: int
    records: int


def prune(before: datetime, *, actor: str = "prune_audit", at_most: int = 200) -> Pruned:
    """Delete the records of the oldest seals that were made before this time, at most so many seals; call again until none went.

    Always from the beginning of the chain, and each pruning leaves an audit record that names the last seal pruned so far.
    """
    with transaction.atomic():
        oldest = AuditSeal.objects.filter(pruned_at=None).order_by("id").values_list("id", "sealed_at")[:at_most]
        seals: list[int] = []
        for seal, sealed_at in oldest:
            if sealed_at >= before:
                break
            seals.append(seal)
        if not seals:
            return Pruned(0, 0)
        AuditSeal.objects.filter(pk__in=seals).update(pruned_at=timezone.now())
        records, _ = AuditRecord.objects.filter(seal__in=seals).delete()
        write(
            actor=actor,
            action=PRUNED,
            outcome=Outcome.DONE,
            object_type="seal",
            source_id=str(seals[0]),
            target_id=str(seals[-1]),
            message=f"{records} records of {len(seals)} seals, all older than {before:%Y-%m-%d %H:%M} UTC, were deleted.",
        )
        return Pruned(len(seals), records)
