"""Seals records in the background: each seal covers a batch and is chained to the seal before it.

Records are inserted plainly by the business transaction and sealed afterwards, because chaining inside it costs three times as much
(measured: 1,372 against 441 microseconds a record).
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from audit.digests import COVERED, GENESIS, batch_digest, chain_value, record_digest
from audit.models import AuditRecord, AuditSeal


def seal(*, batch: int = 500, at_most: int = 40, now: datetime | None = None) -> int:
    """Seal what is committed and unsealed, oldest id first; returns how many records got a seal.

    A record with a lower id that commits later simply gets into a later seal: the chain follows the seals, not the ids.
    """
    sealed = 0
    for _ in range(at_most):
        count = _seal_batch(batch, now or timezone.now())
        sealed += count
        if count < batch:
            break
    return sealed


@transaction.atomic
def _seal_batch(batch: int, now: datetime) -> int:
    _only_sealer()
    records = list(AuditRecord.objects.filter(seal=None).order_by("id").values_list(*COVERED)[:batch])
    if not records:
        return 0
    previous = AuditSeal.objects.order_by("-id").values_list("chain", flat=True).first() or GENESIS
    digest, count = batch_digest(map(record_digest, records))
    ids = [values[0] for values in records]
    made = AuditSeal.objects.create(
        previous=previous,
        digest=digest,
        chain=chain_value(previous, digest, ids[0], ids[-1], count, now),
        first_record=ids[0],
        last_record=ids[-1],
        count=count,
        sealed_at=now,
    )
    AuditRecord.objects.filter(pk__in=ids, seal=None).update(seal=made)
    return count


def _only_sealer() -> None:
    """One sealer at a time. SQLite's transactions are IMMEDIATE already (settings), and the unique `previous` stops a fork anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE audit_auditseal IN SHARE ROW EXCLUSIVE MODE")
