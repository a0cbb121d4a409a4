"""Which address of the Stripe sandbox does what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.kit.sandbox import Sandbox
from connectors.platforms.stripe.sandbox import customers, endpoints, events, invoices, life, paying
from connectors.platforms.stripe.sandbox.door import Handler, route
from connectors.platforms.stripe.sandbox.lists import equals, listed
from connectors.platforms.stripe.sandbox.state import ACCOUNT, Row, Wallet

ID = r"/(?P<id>[A-Za-z0-9_]+)"
Filters = dict[str, Callable[[Row, Any], bool]]


def _paid_by(row: Row, wanted: Any) -> bool:
    kind = wanted.get("type")
    return bool(row["payment"]["type"] == kind and row["payment"].get(kind) == wanted.get(kind))


PLAIN: dict[str, tuple[str, Filters]] = {
    "invoice_payments": ("invoice payment", {"invoice": equals("invoice"), "status": equals("status"), "payment": _paid_by}),
    "payment_intents": ("payment_intent", {"customer": equals("customer")}),
    "charges": ("charge", {"customer": equals("customer"), "payment_intent": equals("payment_intent")}),
    "refunds": ("refund", {"charge": equals("charge"), "payment_intent": equals("payment_intent")}),
    "disputes": ("dispute", {"charge": equals("charge"), "payment_intent": equals("payment_intent")}),
    "balance_transactions": ("balance transaction", {"source": equals("source"), "type": equals("type"), "currency": equals("currency")}),
}


def _lister(name: str, filters: Filters) -> Handler:
    return lambda wallet, fields: listed(wallet.tables[name].values(), fields, f"/v1/{name}", filters)


def _getter(name: str, what: str) -> Handler:
    return lambda wallet, fields, id: wallet.row(name, id, what)


def _list_invoices(wallet: Wallet, fields: Row) -> Row:
    rows = [invoices.shown(wallet, row) for row in wallet.tables["invoices"].values()]
    return listed(rows, fields, "/v1/invoices", {"customer": equals("customer"), "status": equals("status")})


def _list_lines(wallet: Wallet, fields: Row, id: str) -> Row:
    """In the order of the invoice, not newest first."""
    lines = invoices.living(wallet, id)["_lines"]
    return listed(lines[::-1], fields, f"/v1/invoices/{id}/lines", {})


def _account(wallet: Wallet, fields: Row) -> Row:
    return {
        "id": ACCOUNT,
        "object": "account",
        "country": "CA",
        "default_currency": wallet.currency,
        "charges_enabled": True,
        "settings": {"dashboard": {"display_name": "Harbour Pottery", "timezone": "America/Toronto"}},
    }


def _balance(wallet: Wallet, fields: Row) -> Row:
    rows = [{"amount": 0, "currency": wallet.currency}]
    return {"object": "balance", "available": rows, "pending": rows, "livemode": wallet.livemode}


def route_all(sandbox: Sandbox, wallet: Wallet) -> None:
    def at(method: str, path: str, handler: Handler) -> None:
        route(sandbox, wallet, method, f"/v1/{path}", handler)

    for name, (what, filters) in PLAIN.items():
        at("GET", name, _lister(name, filters))
        at("GET", name + ID, _getter(name, what))
    at("GET", "account", _account)
    at("GET", "balance", _balance)
    at("GET", "events", events.list_events)
    at("GET", "events" + ID, events.get_event)
    at("GET", "customers/search", customers.search_customers)
    for name, create, listing in (
        ("customers", customers.create_customer, customers.list_customers),
        ("invoices", invoices.create_invoice, _list_invoices),
        ("webhook_endpoints", endpoints.create_endpoint, endpoints.list_endpoints),
    ):
        at("POST", name, create)
        at("GET", name, listing)
    for name, get, update, delete in (
        ("customers", customers.get_customer, customers.update_customer, customers.delete_customer),
        ("invoices", invoices.get_invoice, invoices.update_invoice, invoices.delete_invoice),
        ("webhook_endpoints", endpoints.get_endpoint, endpoints.update_endpoint, endpoints.delete_endpoint),
    ):
        at("GET", name + ID, get)
        at("POST", name + ID, update)
        at("DELETE", name + ID, delete)
    at("POST", "invoiceitems", invoices.create_item)
    at("POST", "payment_intents", paying.create_intent)
    at("POST", "refunds", paying.create_refund)
    at("POST", "payment_records/report_payment", paying.report_payment)
    at("GET", f"invoices{ID}/lines", _list_lines)
    actions: dict[str, Handler] = {
        "add_lines": invoices.add_lines,
        "remove_lines": invoices.remove_lines,
        "finalize": life.finalize,
        "send": life.send,
        "void": life.void,
        "mark_uncollectible": life.mark_uncollectible,
        "pay": life.pay,
        "attach_payment": paying.attach_payment,
    }
    for name, action in actions.items():
        at("POST", f"invoices{ID}/{name}", action)
