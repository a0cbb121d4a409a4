"""Payments on invoices: found by our marker at the start of the note, read together with their invoice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.ledger import Payment
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw, Reads, Writes
from connectors.kit.errors import Gone
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.fields import TEXT_LIMIT, clean, day_text, eastern, is_deleted, read_id, read_money, write_money
from connectors.platforms.freshbooks.invoices import INVOICES, read_invoice

PAYMENTS = fb.Resource("payments/payments", "payment", "payments")
# The whole closed list, case included (FreshBooks' own Node client); "Stripe" and "Wire Transfer" are not on it.
METHODS = (
    "Check",
    "Credit",
    "Cash",
    "Bank Transfer",
    "Credit Card",
    "Debit",
    "PayPal",
    "2Checkout",
    "VISA",
    "MASTERCARD",
    "DISCOVER",
    "AMEX",
    "DINERS",
    "JCB",
    "ACH",
    "Other",
)


# ---- reading -----------------------------------------------------------------------------------------------


def page_payments(api: Api, window: Window, cursor: str | None) -> Page:
    return fb.changed_page(api, PAYMENTS, ObjectType.PAYMENT, window, cursor)


def fetch_payment(api: Api, id: str) -> Raw:
    """The payment and its invoice as they are now; the invoice is null when there is none."""
    payment = fb.read_one(api, PAYMENTS, id)
    invoice_id = payment.get("invoiceid").identifier()
    try:
        invoice: Any = dict(fb.read_one(api, INVOICES, invoice_id, fb.includes("lines")).mapping()) if invoice_id else None
    except Gone:
        invoice = None
    return {"payment": dict(payment.mapping()), "invoice": invoice}


def normalise_payment(raw: Raw, account: Account) -> Payment:
    body = Tame(raw, "answer")
    return read_payment(Tame(body["payment"].value, "payment"), account, Tame(body.get("invoice").value, "invoice"))


def read_payment(payment: Tame, account: Account, invoice: Tame | None = None) -> Payment:
    return Payment(
        invoice_id=payment.get("invoiceid").identifier(),
        amount=read_money(payment["amount"]),
        received_on=payment["date"].day(),
        method=payment.get("type").text_or(),
        note=payment.get("note").text_or(),
        id=read_id(payment["id"]),
        void=is_deleted(payment),
        updated_at=eastern(payment.get("updated")),
        invoice=read_invoice(invoice, account) if invoice is not None and not invoice.is_null else None,
    )


# ---- writing -----------------------------------------------------------------------------------------------


def marker_of(note: str) -> str:
    """The part of a note that says whose it is: up to " | " or the end of the first line."""
    return re.split(r" \| |[\r\n]", clean(note, TEXT_LIMIT), maxsplit=1)[0].strip()


def method_for(account: Account, wanted: str) -> str:
    """A payment type that FreshBooks knows: the wanted one, else the connection's default."""
    if wanted in METHODS:
        return wanted
    default = str(account.settings.get("payment_type") or "")
    return default if default in METHODS else "Other"


def find_payments(api: Api, wanted: Payment) -> tuple[Payment, ...]:
    """Those on this invoice whose note starts with the same marker and that are not deleted, oldest first."""
    marker = marker_of(wanted.note)
    found = [
        read_payment(row, api.account)
        for row in fb.rows(api, PAYMENTS, [("search[invoiceid]", wanted.invoice_id)])
        if row.get("invoiceid").identifier() == wanted.invoice_id and not is_deleted(row)
    ]
    ours = [payment for payment in found if marker and marker_of(payment.note) == marker]
    return tuple(sorted(ours, key=lambda payment: int(payment.id)))


def create_payment(api: Api, payment: Payment) -> Payment:
    """Record it, without a receipt to the client. More than is outstanding becomes a credit there: clamp before."""
    fields = {
        "invoiceid": int(payment.invoice_id),
        "amount": write_money(payment.amount),
        "date": day_text(payment.received_on),
        "type": method_for(api.account, payment.method),
        "note": clean(payment.note, TEXT_LIMIT),
        "send_client_notification": False,
    }
    return fb.create(api, PAYMENTS, fields, lambda row: read_payment(row, api.account))


def get_payment(api: Api, id: str) -> Payment:
    return read_payment(fb.read_one(api, PAYMENTS, id), api.account)


def update_payment(api: Api, id: str, payment: Payment) -> Payment:
    """Write amount, date and note; the type stays what it is, it may have been corrected by hand."""
    fields = {
        "amount": write_money(payment.amount),
        "date": day_text(payment.received_on),
        "note": clean(payment.note, TEXT_LIMIT),
    }
    return read_payment(fb.change(api, PAYMENTS, id, fields), api.account)


def _set_visible(state: int) -> Callable[[Api, str], Payment]:
    def act(api: Api, id: str) -> Payment:
        return read_payment(fb.change(api, PAYMENTS, id, {"vis_state": state}), api.account)

    return act


READS = Reads(fetch=fetch_payment, normalise=normalise_payment, page=page_payments)
WRITES = Writes(
    find=find_payments,
    create=create_payment,
    get=get_payment,
    update=update_payment,
    actions={"void": _set_visible(1), "restore": _set_visible(0)},
)
