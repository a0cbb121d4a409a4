"""The demo's second scene: an invoice of the books is collected in two parts, a part goes back, and a client moves house."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from config.demo.platforms import Miniature
from config.demo.progress import tell
from config.demo.returns import Return
from config.demo.stage import DemoFailed, Stage, switch_on
from config.demo.watching import wait_for_rest

Told = Mapping[str, Any]
CLIENT = {
    "fname": "Ida",
    "lname": "Stroem",
    "organization": "Stroem Glas",
    "email": "ida@stroem.example",
    "p_street": "4 Kiln Lane",
    "p_city": "Hamilton",
    "p_province": "ON",
    "p_code": "L8P 1A1",
    "p_country": "Canada",
}
FIRST, BACK, MOVED_TO = "80.00", "25.00", "9 Mill Lane"


def _lines(code: str) -> list[dict[str, Any]]:
    """150.00 with 13 % tax and 20.50 without: 190.00 in all."""
    taxed = {"name": "Glazing", "qty": "3", "unit_cost": {"amount": "50.00", "code": code}, "taxName1": "HST", "taxAmount1": "13"}
    return [taxed, {"name": "Delivery", "qty": "1", "unit_cost": {"amount": "20.50", "code": code}}]


def collect(stage: Stage, stopping: threading.Event) -> list[Return]:
    """Play it with each collector; what both sides really show at the end is in the answer. Raises DemoFailed, DemoStopped."""
    if not stage.collectors:
        return []
    switch_on(stage, stopping)
    backs = [back for collector in stage.collectors for back in _Scene(stage, collector, stopping).play()]
    everybody = (*stage.shops, stage.ledger, *stage.collectors)  # the shops' flows hear of these payments and clients, too
    wait_for_rest(stage.flows, everybody, lambda: 0, 0, stopping)
    return backs


class _Scene:
    """One collector and the invoice that it is given."""

    def __init__(self, stage: Stage, collector: Miniature, stopping: threading.Event) -> None:
        self.ledger, self.collector, self.flows, self.stopping = stage.ledger, collector, stage.collecting, stopping
        code = stage.connections[stage.ledger.platform].currency or "CAD"
        body = {
            "lines": _lines(code),
            "due_offset_days": 14,
            "currency_code": code,
            "notes": "Thank you.",
            "invoice_number": f"OWN-{collector.platform[:3].upper()}-1",
        }
        self.billed: Told = self.ledger.command("bill", client={**CLIENT, "currency_code": code}, invoice=body)["invoice"]

    def play(self) -> list[Return]:
        tell(f"A person bills {CLIENT['organization']}; {self.collector.label} collects invoice {self.billed['number']}.")
        self._until(self._issued, "was issued")
        self.collector.command("pay", number=self.billed["number"], amount=FIRST)
        self._until(lambda: self._here()["paid"] == FIRST, "shows the first part")
        paid = self.collector.command("pay", number=self.billed["number"])
        self._until(lambda: not self._here()["outstanding"].strip("0."), "is paid in the books")
        self.collector.command("refund", payment=paid["payment"], amount=BACK)
        self._until(lambda: self._here()["outstanding"] == BACK, "shows what was given back")
        self.ledger.command("edit_client", client_id=self.billed["client_id"], fields={"p_street": MOVED_TO})
        self._until(lambda: self._street() == MOVED_TO, "has a customer who moved")
        return [self._agreed(), self._moved()]

    def _until(self, reached: Callable[[], bool], what: str) -> None:
        if not wait_for_rest(self.flows, (self.collector, self.ledger), lambda: int(reached()), 1, self.stopping):
            raise DemoFailed(f"Nothing moves any more before invoice {self.billed['number']} {what}.")

    def _issued(self) -> bool:
        there = self._there()
        return bool(there) and there["total"] == self.billed["amount"] and there["status"] == "open"

    def _here(self) -> Told:
        return next(dict(row) for row in self.ledger.command("books")["invoices"] if row["id"] == self.billed["id"])

    def _there(self) -> Told:
        rows = [row for row in self.collector.command("everything")["invoices"] if row["number"] == self.billed["number"]]
        return rows[0] if len(rows) == 1 else {}

    def _customers(self) -> list[Told]:
        return [row for row in self.collector.command("everything")["customers"] if row["email"] == CLIENT["email"]]

    def _street(self) -> str:
        rows = self._customers()
        return str(rows[0]["address"]["line1"]) if len(rows) == 1 else ""

    def _agreed(self) -> Return:
        """ok: both sides show two payments of the same amounts, less what went back."""
        here, there = self._here(), self._there()
        recorded = sorted(row["amount"] for row in here["payments"] if row["vis_state"] == 0)
        collected = sorted(_left(row) for row in there.get("payments", ()))
        agree = recorded == collected and len(recorded) == 2 and there["total"] == here["amount"]
        story = (
            f"{there.get('amount_paid')} {here['currency']} collected on {here['number']} by {self.collector.platform} in "
            f"{len(collected)} parts, "
            f"{BACK} given back: the books show {' + '.join(recorded)} = {here['paid']} paid, {here['outstanding']} outstanding"
        )
        id, number = str(there.get("id", "")), str(here["number"])
        return Return(
            self.collector.platform, id, number, str(here["paid"]), str(here["currency"]), str(there.get("status")), 0, agree, story
        )

    def _moved(self) -> Return:
        """ok: one customer, with the new street."""
        rows, street = self._customers(), self._street()
        story = f"{CLIENT['organization']} moved to {MOVED_TO}: {len(rows)} customer in {self.collector.platform}, at {street or '?'}"
        id = str(rows[0]["id"]) if rows else ""
        return Return(self.collector.platform, id, str(self.billed["number"]), "", "", "updated", 0, street == MOVED_TO, story)


def _left(payment: Told) -> str:
    """What is left of a payment, as text with its own decimals."""

    left = Decimal(payment["amount"]) - Decimal(payment["refunded"]) - Decimal(payment["lost"])
    return f"{left:.{len(str(payment['amount']).partition('.')[2])}f}"
