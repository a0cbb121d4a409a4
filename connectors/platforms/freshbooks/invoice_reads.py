"""Reading an invoice as a whole: with lines, the client's e-mail, and the payments that stand on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.ledger import Invoice
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw, Reads
from connectors.kit.errors import Gone
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.clients import CLIENTS
from connectors.platforms.freshbooks.fields import is_deleted
from connectors.platforms.freshbooks.invoices import INVOICES, WITH_LINES, read_invoice
from connectors.platforms.freshbooks.payments import PAYMENTS, read_payment


def page_invoices(api: Api, window: Window, cursor: str | None) -> Page:
    return fb.changed_page(api, INVOICES, ObjectType.INVOICE, window, cursor)


def fetch_invoice(api: Api, id: str) -> Raw:
    """The invoice with lines, its payments, and its client (whose e-mail the invoice does not carry; null when gone)."""
    invoice = fb.read_one(api, INVOICES, id, WITH_LINES)
    try:
        client: Any = dict(fb.read_one(api, CLIENTS, invoice["customerid"].identifier()).mapping())
    except Gone:
        client = None
    payments = [dict(row.mapping()) for row in fb.rows(api, PAYMENTS, [("search[invoiceid]", id)])]
    return {"invoice": dict(invoice.mapping()), "client": client, "payments": payments}


def normalise_invoice(raw: Raw, account: Account) -> Invoice:
    body = Tame(raw, "answer")
    client = body.get("client")
    invoice = read_invoice(Tame(body["invoice"].value, "invoice"), account, "" if client.is_null else client.get("email").text_or())
    rows = [row for row in body.get("payments").items_or_none() if row.get("invoiceid").identifier() == invoice.id]
    return replace(invoice, payments=tuple(read_payment(row, account) for row in rows))


def invoices_of_client(api: Api, client_id: str) -> tuple[Raw, ...]:
    """The client's invoices that are not deleted, without lines and payments. The filter may be ignored: each row is checked."""
    rows = fb.rows(api, INVOICES, [("search[customerid]", client_id)])
    return tuple(
        {"invoice": dict(row.mapping()), "client": None, "payments": []}
        for row in rows
        if row.get("customerid").identifier() == client_id and not is_deleted(row)
    )


READS = Reads(fetch=fetch_invoice, normalise=normalise_invoice, page=page_invoices, of_customer=invoices_of_client)
