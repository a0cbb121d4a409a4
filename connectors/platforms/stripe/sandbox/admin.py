"""The admin port's actions of the Stripe sandbox: what clients, banks and people at the dashboard do, and what is really there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from connectors.kit.sandbox import Sandbox
from connectors.platforms.stripe.sandbox import customers, invoices, life, money
from connectors.platforms.stripe.sandbox.events import send, tell
from connectors.platforms.stripe.sandbox.state import Refusal, Row, Wallet, text_of, units_of

Action = Callable[[Row], Any]


def _find(wallet: Wallet, body: Row) -> Row:
    """An invoice by its id, or by its number."""
    if body.get("invoice"):
        return wallet.row("invoices", body["invoice"], "invoice")
    found = [row for row in wallet.tables["invoices"].values() if row["number"] == body["number"] and row["status"] != "void"]
    if not found:
        raise KeyError(f"no invoice {body['number']}")
    return found[-1]


def _payments(wallet: Wallet, row: Row) -> list[Row]:
    """What was paid through Stripe on an invoice."""
    parts = [part for part in wallet.tables["invoice_payments"].values() if part["invoice"] == row["id"] and part["status"] == "paid"]
    found = []
    for part in parts:
        reference = part["payment"].get("payment_intent")
        if reference is None:
            continue
        charge = money.charge_of(wallet, reference)
        lost = sum(d["amount"] for d in wallet.tables["disputes"].values() if d["charge"] == charge["id"] and d["status"] == "lost")
        back = sum(r["amount"] for r in wallet.tables["refunds"].values() if r["charge"] == charge["id"] and r["status"] == "succeeded")
        amounts = {"amount": part["amount_paid"], "refunded": back, "lost": lost}
        found.append({"id": reference, **{name: text_of(units, row["currency"]) for name, units in amounts.items()}})
    return found


def _invoice(wallet: Wallet, row: Row) -> Row:
    amounts = ("total", "amount_due", "amount_paid", "amount_remaining", "amount_overpaid")
    return {
        "id": row["id"],
        "number": row["number"],
        "status": row["status"],
        "currency": row["currency"].upper(),
        "customer": row["customer"],
        "description": row["description"],
        "reference": row["metadata"].get("tillbridge", ""),
        "due_date": row["due_date"],
        "url": row["hosted_invoice_url"],
        "lines": [{"description": line["description"], "amount": text_of(line["amount"], row["currency"])} for line in row["_lines"]],
        **{name: text_of(row[name], row["currency"]) for name in amounts},
        "payments": _payments(wallet, row),
    }


def _everything(wallet: Wallet) -> Row:
    return {
        "invoices": [_invoice(wallet, row) for row in wallet.tables["invoices"].values()],
        "customers": [row for row in wallet.tables["customers"].values() if not row.get("deleted")],
        "charges": list(wallet.tables["charges"].values()),
        "refunds": list(wallet.tables["refunds"].values()),
        "events": [{"id": row["id"], "type": row["type"]} for row in wallet.tables["events"].values()],
        "keys": dict(wallet.asked),
    }


def _pay(wallet: Wallet, body: Row) -> Row:
    """A client pays; without an amount, all that is left."""
    row = _find(wallet, body)
    amount = row["amount_remaining"] if body.get("amount") is None else units_of(body["amount"], row["currency"])
    made = money.pay_invoice(wallet, row, amount, body)
    return {"payment": made["payment_intent"], "charge": made["id"], "invoice": _invoice(wallet, row)}


def _place(wallet: Wallet, body: Row) -> Row:
    """Finalized invoices that a person made at the dashboard, each for a customer of its own."""
    made = []
    for place in range(int(body.get("count", 1))):
        sent = {"name": f"Dashboard client {place}", "email": f"client{place}@dashboard.example"}
        customer = customers.create_customer(wallet, sent)
        draft = invoices.create_invoice(wallet, {"customer": customer["id"], "currency": str(body.get("currency", wallet.currency))})
        invoices.add_lines(wallet, {"lines": [{"amount": str(body.get("units", 2500 + place)), "description": "Work"}]}, draft["id"])
        life.finalize(wallet, {}, draft["id"])
        made.append(_invoice(wallet, wallet.tables["invoices"][draft["id"]]))
    return {"invoices": made}


def _act(wallet: Wallet, body: Row) -> Row:
    """A person does something to an invoice at the dashboard: void, finalize, pay (out of band), mark_uncollectible, delete."""
    row = _find(wallet, body)
    if body["action"] == "delete":
        return invoices.delete_invoice(wallet, {}, row["id"])
    actions = {"void": life.void, "finalize": life.finalize, "mark_uncollectible": life.mark_uncollectible}
    if body["action"] == "pay":
        life.pay(wallet, {"paid_out_of_band": "true"}, row["id"])
    else:
        actions[body["action"]](wallet, {}, row["id"])
    return _invoice(wallet, row)


def _disable(wallet: Wallet, body: Row) -> Row:
    rows = list(wallet.tables["webhook_endpoints"].values())
    for row in rows:
        row["status"] = "disabled" if body.get("disabled", True) else "enabled"
    return {"endpoints": len(rows)}


def _roll(wallet: Wallet, body: Row) -> Row:
    """The signing secrets are rolled; with overlap the old one signs along for a while."""
    rows = list(wallet.tables["webhook_endpoints"].values())
    for row in rows:
        row["_older"] = [row["_secret"]] if body.get("overlap", True) else []
        row["_secret"] = f"whsec_{wallet.new_id('x')[2:]}"
    return {"secrets": [row["_secret"] for row in rows]}


def _switch(wallet: Wallet, body: Row) -> Row:
    for name in ("search_lag", "failing_inside", "forbidden"):
        if name in body:
            setattr(wallet, name, body[name])
    return dict(body)


def _fire(sandbox: Sandbox, wallet: Wallet, body: Row) -> Row:
    """Send a logged event once more."""
    event = wallet.row("events", body["id"], "event")
    for endpoint in wallet.tables["webhook_endpoints"].values():
        send(sandbox, wallet, endpoint, json.dumps(event, indent=2).encode())
    return {"sent": len(wallet.tables["webhook_endpoints"])}


def _settle_charge(wallet: Wallet, body: Row) -> Row:
    row = money.charge_of(wallet, body["payment"])
    money.settle_charge(wallet, row)
    tell(wallet, "charge.updated", row)
    return {"charge": row["id"]}


def admin_actions(sandbox: Sandbox, wallet: Wallet) -> dict[str, Action]:
    """The actions by name, all under the sandbox's lock."""
    actions: dict[str, Action] = {
        "everything": lambda _: _everything(wallet),
        "place_invoices": lambda body: _place(wallet, body),
        "pay": lambda body: _pay(wallet, body),
        "sell": lambda body: money.sell(wallet, body),
        "refund": lambda body: money.refund(wallet, body),
        "finish_refund": lambda body: money.finish_refund(wallet, body),
        "dispute": lambda body: money.dispute(wallet, body),
        "close_dispute": lambda body: money.close_dispute(wallet, body),
        "settle_charge": lambda body: _settle_charge(wallet, body),
        "act": lambda body: _act(wallet, body),
        "disable_endpoints": lambda body: _disable(wallet, body),
        "roll_secrets": lambda body: _roll(wallet, body),
        "switch": lambda body: _switch(wallet, body),
        "fire": lambda body: _fire(sandbox, wallet, body),
        "edit_customer": lambda body: customers.update_customer(wallet, body["fields"], body["id"]),
        "delete_customer": lambda body: customers.delete_customer(wallet, {}, body["id"]),
    }

    def guarded(action: Action) -> Action:
        def run(body: Row) -> Any:
            with sandbox.lock:
                try:
                    return json.loads(json.dumps(action(body)))
                except Refusal as refusal:
                    raise ValueError(f"{refusal.message} ({refusal.code})") from refusal

        return run

    return {name: guarded(action) for name, action in actions.items()}
