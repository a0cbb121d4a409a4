"""The admin port's actions of the FreshBooks sandbox: the effect ledger, and what a person does in the books by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from connectors.kit.sandbox import Sandbox
from connectors.platforms.freshbooks.sandbox.clients import create_client, update_client
from connectors.platforms.freshbooks.sandbox.fields import Refusal, Row
from connectors.platforms.freshbooks.sandbox.identity import KINDS
from connectors.platforms.freshbooks.sandbox.invoice_view import touch, v3_status
from connectors.platforms.freshbooks.sandbox.invoices import create_invoice, hide_invoice, update_invoice
from connectors.platforms.freshbooks.sandbox.oauth import Grants
from connectors.platforms.freshbooks.sandbox.payments import create_payment, hide_payment, update_payment
from connectors.platforms.freshbooks.sandbox.state import Books, World
from connectors.platforms.freshbooks.sandbox.webhooks import deliver

Action = Callable[[dict[str, Any]], Any]


def _payment(row: Row) -> Row:
    return {
        "id": row["id"],
        "amount": row["amount"]["amount"],
        "date": row["date"],
        "type": row["type"],
        "note": row["note"],
        "vis_state": row["vis_state"],
        "overpayment_id": row["overpaymentid"],
    }


def _invoice(books: Books, row: Row) -> Row:
    return {
        "id": row["id"],
        "number": row["invoice_number"],
        "reference": row["po_number"] or "",
        "currency": row["currency_code"],
        "amount": row["amount"]["amount"],
        "paid": row["paid"]["amount"],
        "outstanding": row["outstanding"]["amount"],
        "status": v3_status(books, row),
        "draft": row["_base"] == 1,
        "vis_state": row["vis_state"],
        "locked": row["lock_status"] != "unlocked",
        "client_id": row["customerid"],
        "date": row["create_date"],
        "notes": row["notes"],
        "lines": row["lines"],
        "payments": [_payment(each) for each in books.tables["payments"].by("invoiceid", row["id"])],
    }


def _credit(row: Row) -> Row:
    return {
        "id": row["id"],
        "number": row["credit_number"],
        "currency": row["currency_code"],
        "amount": row["amount"]["amount"],
        "type": row["credit_type"],
        "client_id": row["clientid"],
        "notes": row["notes"],
        "vis_state": row["vis_state"],
    }


def read_books(books: Books) -> Row:
    """The effect ledger: everything that was accepted, deleted things included, amounts as text."""
    tables = books.tables
    return {
        "clients": list(tables["clients"].rows.values()),
        "items": list(tables["items"].rows.values()),
        "taxes": list(tables["taxes"].rows.values()),
        "invoices": [_invoice(books, row) for row in tables["invoices"].rows.values()],
        "credits": [_credit(row) for row in tables["credit_notes"].rows.values()],
        "other_income": list(tables["other_income"].rows.values()),
        "expenses": list(tables["expenses"].rows.values()),
        "mails": books.mails,
    }


def _find_invoice(books: Books, body: Row) -> Row:
    """By invoice_id, else by number (deleted ones only when there is no other)."""
    invoices = books.tables["invoices"]
    if body.get("invoice_id"):
        return invoices.rows[int(body["invoice_id"])]
    found = sorted(invoices.by("invoice_number", body["number"]), key=lambda row: row["vis_state"] == 1)
    if not found:
        raise KeyError(f"no invoice {body['number']}")
    return found[0]


def _pay(books: Books, body: Row) -> Row:
    """A person records a payment; without an amount, all that is outstanding."""
    invoice = _find_invoice(books, body)
    sent = {
        "invoiceid": invoice["id"],
        "amount": {"amount": str(body.get("amount") or invoice["outstanding"]["amount"]), "code": invoice["currency_code"]},
        "date": body.get("date") or books.today().isoformat(),
        "type": body.get("type") or "Check",
        "note": body.get("note", ""),
    }
    return {"payment": _payment(create_payment(books, sent)), "invoice": _invoice(books, invoice)}


def _bill(books: Books, body: Row) -> Row:
    """A person bills a client (client_id, or the fields of a new one) by hand; sent unless draft says otherwise."""
    client_id = body.get("client_id") or create_client(books, body["client"])["id"]
    invoice = create_invoice(books, {"create_date": books.today().isoformat(), **body["invoice"], "customerid": client_id})
    if not body.get("draft"):
        update_invoice(books, invoice, {"action_mark_as_sent": True})
    return {"invoice": _invoice(books, invoice)}


def _edit_client(books: Books, body: Row) -> Row:
    client = books.tables["clients"].rows[int(body["client_id"])]
    update_client(books, client, body["fields"])
    return {"client": client}


def _edit_payment(books: Books, body: Row) -> Row:
    """A person changes a payment by hand; vis_state alone deletes or restores."""
    payment, fields = books.tables["payments"].rows[int(body["payment_id"])], body["fields"]
    if "vis_state" in fields:
        hide_payment(books, payment, fields["vis_state"])
    else:
        update_payment(books, payment, fields)
    return {"payment": _payment(payment)}


def _edit_invoice(books: Books, body: Row) -> Row:
    """A person edits by hand, with the fields of the API; vis_state alone deletes, archives or restores."""
    invoice, fields = _find_invoice(books, body), body["fields"]
    if "vis_state" in fields:
        hide_invoice(books, invoice, fields["vis_state"])
    else:
        update_invoice(books, invoice, fields)
    return {"invoice": _invoice(books, invoice)}


def _lock_invoice(books: Books, body: Row) -> Row:
    invoice = _find_invoice(books, body)
    invoice["lock_status"] = "unlocked" if body.get("locked") is False else "locked"
    touch(books, invoice)
    return {"invoice": _invoice(books, invoice)}


def _webhooks(books: Books) -> Row:
    rows = books.tables["callbacks"].rows.values()
    renamed = {"_failures": "failures", "_sent": "sent", "_verifier": "verifier"}
    return {"webhooks": [{renamed.get(name, name): value for name, value in row.items()} for row in rows]}


def _unverify(books: Books, body: Row) -> Row:
    callback = books.tables["callbacks"].rows[int(body["callbackid"])]
    callback["verified"] = False
    return {"callbackid": callback["callbackid"], "verified": False}


def _set_identity(world: World, body: Row) -> Row:
    if body["kind"] not in KINDS:
        raise KeyError(f"identity kinds are {', '.join(KINDS)}")
    world.switches.identity = body["kind"]
    return {"kind": world.switches.identity}


def _switch(world: World, body: Row) -> Row:
    world.switches.change(body)
    return dict(body)


def _drop_tokens(grants: Grants, *, refresh_too: bool) -> Row:
    """Access tokens run out; refresh_too as when the user revokes the app."""
    expired = len(grants.access)
    grants.access.clear()
    if refresh_too:
        grants.refresh.clear()
    return {"expired": expired}


def _fire(sandbox: Sandbox, books: Books, body: Row) -> Row:
    """Send a delivery again to every callback of that event, verified or not."""
    noun = str(body["event"]).partition(".")[0]
    callbacks = [row for event in (body["event"], noun) for row in books.tables["callbacks"].by("event", event)]
    for callback in callbacks:
        deliver(sandbox, books, callback, body["event"], int(body["object_id"]))
    return {"sent": len(callbacks)}


def admin_actions(sandbox: Sandbox, world: World, grants: Grants) -> dict[str, Action]:
    """The actions by name. All run under the sandbox's lock; what the platform would refuse comes back as an error."""
    main = world.main
    actions: dict[str, Action] = {
        "books": lambda body: read_books(world.accounts[body.get("account_id", main.account_id)]),
        "pay": lambda body: _pay(main, body),
        "bill": lambda body: _bill(main, body),
        "edit_payment": lambda body: _edit_payment(main, body),
        "edit_invoice": lambda body: _edit_invoice(main, body),
        "edit_client": lambda body: _edit_client(main, body),
        "lock_invoice": lambda body: _lock_invoice(main, body),
        "webhooks": lambda _: _webhooks(main),
        "unverify": lambda body: _unverify(main, body),
        "fire": lambda body: _fire(sandbox, main, body),
        "identity": lambda body: _set_identity(world, body),
        "expire_tokens": lambda _: _drop_tokens(grants, refresh_too=False),
        "revoke_tokens": lambda _: _drop_tokens(grants, refresh_too=True),
        "rate_limit": lambda body: _switch(world, {"rate_limit": body}),
        "switch": lambda body: _switch(world, body),
    }

    def guarded(action: Action) -> Action:
        def run(body: dict[str, Any]) -> Any:
            with sandbox.lock:
                try:
                    return json.loads(json.dumps(action(body)))  # a copy: the books go on while it is sent
                except Refusal as refusal:
                    raise ValueError(f"{refusal.message} (errno {refusal.errno}, field {refusal.field!r})") from refusal

        return run

    return {name: guarded(action) for name, action in actions.items()}
