"""Exports: complete, harmless in a spreadsheet, and proven by themselves and against the database."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from audit import triggers
from audit.exporting import archive
from audit.exporting.archive import exported
from audit.exporting.checking import check_export
from audit.models import AuditRecord
from audit.services import AuditEntry, Request, erase, seal, write_many
from audit.verification import verify

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'quoted", "''twice", 'a "b", c\r\nd', "", "plain ä €")


def fill(count: int, organization: int = 1, *, batch: int = 4) -> None:
    write_many(
        AuditEntry(
            actor=FORMULAS[n % len(FORMULAS)] or "worker",
            action="load",
            outcome="done",
            organization_id=organization,
            flow_id=n or None,
            source_id=str(n),
            message=FORMULAS[n % len(FORMULAS)],
            mapping={"fields": [{"target": "é", "n": n}]},
            duration_ms=n % 3 or None,
            evidence={"calls": [{"url": "https://x", "n": n}]},
        )
        for n in range(count)
    )
    seal(batch=batch)


def export(file: Path, kind: str, organization: int = 1) -> Path:
    file.write_bytes(b"".join(exported(AuditRecord.objects.filter(organization_id=organization), kind, {"by": "ada"})))
    return file


def rewritten(file: Path, change: dict[str, Callable[[str], str]]) -> Path:
    """The same archive with some of its members changed."""
    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name).decode() for name in old.namelist()}
    forged = file.with_name("forged.zip")
    with zipfile.ZipFile(forged, "w") as new:
        for name, text in members.items():
            new.writestr(name, change.get(name, str)(text).encode())
    return forged


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_was_exported_is_proven(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "AT_ONCE", 5)  # several queries, one of them exactly full
    fill(13)
    fill(9, organization=2)
    fill(2, batch=50)
    write_many([AuditEntry(actor="ada", action="late", outcome="done", organization_id=1)])
    found = check_export(export(tmp_path / "a.zip", kind))
    assert (found.ok, found.records, found.proven, found.unsealed, found.head) == (True, 16, 15, 1, verify().head), found.sentence
    assert found.sentence == (
        "15 of 16 records are as they were sealed, and the seals are those of the database. "
        "1 had no seal yet and are as the database has them."
    )
    assert check_export(tmp_path / "a.zip", offline=True).ok


@pytest.mark.django_db
def test_a_table_that_no_spreadsheet_reckons_with(tmp_path: Path) -> None:
    fill(len(FORMULAS))
    with zipfile.ZipFile(export(tmp_path / "a.zip", "csv")) as made:
        raw = made.read("records.csv")
        assert "apostrophe" in made.read("README.txt").decode().lower()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert [row["message"] for row in rows][:8] == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "'\rx", "''quoted", "'''twice"]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert check_export(tmp_path / "a.zip").ok


def _second_record(text: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> str:
    lines = text.splitlines()
    changed = change(json.loads(lines[1]))
    lines[1:2] = [] if changed is None else [json.dumps(changed)]
    return "\n".join(lines) + "\n"


FORGERIES: dict[str, tuple[dict[str, Callable[[str], str]], str]] = {
    "message": ({"records.jsonl": lambda t: _second_record(t, lambda r: {**r, "message": "forged"})}, "was changed, or seal"),
    "evidence": ({"records.jsonl": lambda t: _second_record(t, lambda r: {**r, "evidence": {}})}, "the evidence of record"),
    "left out": ({"records.jsonl": lambda t: _second_record(t, lambda r: None)}, "it holds 9 records and was made with 10"),
    "twice": ({"records.jsonl": lambda t: t + t.splitlines()[0] + "\n"}, "is there twice"),
    "seal": ({"records.jsonl": lambda t: _second_record(t, lambda r: {**r, "seal_id": r["seal_id"] + 1})}, "was changed, or seal"),
    "no seal": ({"records.jsonl": lambda t: _second_record(t, lambda r: {**r, "seal_id": None})}, "it holds 10 records"),
    "digests": ({"proof.jsonl": lambda t: t.replace('"digests": ["', '"digests": ["' + "0" * 64 + '", "', 1)}, "the digests of seal"),
    "count": ({"proof.jsonl": lambda t: t.replace('"count": 4', '"count": 5', 1)}, "the figures of seal"),
    "missing seal": ({"proof.jsonl": lambda t: "\n".join(t.splitlines()[:2] + t.splitlines()[3:])}, "does not follow the one before it"),
    "cut": ({"proof.jsonl": lambda t: "\n".join(t.splitlines()[:-1])}, "its proof breaks off"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_export_is_found_without_the_database(tmp_path: Path, name: str) -> None:
    fill(10)
    change, why = FORGERIES[name]
    found = check_export(rewritten(export(tmp_path / "a.zip", "jsonl"), change), offline=True)
    assert not found.ok
    assert why in found.sentence


@pytest.mark.django_db
def test_an_export_of_another_history_fits_only_by_itself(tmp_path: Path) -> None:
    fill(10)
    file = export(tmp_path / "a.zip", "jsonl")
    triggers.drop(connection)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditseal SET chain = %s WHERE id = (SELECT MAX(id) FROM audit_auditseal)", ["0" * 64])
    triggers.install(connection)
    assert check_export(file, offline=True).ok
    assert "is another one in this database" in check_export(file).sentence
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--export", str(file), stdout=out)
    assert "is another one in this database" in out.getvalue()
    call_command("verify_audit", "--export", str(file), "--offline", "--head", check_export(file, offline=True).head, stdout=out)
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--export", str(file), "--offline", "--head", "1" * 64, stdout=out)


@pytest.mark.django_db
def test_an_unsealed_record_that_changed_is_found_by_the_database(tmp_path: Path) -> None:
    write_many([AuditEntry(actor="ada", action="late", outcome="done", organization_id=1, message="true")])
    file = export(tmp_path / "a.zip", "jsonl")
    forged = rewritten(file, {"records.jsonl": lambda text: text.replace('"true"', '"forged"')})
    assert check_export(file).ok
    assert "which had no seal yet, is another one" in check_export(forged).sentence


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_redacted_records_are_proven_by_their_redaction(tmp_path: Path, kind: str) -> None:
    fill(10)
    gone = AuditRecord.objects.filter(organization_id=1).order_by("id")[3]
    erase([gone.pk], Request(actor="privacy", reference="R-1"))
    seal()
    file = export(tmp_path / "a.zip", kind)
    assert check_export(file).ok, check_export(file).sentence
    forged = rewritten(file, {f"records.{kind}": lambda text: text.replace("Redacted on request.", "Nothing was here.")})
    assert f"record {gone.pk} is not what its redaction left" in check_export(forged, offline=True).sentence


@pytest.mark.parametrize("content", [b"", b"not a zip"])
def test_any_file_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(content)
    assert check_export(file, offline=True).sentence.startswith("The file cannot be read as an export")
    assert not check_export(tmp_path / "absent.zip", offline=True).ok
