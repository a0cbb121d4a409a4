"""The database itself refuses to change the audit."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit import triggers
from audit.models import AuditRecord, AuditSeal
from audit.services import prune, seal, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def records() -> list[AuditRecord]:
    return [write(actor="worker", action="load", outcome="done", source_id=str(n), evidence={"n": n}) for n in range(4)]


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


RECORD_CHANGES = [
    "at = '2020-01-01 00:00:00+00:00'",
    "organization_id = 9",
    "connection_id = 9",
    "connection_label = 'x'",
    "flow_id = 9",
    "job_id = 9",
    "event_id = 9",
    "actor = 'x'",
    "action = 'x'",
    "object_type = 'x'",
    "source_id = 'x'",
    "target_id = 'x'",
    "outcome = 'x'",
    "message = 'x'",
    "mapping = '{\"a\": 1}'",
    "duration_ms = 9",
    "evidence = '{}'",
    'evidence = \'{"redacted": 1, "more": 2}\'',
    "evidence_digest = 'x'",
    "id = 99999",
]


@pytest.mark.parametrize("change", RECORD_CHANGES)
def test_no_column_of_a_record_may_change(records: list[AuditRecord], change: str) -> None:
    before = list(AuditRecord.objects.order_by("id").values())
    refused(f"UPDATE audit_auditrecord SET {change} WHERE id = {records[1].pk}")
    assert list(AuditRecord.objects.order_by("id").values()) == before


def test_a_record_gets_its_seal_once_and_keeps_it(records: list[AuditRecord]) -> None:
    assert seal() == 4
    refused(f"UPDATE audit_auditrecord SET seal_id = NULL WHERE id = {records[0].pk}")
    refused(f"DELETE FROM audit_auditrecord WHERE id = {records[0].pk}")
    assert AuditRecord.objects.filter(seal=AuditSeal.objects.get()).count() == 4


def test_unsealed_records_cannot_be_deleted(records: list[AuditRecord]) -> None:
    refused("DELETE FROM audit_auditrecord")
    assert AuditRecord.objects.count() == 4


def test_nothing_is_slipped_into_a_seal(records: list[AuditRecord]) -> None:
    seal()
    values = AuditRecord.objects.first()
    assert values is not None
    values.pk = None
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        values.save(force_insert=True)
    assert AuditRecord.objects.count() == 4


BLANKED = 'evidence = \'{"redacted": "on request"}\''


def test_evidence_may_be_blanked_only_where_that_is_recorded(records: list[AuditRecord]) -> None:
    refused(f"UPDATE audit_auditrecord SET {BLANKED} WHERE id = {records[0].pk}")
    seal()
    refused(f"UPDATE audit_auditrecord SET {BLANKED} WHERE id = {records[0].pk}")
    write(actor="ada", action="audit_redacted", outcome="done", object_type="audit_record", source_id=str(records[0].pk))
    refused(f"UPDATE audit_auditrecord SET {BLANKED} WHERE id = {records[1].pk}")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE audit_auditrecord SET {BLANKED} WHERE id = {records[0].pk}")
    assert AuditRecord.objects.get(pk=records[0].pk).evidence == {"redacted": "on request"}


@pytest.mark.parametrize("change", RECORD_CHANGES)
def test_a_recorded_redaction_opens_nothing_else(records: list[AuditRecord], change: str) -> None:
    seal()
    write(actor="ada", action="audit_redacted", outcome="done", object_type="audit_record", source_id=str(records[1].pk))
    before = list(AuditRecord.objects.order_by("id").values())
    refused(f"UPDATE audit_auditrecord SET {change} WHERE id = {records[1].pk}")
    if not change.startswith("message"):
        refused(f"UPDATE audit_auditrecord SET message = 'Redacted on request.', {change} WHERE id = {records[1].pk}")
    assert list(AuditRecord.objects.order_by("id").values()) == before


@pytest.mark.parametrize("change", ["previous = 'x'", "digest = 'x'", "chain = 'x'", "count = 9", "first_record = 9", "last_record = 9"])
def test_no_figure_of_a_seal_may_change(records: list[AuditRecord], change: str) -> None:
    seal()
    refused(f"UPDATE audit_auditseal SET {change}")
    refused(f"UPDATE audit_auditseal SET pruned_at = '2026-01-01 00:00:00+00:00', {change}")


def test_seals_stay_for_ever(records: list[AuditRecord]) -> None:
    seal(now=timezone.now() - timedelta(days=2))
    refused("DELETE FROM audit_auditseal")
    assert prune(timezone.now() - timedelta(days=1)).records == 4
    refused("UPDATE audit_auditseal SET pruned_at = NULL")
    refused("DELETE FROM audit_auditseal")
    assert AuditSeal.objects.count() == 1


def test_truncating_is_refused(records: list[AuditRecord]) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL can truncate")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # PostgreSQL truncates no table with pending checks
    refused("TRUNCATE audit_auditrecord")
    refused("TRUNCATE audit_auditseal CASCADE")
    assert AuditRecord.objects.count() == 4


def test_missing_triggers_are_told() -> None:
    assert triggers.missing(connection) == ()
    triggers.drop(connection)
    assert set(triggers.NAMES) <= set(triggers.missing(connection))
    out = StringIO()
    with pytest.raises(SystemExit) as stop:
        call_command("verify_audit", stdout=out)
    assert stop.value.code == 1
    assert "does not guard the audit: audit_record_insert" in out.getvalue()
    triggers.install(connection)
    assert triggers.missing(connection) == ()
