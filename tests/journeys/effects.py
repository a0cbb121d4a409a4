"""The proof that nothing was lost, doubled or changed: the shop's orders against what the ledger's sandbox really accepted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tests.journeys.world import World

LEFT_OUT = ("pending", "on-hold", "failed", "cancelled", "checkout-draft")  # not among the statuses that a flow counts by default


def assert_exactly_once(made: World, orders: Iterable[Mapping[str, Any]]) -> None:
    """One client per e-mail, one invoice per order, one payment per captured transaction, all exact; deleted ones count as well."""
    now = {order["id"]: order for order in made.shop("orders")["orders"]}
    booked = [now[order["id"]] for order in orders if now[order["id"]]["status"] not in LEFT_OUT]
    books = made.ledger("books")
    assert made.ledger("crashes") == []
    assert made.shop("crashes") == []
    _assert_one_client_each(books["clients"], {order["email"].lower() for order in now.values() if order["status"] not in LEFT_OUT})
    invoices = defaultdict(list)
    for invoice in books["invoices"]:
        invoices[invoice["number"]].append(invoice)
    wrong = [fault for order in booked for fault in _faults(order, invoices[order["number"]])]
    left_out = [order["number"] for order in now.values() if order["status"] in LEFT_OUT and invoices[order["number"]]]
    assert (wrong, left_out) == ([], [])
    assert len(books["invoices"]) == len([order for order in now.values() if order["status"] not in LEFT_OUT])


def _assert_one_client_each(clients: list[Mapping[str, Any]], emails: set[str]) -> None:
    counted = Counter(client["email"].lower() for client in clients)
    wanted = Counter(emails)
    assert (counted - wanted, wanted - counted) == (Counter(), Counter())  # too many, missing


def _faults(order: Mapping[str, Any], found: list[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the books of one order, in words."""
    name = f"order {order['number']}"
    if len(found) != 1:
        return [f"{name} has {len(found)} invoices"]
    invoice, captured = found[0], Decimal(order["captured"])
    due = Decimal(order["total"]) - Decimal(order["refunded"])
    paid = [payment for payment in invoice["payments"] if payment["vis_state"] == 0]
    faults = []
    if (Decimal(invoice["amount"]), invoice["currency"], invoice["vis_state"]) != (due, order["currency"], 0):
        faults.append(f"{name}: invoice of {invoice['amount']} {invoice['currency']} for {due} {order['currency']}")
    if invoice["draft"]:
        faults.append(f"{name}: still a draft")
    if len(invoice["payments"]) != (1 if captured else 0):
        faults.append(f"{name}: {len(invoice['payments'])} payments for {captured} captured")
    if sum(Decimal(payment["amount"]) for payment in paid) != (due if captured else 0):
        faults.append(f"{name}: {[payment['amount'] for payment in paid]} paid for {due if captured else 0}")
    return faults
