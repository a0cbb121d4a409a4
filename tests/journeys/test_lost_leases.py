"""Leases of real workers: one that was paused past its lease writes nothing more, and a job that kills its worker is set aside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.effects import LEFT_OUT, assert_exactly_once
from tests.journeys.traffic import follow, open_for_business, place
from tests.journeys.world import World, services_answer, world

pytestmark = [pytest.mark.journey, pytest.mark.slow]

LEASES = {"LEASE_SECONDS": "3", "HEARTBEAT_SECONDS": "1", "SWEEP_SECONDS": "1", "WORKER_THREADS": "8"}


@pytest.fixture
def shop_world(tmp_path: Path) -> Iterator[World]:
    """Few threads: between the last look at the clock and the system call lies one wait for the interpreter's lock, which dozens
    of busy threads stretch to milliseconds. No look of ours can close that; for invoices the ledger's refusal of a second number does.
    """
    (tmp_path / "crashes").mkdir()
    with world(tmp_path, services=services_answer(), environ={**LEASES, "CRASH_DIR": str(tmp_path / "crashes")}) as made:
        open_for_business(made, settle_seconds=2)
        yield made


def writes(made: World) -> list[tuple[str, str]]:
    return [(call["method"], call["path"]) for call in made.ledger("requests") if call["method"] != "GET"]


@pytest.mark.skipif(not services_answer(), reason="SQLite has one writer: a process stopped inside a transaction stops them all")
def test_a_worker_paused_past_its_lease_writes_nothing_more(shop_world: World) -> None:
    made = shop_world
    made.ledger("latency", seconds=0.2)
    orders = place(made, 60, seed=61)
    made.wait("in the middle of it", lambda: len(made.ledger("books")["invoices"]) >= 5, 30)
    made.pause("worker")
    held = made.query("SELECT COUNT(*) FROM flows_syncjob WHERE state = 'running'")[0][0]
    assert held >= 4
    made.start("worker2")
    follow(made, orders, 120)
    before = writes(made)
    made.resume("worker")
    time.sleep(3)
    assert writes(made) == before
    assert made.running["worker"].exit_code is None
    assert "was taken over by another worker" in "\n".join(made.lines)
    assert_exactly_once(made, orders)
    more = place(made, 10, seed=62)  # and it is fit for work again
    made.kill("worker2")
    follow(made, more, 90)
    assert_exactly_once(made, [*orders, *more])


def test_a_job_that_kills_its_worker_three_times_is_set_aside(shop_world: World) -> None:
    made = shop_world
    for n in (1, 2, 3):
        (made.directory / "crashes" / f"after_claim.{n}").touch()
    (order,) = place(made, 1, seed=63)

    def parked() -> bool:
        return made.query("SELECT COUNT(*) FROM flows_syncjob WHERE state = 'dead'") == [(1,)]

    made.wait("set aside", parked, 90, tend=("worker",))
    assert list((made.directory / "crashes").iterdir()) == []
    assert writes(made) == []
    assert made.ledger("books")["invoices"] == []
    sentence = "The worker died three times while working on this; it was set aside. Look at the evidence, then retry."
    assert made.query("SELECT crashes, reason, source_id FROM flows_syncjob WHERE state <> 'superseded'") == [(3, sentence, order["id"])]
    assert made.query("SELECT outcome, reason FROM flows_syncrecord") == [("failed", sentence)]
    assert [row[0].endswith(sentence) for row in made.query("SELECT message FROM audit_alert WHERE closed_at IS NULL")] == [True]
    others = place(made, 5, seed=64)
    booked = {other["number"] for other in others if other["status"] not in LEFT_OUT}
    made.wait("the others booked", lambda: len(made.ledger("books")["invoices"]) == len(booked) and len(made.unfinished()) == 1, 30)
    assert {invoice["number"] for invoice in made.ledger("books")["invoices"]} == booked
