"""What Stripe collected: an invoice (or a sale without one) with its payments, refunds, lost disputes and fees as one aggregate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from connectors.canonical.collection import CollectedPayment, Collection, CollectionState
from connectors.canonical.money import Money, total
from connectors.kit.account import Account
from connectors.kit.contract import Raw
from connectors.kit.errors import Gone, PartOf
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.stripe import api as stripe
from connectors.platforms.stripe.amounts import from_units, read_time, read_time_or
from connectors.platforms.stripe.customers import marker_of
from connectors.platforms.stripe.invoices import PATH as INVOICES
from connectors.platforms.stripe.movements import read_payment
from connectors.platforms.stripe.payments import is_paid, payment_reference

FEES = {"expand": ["balance_transaction"]}
REFUND_FEES = {"expand": ["data.balance_transaction"]}
STATES = {
    "draft": CollectionState.DRAFT,
    "open": CollectionState.OPEN,
    "uncollectible": CollectionState.OPEN,
    "paid": CollectionState.PAID,
    "void": CollectionState.VOID,
}


# ---- reading -----------------------------------------------------------------------------------------------


def fetch_collection(api: Api, id: str) -> Raw:
    """The aggregate as raw JSON. Payments of an invoice, refunds and disputes are parts: PartOf names the whole."""
    readers = {"in": _fetch_invoice, "pi": _fetch_sale, "ch": _fetch_charge, "py": _fetch_charge, "inpay": _part_of_invoice}
    readers |= {"re": _part_of_payment, "pyr": _part_of_payment, "dp": _part_of_payment, "du": _part_of_payment}
    reader = readers.get(id.partition("_")[0])
    if reader is None:
        raise Gone(f"Stripe has no invoice or payment with the id {id[:60]!r}.", code="no_such_id")
    return reader(api, id)


def _fetch_invoice(api: Api, id: str) -> Raw:
    invoice = stripe.read_object(api, f"{INVOICES}/{stripe.path_id(('in_',), id)}", "invoice")
    listed = list(stripe.list_all(api, "/v1/invoice_payments", "invoice_payment", {"invoice": id}))  # the newest first
    rows = [row for row in reversed(listed) if is_paid(row) and payment_reference(row)]
    return {"invoice": dict(invoice.mapping()), "payments": [_part(api, invoice, row) for row in rows]}


def _part(api: Api, invoice: Tame, row: Tame) -> Raw:
    """A payment of an invoice. shared: what was charged is not all for this invoice, and what is not was not overpaid on it either."""
    reference = payment_reference(row)
    money = _money(api, reference)
    exact = money["charge"].get("amount_captured") == row["amount_paid"].value
    shared = not exact and (not invoice.get("amount_overpaid").value or len(_tied_to(api, reference)) > 1)
    return {"invoice_payment": dict(row.mapping()), "shared": shared, **money}


def _tied_to(api: Api, intent: str) -> set[str]:
    """The invoices that a payment settles; a bare charge has only the one that names it."""
    if not intent.startswith("pi_"):
        return set()
    payment = {"type": "payment_intent", "payment_intent": intent}
    rows = stripe.list_all(api, "/v1/invoice_payments", "invoice_payment", {"payment": payment, "status": "paid"})
    return {row["invoice"].known_identifier() for row in rows}


def _money(api: Api, reference: str) -> Raw:
    """The charge behind a payment with its fee, and what went back of it."""
    if reference.startswith("pi_"):
        intent = stripe.read_object(api, f"/v1/payment_intents/{reference}", "payment_intent")
        latest = intent["latest_charge"].known_identifier()
        filter = {"payment_intent": reference}
    else:
        latest, filter = reference, {"charge": reference}
    charge = stripe.read_object(api, f"/v1/charges/{stripe.path_id(('ch_', 'py_'), latest)}", "charge", FEES)
    back = {
        "refunds": [dict(row.mapping()) for row in stripe.list_all(api, "/v1/refunds", "refund", {**filter, **REFUND_FEES})],
        "disputes": [dict(row.mapping()) for row in stripe.list_all(api, "/v1/disputes", "dispute", filter)],
    }
    return {"charge": dict(charge.mapping()), **back}


def _fetch_sale(api: Api, id: str) -> Raw:
    """A payment intent: its invoice's part, or a sale of its own (its charge says all there is to say)."""
    path = f"/v1/payment_intents/{stripe.path_id(('pi_',), id)}"
    _hand_on(api, {"type": "payment_intent", "payment_intent": id})
    intent = stripe.read_object(api, path, "payment_intent")
    if intent.get("latest_charge").is_null:
        raise Gone(f"The payment {id} has not been charged.", code="not_charged")
    return {"invoice": None, "id": id, "payments": [{"invoice_payment": None, **_money(api, id)}]}


def _fetch_charge(api: Api, id: str) -> Raw:
    charge = stripe.read_object(api, f"/v1/charges/{stripe.path_id(('ch_', 'py_'), id)}", "charge")
    intent = charge.get("payment_intent").identifier()
    if intent:
        raise PartOf("The charge is part of a payment.", whole=intent)
    return {"invoice": None, "id": id, "payments": [{"invoice_payment": None, **_money(api, id)}]}


def _hand_on(api: Api, payment: dict[str, Any]) -> None:
    """Since 2025 a payment no longer names its invoice: the invoice's payments are asked."""
    rows, _ = stripe.list_page(api, "/v1/invoice_payments", "invoice_payment", {"payment": payment})
    for row in rows:
        raise PartOf("The payment is part of an invoice.", whole=row["invoice"].known_identifier())


def _part_of_invoice(api: Api, id: str) -> Raw:
    row = stripe.read_object(api, f"/v1/invoice_payments/{stripe.path_id(('inpay_',), id)}", "invoice_payment")
    raise PartOf("The payment is part of an invoice.", whole=row["invoice"].known_identifier())


def _part_of_payment(api: Api, id: str) -> Raw:
    kind = "refund" if id.startswith(("re_", "pyr_")) else "dispute"
    row = stripe.read_object(api, f"/v1/{kind}s/{stripe.path_id(('re_', 'pyr_', 'dp_', 'du_'), id)}", kind)
    whole = row.get("payment_intent").identifier() or row["charge"].known_identifier()
    raise PartOf(f"The {kind} is part of a payment.", whole=whole)


# ---- normalising -------------------------------------------------------------------------------------------


def normalise_collection(raw: Raw, account: Account) -> Collection:
    body = Tame(raw, "collection")
    rows = list(body["payments"].items())
    return _sale(body, rows, account) if body.get("invoice").is_null else _invoice(body["invoice"], rows, account)


def _invoice(invoice: Tame, rows: list[Tame], account: Account) -> Collection:
    state = STATES.get(invoice["status"].text())
    if state is None:
        raise invoice["status"].fail("a status of an invoice")
    currency, created = invoice["currency"].currency(), read_time(invoice["created"])
    payments = tuple(read_payment(row, payment_reference(row["invoice_payment"]), currency) for row in rows)
    through_stripe = total((from_units(row["invoice_payment"]["amount_paid"], currency) for row in rows), currency)
    id, changes = invoice["id"].known_identifier(), invoice["status_transitions"]
    moments = [read_time_or(changes.get(name), created) for name in ("finalized_at", "paid_at", "voided_at", "marked_uncollectible_at")]
    return Collection(
        id=id,
        state=state,
        currency=currency,
        total=from_units(invoice["total"], currency),
        created_at=created,
        updated_at=max([*moments, *_moments(payments)]),
        payments=payments,
        invoice_id=id,
        number=invoice.get("number").text_or(),
        reference=marker_of(invoice),
        customer_id=invoice.get("customer").identifier(),
        email=invoice.get("customer_email").text_or(),
        name=invoice.get("customer_name").text_or(),
        elsewhere=max(Money.zero(currency), from_units(invoice["amount_paid"], currency) - through_stripe),
        url=invoice.get("hosted_invoice_url").text_or(),
        time_zone=account.time_zone,
        test=_is_test(invoice),
    )


def _sale(body: Tame, rows: list[Tame], account: Account) -> Collection:
    charge = rows[0]["charge"] if rows else body["charge"]
    currency, created, id = charge["currency"].currency(), read_time(charge["created"]), body["id"].known_identifier()
    payment = read_payment(rows[0], id, currency)
    payer = charge.get("billing_details")
    paid = charge["status"].text() == "succeeded"
    return Collection(
        id=id,
        state=CollectionState.PAID if paid else CollectionState.OPEN,
        currency=currency,
        total=payment.amount,
        created_at=created,
        updated_at=max([created, *_moments((payment,))]),
        payments=(payment,) if paid and payment.amount else (),
        number=charge.get("description").text_or()[:60],
        reference=marker_of(charge),
        customer_id=charge.get("customer").identifier(),
        email=charge.get("receipt_email").text_or() or ("" if payer.is_null else payer.get("email").text_or()),
        name="" if payer.is_null else payer.get("name").text_or(),
        time_zone=account.time_zone,
        test=_is_test(charge),
    )


def _is_test(found: Tame) -> bool:
    return "livemode" in found and not found["livemode"].boolean()


def _moments(payments: tuple[CollectedPayment, ...]) -> Iterator[datetime]:
    for payment in payments:
        yield payment.occurred_at
        yield from (back.occurred_at for back in payment.given_back)
