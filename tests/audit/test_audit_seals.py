"""Seals: every change is found, concurrent writers lose nothing, pruning stays provable."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from audit import triggers
from audit.models import AuditRecord, AuditSeal
from audit.services import AuditEntry, prune, seal, verify, write, write_many
from flows.upkeep import prune_old

OLD = datetime(2020, 1, 1, tzinfo=UTC)


def fill(count: int, *, batch: int = 10, now: datetime | None = None) -> None:
    write_many(
        AuditEntry(
            actor="worker",
            action="load",
            outcome="done",
            organization_id=n % 3,
            flow_id=n % 5,
            source_id=str(n),
            message=f"order {n}",
            mapping={"n": n},
            duration_ms=n,
            evidence={"n": n, "rows": [n, str(n), None]},
        )
        for n in range(count)
    )
    seal(batch=batch, now=now)


@pytest.mark.django_db
def test_an_empty_audit_holds() -> None:
    found = verify()
    assert (found.ok, found.seals, found.records, found.head) == (True, 0, 0, "")


@pytest.mark.django_db
def test_seals_chain_and_hold() -> None:
    fill(35)
    chain = list(AuditSeal.objects.order_by("id").values_list("previous", "chain", "count"))
    assert [count for _, _, count in chain] == [10, 10, 10, 5]
    assert [previous for previous, _, _ in chain[1:]] == [value for _, value, _ in chain[:-1]]
    write(actor="ada", action="x", outcome="noted")
    found = verify()
    assert (found.ok, found.seals, found.records, found.unsealed, found.redacted) == (True, 4, 35, 1, 0)
    assert found.head == chain[-1][1]
    assert seal() == 1
    assert seal() == 0


MUTATIONS = 200


def run(statement: str, values: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1, statement


def mutate(choice: random.Random) -> str:
    """One change to one sealed record or seal; returns what was done."""
    ids = list(AuditRecord.objects.exclude(seal=None).values_list("id", flat=True))
    record = AuditRecord.objects.get(pk=choice.choice(ids))
    seals = list(AuditSeal.objects.order_by("id"))
    chosen = choice.choice(seals)
    other = choice.choice([item for item in seals if item.pk != record.seal_id])
    text = f"forged {choice.random()}"
    edits: dict[str, Any] = {
        "at": record.at + timedelta(microseconds=choice.randint(1, 10**9)),
        "organization_id": (record.organization_id or 0) + 1,
        "connection_id": 5,
        "connection_label": text,
        "flow_id": None,
        "job_id": 8,
        "event_id": 8,
        "actor": text,
        "action": text,
        "object_type": text[:30],
        "source_id": text,
        "target_id": text,
        "outcome": "failed",
        "message": "",
        "mapping": {"n": text},
        "duration_ms": None if record.duration_ms else 7,
        "evidence": {"n": text},
        "evidence_digest": "0" * 64,
        "seal": None,
        "other seal": other,
    }
    kind = choice.choice([*edits, "delete", "insert", "swap", "seal edit", "seal delete", "seal pruned", "seal emptied"])
    if kind == "other seal":
        AuditRecord.objects.filter(pk=record.pk).update(seal=other)
    elif kind in edits:
        AuditRecord.objects.filter(pk=record.pk).update(**{kind: edits[kind]})
    elif kind == "delete":
        run("DELETE FROM audit_auditrecord WHERE id = %s", [record.pk])
    elif kind == "insert":
        record.pk = max(ids) + 1000
        record.save(force_insert=True)
    elif kind == "swap":
        twin = AuditRecord.objects.get(pk=choice.choice([item for item in ids if item != record.pk]))
        AuditRecord.objects.filter(pk=record.pk).update(source_id=twin.source_id, message=twin.message)
        AuditRecord.objects.filter(pk=twin.pk).update(source_id=record.source_id, message=record.message)
    elif kind == "seal edit":
        column = choice.choice(["previous", "digest", "chain", "first_record", "last_record", "count", "sealed_at"])
        value = {"previous": text, "digest": text, "chain": text, "sealed_at": OLD}.get(column, 77777)
        AuditSeal.objects.filter(pk=chosen.pk).update(**{column: value})
        kind += f" {column}"
    elif kind == "seal delete":
        chosen = choice.choice(seals[:-1])  # the last one needs a saved head, see below
        AuditRecord.objects.filter(seal=chosen).update(seal=None)
        run("DELETE FROM audit_auditseal WHERE id = %s", [chosen.pk])
    elif kind in ("seal pruned", "seal emptied"):
        AuditSeal.objects.filter(pk=chosen.pk).update(pruned_at=timezone.now())
        if kind == "seal emptied":
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM audit_auditrecord WHERE seal_id = %s", [chosen.pk])
    return kind


@pytest.mark.django_db
def test_every_single_change_is_found() -> None:
    fill(60)
    prune_older_than_nothing = prune(OLD)
    assert prune_older_than_nothing.seals == 0
    assert verify().ok
    triggers.drop(connection)
    choice = random.Random(20261121)
    missed, kinds = [], set()
    for _ in range(MUTATIONS):
        mark = transaction.savepoint()
        kind = mutate(choice)
        kinds.add(kind)
        found = verify()
        if found.ok or found.first_broken is None:
            missed.append(kind)
        transaction.savepoint_rollback(mark)
    assert missed == []
    assert len(kinds) > 25
    assert verify().ok


@pytest.mark.django_db
def test_the_first_broken_seal_is_named() -> None:
    fill(50)
    seals = list(AuditSeal.objects.order_by("id"))
    triggers.drop(connection)
    AuditRecord.objects.filter(seal=seals[2]).update(message="forged")
    AuditRecord.objects.filter(seal=seals[4]).update(message="forged")
    triggers.install(connection)
    found = verify()
    assert (found.ok, found.first_broken, found.seals) == (False, seals[2].pk, 2)
    assert found.sentence.startswith(f"Seal {seals[2].pk} is broken: one of its 10 records")
    out = StringIO()
    with pytest.raises(SystemExit) as stop:
        call_command("verify_audit", "--json", stdout=out)
    assert stop.value.code == 1
    told = json.loads(out.getvalue())
    assert (told["ok"], told["first_broken"], told["missing_triggers"]) == (False, seals[2].pk, [])


@pytest.mark.django_db
def test_a_cut_off_tail_is_found_by_a_saved_head() -> None:
    fill(30)
    head = verify().head
    call_command("verify_audit", "--head", head, stdout=StringIO())
    last = AuditSeal.objects.order_by("-id")[0]
    triggers.drop(connection)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditrecord WHERE seal_id = %s", [last.pk])
        cursor.execute("DELETE FROM audit_auditseal WHERE id = %s", [last.pk])
    triggers.install(connection)
    assert verify().ok  # by itself the shorter chain is a good chain
    found = verify(head=head)
    assert not found.ok
    assert "cut off" in found.sentence
    with pytest.raises(SystemExit) as stop:
        call_command("verify_audit", "--head", head, stdout=StringIO())
    assert stop.value.code == 1


@pytest.mark.django_db
def test_blanked_evidence_without_a_record_of_it_is_a_broken_seal() -> None:
    fill(10)
    record = AuditRecord.objects.all()[3]
    triggers.drop(connection)
    AuditRecord.objects.filter(pk=record.pk).update(evidence={"redacted": "shop/redact"})
    triggers.install(connection)
    found = verify()
    assert (found.ok, found.first_broken, found.redacted) == (False, record.seal_id, 0)


@pytest.mark.django_db
def test_pruning_keeps_the_chain_and_leaves_a_record() -> None:
    fill(30, now=timezone.now() - timedelta(days=400))
    fill(20, now=timezone.now() - timedelta(days=3))
    first = list(AuditSeal.objects.order_by("id").values_list("id", flat=True))
    gone = prune(timezone.now() - timedelta(days=100), actor="ada")
    assert (gone.seals, gone.records) == (3, 30)
    told = AuditRecord.objects.get(action="audit_pruned")
    assert (told.actor, told.source_id, told.target_id, told.outcome) == ("ada", str(first[0]), str(first[2]), "done")
    seal()
    found = verify()
    assert (found.ok, found.seals, found.pruned, found.records) == (True, 6, 3, 21)
    assert prune(timezone.now() - timedelta(days=100)).seals == 0
    call_command("prune_audit", "--days", "1", stdout=(out := StringIO()))
    assert out.getvalue() == "20 records of 2 seals older than 1 days were deleted.\n"
    assert verify().ok


def guarded(work: Callable[[], None], failures: list[BaseException]) -> None:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - a failure in a thread must fail the test
        failures.append(error)
    finally:
        connection.close()


def write_forty() -> None:
    for n in range(40):
        with transaction.atomic():
            write(actor="worker", action="load", outcome="done", source_id=str(n))
            if n % 7 == 0:
                transaction.set_rollback(True)


def seal_until(stop: threading.Event) -> None:
    while not stop.is_set():
        seal(batch=9)


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_and_sealers_lose_nothing() -> None:
    stop = threading.Event()
    failures: list[BaseException] = []
    writers = [threading.Thread(target=guarded, args=(write_forty, failures)) for _ in range(4)]
    sealers = [threading.Thread(target=guarded, args=(lambda: seal_until(stop), failures)) for _ in range(2)]
    for thread in writers + sealers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in sealers:
        thread.join()
    seal(batch=9)
    found = verify()
    assert failures == []
    assert (found.ok, found.records, found.unsealed) == (True, 4 * 34, 0)


@pytest.mark.django_db
def test_a_days_upkeep_deletes_all_that_is_past_its_time() -> None:
    """Every sweep may make a seal: a busy day has more of them than one transaction takes."""
    old = timezone.now() - timedelta(days=100)
    AuditSeal.objects.bulk_create(
        AuditSeal(previous=f"p{n}", digest="", chain=f"c{n}", first_record=n, last_record=n, count=1, sealed_at=old) for n in range(450)
    )
    prune_old(7, 99)
    assert not AuditSeal.objects.filter(pruned_at=None).exists()
