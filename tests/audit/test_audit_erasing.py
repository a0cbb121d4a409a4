"""Redaction: a person's data goes, the chain still proves the rest, and nobody can pass a forgery off as a redaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from audit import triggers
from audit.digests import digest_of
from audit.models import AuditRecord
from audit.services import AuditEntry, Erased, Request, erase, prune, seal, verify, write, write_many

pytestmark = pytest.mark.django_db
ON_REQUEST = Request("worker", "DR-17", keep=("tie_out",), people=("customer",))
PROOF = {"invoiced": "20.23", "paid": "20.23"}


@pytest.fixture
def rows() -> list[AuditRecord]:
    """Ten records, sealed; each of them names Ada."""
    made = write_many(
        AuditEntry(
            actor="worker",
            action="create customer",
            outcome="done",
            organization_id=1,
            object_type="customer" if n % 2 else "order",
            source_id=f"email:ada{n}@mail.example" if n % 2 else str(n),
            target_id=f"Ada {n}",
            message=f"Find or create client Ada {n}",
            mapping={"n": n},
            evidence={"calls": [{"received": f"ada{n}@mail.example"}], "tie_out": PROOF},
        )
        for n in range(10)
    )
    assert seal() == 10
    return made


def everything() -> str:
    return str([list(row.values()) for row in AuditRecord.objects.values()])


def test_what_is_erased_and_what_stays(rows: list[AuditRecord]) -> None:
    before = {row.pk: row for row in AuditRecord.objects.all()}
    assert erase([rows[2].pk, rows[3].pk], ON_REQUEST) == Erased(2, 0)
    order, customer = AuditRecord.objects.get(pk=rows[2].pk), AuditRecord.objects.get(pk=rows[3].pk)
    assert (order.message, order.source_id, order.target_id) == ("Redacted on request.", "2", "Ada 2")
    assert (customer.message, customer.source_id, customer.target_id) == ("Redacted on request.", "[redacted]", "[redacted]")
    for row in (order, customer):
        assert row.evidence == {"redacted": {"request": "DR-17", "tie_out": PROOF}}
        old = before[row.pk]
        assert (row.at, row.outcome, row.mapping, row.evidence_digest, row.seal_id) == (
            old.at,
            old.outcome,
            old.mapping,
            old.evidence_digest,
            old.seal_id,
        )
    assert "ada3@" not in everything()
    assert "ada4@" in everything()
    told = AuditRecord.objects.filter(action="audit_redacted").order_by("id")
    assert [(row.actor, row.object_type, row.source_id) for row in told] == [("worker", "audit_record", str(rows[n].pk)) for n in (2, 3)]


def test_the_chain_still_holds_before_and_after_the_redaction_is_sealed(rows: list[AuditRecord]) -> None:
    head = verify().head
    assert erase([row.pk for row in rows[:4]], ON_REQUEST) == Erased(4, 0)
    found = verify(head=head)
    assert (found.ok, found.redacted, found.records, found.unsealed) == (True, 4, 10, 4)
    assert seal() == 4
    found = verify(head=head)
    assert (found.ok, found.redacted, found.records) == (True, 4, 14)
    assert "4 were redacted on request" in found.sentence
    call_command("verify_audit")


def test_it_is_done_once(rows: list[AuditRecord]) -> None:
    assert erase([rows[0].pk], ON_REQUEST) == Erased(1, 0)
    seal()
    assert erase([row.pk for row in AuditRecord.objects.all()], ON_REQUEST) == Erased(9, 0)  # nor are the records of redactions redacted
    assert AuditRecord.objects.filter(action="audit_redacted").count() == 10
    assert verify().ok


def test_what_has_no_seal_or_was_tampered_with_is_left(rows: list[AuditRecord]) -> None:
    unsealed = write(actor="worker", action="x", outcome="done", message="Ada")
    behind_the_back(f"UPDATE audit_auditrecord SET evidence = '{{\"forged\": true}}' WHERE id = {rows[5].pk}")
    assert erase([unsealed.pk, rows[5].pk, rows[6].pk], ON_REQUEST) == Erased(1, 2)
    assert AuditRecord.objects.get(pk=unsealed.pk).message == "Ada"
    assert not verify().ok  # a redaction does not launder what was forged


def behind_the_back(statement: str) -> None:
    triggers.drop(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    triggers.install(connection)


FORGERIES: list[Callable[[int, int], str]] = [
    lambda redacted, _other: f"UPDATE audit_auditrecord SET message = 'Ada' WHERE id = {redacted}",
    lambda redacted, _other: f"UPDATE audit_auditrecord SET outcome = 'failed' WHERE id = {redacted}",
    lambda redacted, _other: f"UPDATE audit_auditrecord SET actor = 'eve' WHERE id = {redacted}",
    lambda redacted, _other: (
        f'UPDATE audit_auditrecord SET evidence = \'{{"redacted": {{"request": "DR-17", "tie_out": {{"paid": "99.00"}}}}}}\''
        f" WHERE id = {redacted}"
    ),
    lambda redacted, _other: f"UPDATE audit_auditrecord SET evidence_digest = '{digest_of({})}' WHERE id = {redacted}",
    lambda _redacted, other: f"UPDATE audit_auditrecord SET message = 'Redacted on request.' WHERE id = {other}",
    lambda _redacted, other: f'UPDATE audit_auditrecord SET evidence = \'{{"redacted": "x"}}\' WHERE id = {other}',
    lambda redacted, _other: f"DELETE FROM audit_auditrecord WHERE action = 'audit_redacted' AND source_id = '{redacted}'",
    lambda redacted, other: (
        f"UPDATE audit_auditrecord SET source_id = '{other}' WHERE action = 'audit_redacted' AND source_id = '{redacted}'"
    ),
    lambda redacted, _other: f"DELETE FROM audit_auditrecord WHERE id = {redacted}",
]


@pytest.mark.parametrize("forgery", FORGERIES, ids=range(len(FORGERIES)))
@pytest.mark.parametrize("sealed", [True, False])
def test_tampering_is_still_detected(rows: list[AuditRecord], forgery: Callable[[int, int], str], sealed: bool) -> None:
    erase([rows[2].pk], ON_REQUEST)
    if sealed:
        seal()
    assert verify().ok
    behind_the_back(forgery(rows[2].pk, rows[7].pk))
    assert not verify().ok


def test_a_second_record_of_a_redaction_does_not_excuse_a_change(rows: list[AuditRecord]) -> None:
    """Records can be appended by whoever has the database; they excuse nothing that does not follow from what was sealed."""
    erase([rows[2].pk], ON_REQUEST)
    seal()
    write(
        actor="worker", action="audit_redacted", outcome="done", object_type="audit_record", source_id=str(rows[2].pk),
        mapping={"before": "0" * 64, "after": "1" * 64},
    )  # fmt: skip
    assert not verify().ok


def test_pruning_takes_both_in_their_turn(rows: list[AuditRecord]) -> None:
    erase([rows[2].pk], ON_REQUEST)
    seal()
    assert prune(timezone.now() + timedelta(days=1), at_most=1).records == 10
    assert verify().ok
    assert prune(timezone.now() + timedelta(days=1)).records == 1
    seal()
    found: Any = verify()
    assert (found.ok, found.redacted) == (True, 0)
