"""A worker that is killed between what it does at the payment service or in the books and its note of that: still everything once."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_killed_workers import LEASES, WORKERS, kill_at
from tests.journeys.traffic import RETRY_PARKED, SUBSCRIBE, tell
from tests.journeys.world import World, provision, services_answer, world

pytestmark = [pytest.mark.journey, pytest.mark.slow]

FLOW = '[[flows]]\norganization = "acme"\nlabel = "{0}"\nrecipe = "{0}"\nsource = "{1}"\ndestination = "{2}"\n'
CIRCLE = "\n".join(
    [
        FLOW.format("client_to_customer", "books", "till"),
        FLOW.format("invoice_to_collection", "books", "till"),
        FLOW.format("collection_to_payment", "till", "books") + 'options = {{ fees = "expense", pay_link = true, test_money = "book" }}',
    ]
)
# A minute for each doubt would be right for the real one.
IMPATIENT = """
from credentials.models import Connection
for connection in Connection.objects.all():
    connection.settings = {**connection.settings, "settle_seconds": 2}
    connection.save()
"""
# Passed for customer and invoice, and for payment, fee and note.
CREATING = ("after_call", "after_intent", "before_call", "before_confirm", "after_confirm")
CHANGING = ("before_update", "after_update")
FINALIZING = ("before_act", "after_act")
ENDING = ("before_end", "after_end")


def open_books(made: World) -> None:
    """Start everything, connect both sides, wait for the webhooks: the books' three kinds, and the one endpoint of the service."""
    for name in ("web", "worker", "beat"):
        made.start(name)
    provision(made, flows=CIRCLE, settings={"settle_seconds": 2})
    made.shell(IMPATIENT + SUBSCRIBE)
    ready = "SELECT COUNT(*) FROM flows_subscription WHERE status <> 'active'"
    made.wait("webhooks active", lambda: made.query(ready)[0][0] == 0 and bool(endpoints(made)), 30)


def endpoints(made: World) -> list[tuple[Any, ...]]:
    return made.query("SELECT id FROM flows_subscription WHERE topic = 'collection' AND status = 'active'")


def bill(made: World, number: int) -> dict[str, Any]:
    """A person bills a new client. The first and every third after it has no e-mail, and the service's search shows customers late: when
    the worker dies after making the first one, nothing but the idempotency key tells that it is there.
    """
    client = {"fname": f"Client {number}", "email": "" if number % 3 == 1 else f"client{number}@till.example", "currency_code": "CAD"}
    lines = [
        {"name": "Work", "qty": "1", "unit_cost": {"amount": f"{100 + number}.00", "code": "CAD"}, "taxName1": "HST", "taxAmount1": "13"}
    ]
    body = {"lines": lines, "due_offset_days": 14, "currency_code": "CAD", "invoice_number": f"K-{number}"}
    return dict(made.ledger("bill", client=client, invoice=body)["invoice"])


def calm(made: World) -> bool:
    return not (made.ledger("settled")["pending"] or made.ask("collector", "settled")["pending"] or made.unfinished())


def rest(made: World, what: str, seconds: float = 180) -> None:
    """Wait until all is done; what went through three deaths is retried, as a person would."""

    def parked() -> bool:
        return not [row for row in made.unfinished() if row[2] in ("waiting", "running", "")]

    made.wait(f"{what}, or parked", parked, seconds, tend=WORKERS)
    made.shell(RETRY_PARKED)
    made.wait(what, lambda: calm(made), seconds, tend=WORKERS)


def collect_all(made: World, crashes: Path) -> list[dict[str, Any]]:
    """One invoice for each place to die at while customer, draft and the finished invoice are made."""
    billed = []
    for place in (*CREATING, *FINALIZING, *CREATING):
        billed.append(bill(made, len(billed) + 1))
        kill_at(made, crashes, place)
    rest(made, "all invoices issued")
    return billed


def pay_all(made: World, crashes: Path, billed: list[dict[str, Any]]) -> None:
    """Each in two parts, a part of some goes back; a worker dies at each place while it records that."""
    for invoice, place in zip(billed, (*CREATING, *CREATING, *ENDING), strict=True):
        made.ask("collector", "pay", number=invoice["number"], amount="40.00")
        kill_at(made, crashes, place)
    for invoice in billed:
        made.ask("collector", "pay", number=invoice["number"])
    rest(made, "all payments recorded")
    for invoice, place in zip(billed, CHANGING, strict=False):
        [first, _] = there(made)[invoice["number"]]["payments"]
        made.ask("collector", "refund", payment=first["id"], amount="10.00")
        kill_at(made, crashes, place)
    rest(made, "refunds recorded")


def there(made: World) -> dict[str, dict[str, Any]]:
    return {each["number"]: each for each in made.ask("collector", "everything")["invoices"]}


def assert_once(made: World, billed: list[dict[str, Any]]) -> None:
    """One customer for each client, one invoice at the service for each of the books, one payment and one fee for each charge."""
    everything, books = made.ask("collector", "everything"), made.ledger("books")
    assert (made.ledger("crashes"), made.ask("collector", "crashes")) == ([], [])
    assert sorted(each["name"] for each in everything["customers"]) == sorted(f"Client {n}" for n in range(1, len(billed) + 1))
    assert Counter(each["number"] for each in everything["invoices"]) == Counter(invoice["number"] for invoice in billed)
    for invoice in books["invoices"]:
        at = there(made)[invoice["number"]]
        collected = [Decimal(row["amount"]) - Decimal(row["refunded"]) for row in at["payments"]]
        recorded = [Decimal(row["amount"]) for row in invoice["payments"]]
        assert (at["status"], at["total"], sorted(recorded)) == ("paid", invoice["amount"], sorted(collected)), invoice["number"]
        assert Decimal(invoice["paid"]) == sum(collected)
        assert invoice["notes"].count("Pay online: ") == 1
    assert len(books["expenses"]) == len(everything["charges"]) == 2 * len(billed)


def all_die(made: World, crashes: Path) -> int:
    """How many idempotency keys were sent more than once."""
    open_books(made)
    made.ask("collector", "switch", search_lag=3600)
    billed = collect_all(made, crashes)
    pay_all(made, crashes, billed)
    assert_once(made, billed)
    assert made.ended == [-9] * (2 * len(billed) + len(CHANGING))
    keys = made.ask("collector", "everything")["keys"]
    return sum(times > 1 for key, times in keys.items() if key.endswith("-customer"))


@pytest.mark.skipif(not services_answer(), reason="PostgreSQL and Redis do not answer on their usual ports, or TEST_SERVICES=none")
def test_killed_while_collecting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = _run(tmp_path, services=True)
    tell(capsys, f"26 kills while 12 invoices were collected and recorded: each once; {again} keys were sent again after a restart")


@pytest.mark.embedded
def test_killed_while_collecting_on_the_embedded_defaults(tmp_path: Path) -> None:
    _run(tmp_path, services=False)


def _run(tmp_path: Path, *, services: bool) -> int:
    crashes = tmp_path / "crashes"
    crashes.mkdir()
    environ = {**LEASES, "CRASH_DIR": str(crashes)}
    with world(tmp_path, services=services, environ=environ, platforms=("freshbooks", "stripe")) as made:
        again = all_die(made, crashes)
    assert again > 0  # the search showed nothing: the key alone kept a customer from being made twice
    return again
