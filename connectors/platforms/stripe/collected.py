"""What Stripe collected: an invoice (or a sale without one) with its payments, refunds, lost disputes and fees as one aggregate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.canonical.collection import CollectedPayment, Collection, CollectionState, Fee, GivenBack, GivenBackKind
from connectors.canonical.money import Money, total
from connectors.kit.contract import Account, Raw
from connectors.kit.errors import Gone, PartOf
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.stripe import api as stripe
from connectors.platforms.stripe.amounts import from_units, read_time, read_time_or
from connectors.platforms.stripe.customers import marker_of
from connectors.platforms.stripe.invoices import PATH as INVOICES
from connectors.platforms.stripe.payments import is_paid, paid_at, payment_reference

FEES = {"expand": ["balance_transaction"]}
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
    rows = [row for row in reversed(listed) if is_paid(row)]
    payments = [{"invoice_payment": dict(row.mapping()), **_money(api, payment_reference(row))} for row in rows if payment_reference(row)]
    return {"invoice": dict(invoice.mapping()), "payments": payments}


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
        "refunds": [dict(row.mapping()) for row in stripe.list_all(api, "/v1/refunds", "refund", filter)],
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
    payments = tuple(_payment(row, payment_reference(row["invoice_payment"]), currency) for row in rows)
    through_stripe = total((payment.amount for payment in payments), currency)
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
    )


def _sale(body: Tame, rows: list[Tame], account: Account) -> Collection:
    charge = rows[0]["charge"] if rows else body["charge"]
    currency, created, id = charge["currency"].currency(), read_time(charge["created"]), body["id"].known_identifier()
    payment = _payment(rows[0], id, currency)
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
    )


def _moments(payments: tuple[CollectedPayment, ...]) -> Iterator[datetime]:
    for payment in payments:
        yield payment.occurred_at
        yield from (back.occurred_at for back in payment.given_back)


def _payment(row: Tame, reference: str, currency: str) -> CollectedPayment:
    part, charge = row.get("invoice_payment"), row["charge"]
    created = read_time(charge["created"])
    details, movement = charge.get("payment_method_details"), charge.get("balance_transaction")
    back = (*_refunds(row["refunds"], currency), *_lost(row["disputes"], currency))
    settled, rate = _settled(movement, currency)
    return CollectedPayment(
        id=reference,
        amount=from_units(charge["amount_captured"] if part.is_null else part["amount_paid"], currency),
        occurred_at=created if part.is_null else read_time_or(paid_at(part), created),
        method="" if details.is_null else details.get("type").text_or(),
        given_back=tuple(sorted(back, key=lambda one: (one.occurred_at, one.id))),
        fees=tuple(_fees(movement, row["disputes"])),
        settled=settled,
        exchange_rate=rate,
    )


def _refunds(rows: Tame, currency: str) -> Iterator[GivenBack]:
    """Those that succeeded or are on their way; failed and cancelled ones gave nothing back."""
    for refund in rows.items():
        status = refund["status"].text_or("pending")
        if status in ("failed", "canceled"):
            continue
        moment, amount = read_time(refund["created"]), from_units(refund["amount"], currency)
        yield GivenBack(refund["id"].known_identifier(), GivenBackKind.REFUND, amount, moment, pending=status != "succeeded")


def _lost(rows: Tame, currency: str) -> Iterator[GivenBack]:
    for dispute in rows.items():
        if dispute["status"].text() == "lost":
            moment, amount = read_time(dispute["created"]), from_units(dispute["amount"], currency)
            yield GivenBack(dispute["id"].known_identifier(), GivenBackKind.DISPUTE, amount, moment)


def _settled(movement: Tame, currency: str) -> tuple[Money | None, Decimal | None]:
    if movement.is_null:
        return None, None
    paid_out_in, rate = movement["currency"].currency(), movement.get("exchange_rate")
    if paid_out_in == currency:
        return None, None
    return from_units(movement["amount"], paid_out_in), None if rate.is_null else rate.decimal()


def _fees(movement: Tame, disputes: Tame) -> Iterator[Fee]:
    """What Stripe kept for the charge and for its disputes; not known yet while a charge has no balance transaction."""
    movements = [] if movement.is_null else [movement]
    movements += [one for dispute in disputes.items() for one in dispute["balance_transactions"].items()]
    for one in movements:
        fee = from_units(one["fee"], one["currency"].currency())
        if fee.amount > 0:
            yield Fee(one["id"].known_identifier(), fee, read_time(one["created"]))
