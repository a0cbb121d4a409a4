"""A verification that a person asks for: a row that tells how far it has come, done by a worker, and its result on record."""

from __future__ import annotations

from django.utils import timezone

from audit.models import AuditCheck, AuditSeal, Outcome
from audit.verification import verify
from audit.writing import write

TOLD_EVERY = 50  # seals


def begin_check(actor: str, organization_id: int | None) -> AuditCheck:
    """The row for a worker to fill."""
    return AuditCheck.objects.create(
        asked_at=timezone.now(), asked_by=actor, organization_id=organization_id, of_seals=AuditSeal.objects.count()
    )


def last_check() -> AuditCheck | None:
    """The newest one, finished or not."""
    return AuditCheck.objects.order_by("-id").first()


def carry_out_check(check: AuditCheck) -> None:
    """Walk the whole chain and write down what was found: in the row, and in the audit in the name of whoever asked."""
    row = AuditCheck.objects.filter(pk=check.pk)

    def told(seals: int) -> None:
        if seals % TOLD_EVERY == 0:
            row.update(seals=seals)

    found = verify(told=told)
    row.update(
        seals=found.seals,
        last_good=found.last_good,
        first_broken=found.first_broken,
        ok=found.ok,
        sentence=found.sentence,
        head=found.head,
        finished_at=timezone.now(),
    )
    write(
        actor=check.asked_by,
        action="verify audit",
        outcome=Outcome.DONE if found.ok else Outcome.FAILED,
        organization_id=check.organization_id,
        object_type="auditseal",
        source_id=str(found.first_broken or found.last_good or ""),
        message=found.sentence,
        evidence={"head": found.head, "seals": found.seals, "records": found.records},
    )
