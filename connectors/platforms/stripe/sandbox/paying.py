"""Payments of the Stripe sandbox as a program makes them: payment intents, refunds, and tying a payment to an invoice."""

from __future__ import annotations

from connectors.platforms.stripe.sandbox import money
from connectors.platforms.stripe.sandbox.events import tell
from connectors.platforms.stripe.sandbox.invoices import living, shown
from connectors.platforms.stripe.sandbox.life import add_payment, take, wrong_state
from connectors.platforms.stripe.sandbox.reading import flag, metadata, only, required, whole
from connectors.platforms.stripe.sandbox.state import Refusal, Row, Wallet

CARD = "pm_card_visa"  # Stripe's own card for tests


def create_intent(wallet: Wallet, fields: Row) -> Row:
    """Only with a card and confirmed at once: this miniature has no wallets and no second steps."""
    only(fields, ("amount", "currency", "customer", "confirm", "payment_method", "payment_method_types", "description", "metadata"))
    required(fields, "amount", "currency")
    if not flag("confirm", fields.get("confirm", "false")) or fields.get("payment_method") != CARD:
        raise Refusal(400, f"The sandbox only takes confirm=true with payment_method={CARD}.", param="confirm")
    more = {"description": fields.get("description"), "metadata": metadata({}, fields.get("metadata", {}))}
    amount = whole("amount", fields["amount"])
    intent, made = money.charge(wallet, amount, fields["currency"].lower(), fields.get("customer"), None, more)
    tell(wallet, "payment_intent.succeeded", intent)
    tell(wallet, "charge.succeeded", made)
    return intent


def create_refund(wallet: Wallet, fields: Row) -> Row:
    only(fields, ("amount", "charge", "payment_intent", "reason", "metadata"))
    reference = fields.get("payment_intent") or fields.get("charge")
    if not reference:
        raise Refusal(400, "One of the following params should be provided: charge, payment_intent.", code="parameter_missing")
    row = money.charge_of(wallet, reference)
    amount = row["amount"] - row["amount_refunded"] if "amount" not in fields else whole("amount", fields["amount"])
    return money.give_back(wallet, row, amount, {"reason": fields.get("reason")})


def report_payment(wallet: Wallet, fields: Row) -> Row:
    """Money that Stripe never saw."""
    only(fields, ("amount_requested", "initiated_at", "payment_method_details", "outcome", "guaranteed", "metadata"))
    required(fields, "amount_requested", "initiated_at", "payment_method_details")
    amount = only(fields["amount_requested"], ("value", "currency"))
    record = wallet.base("pr", "payment_record") | {
        "amount": whole("amount_requested[value]", amount["value"]),
        "currency": amount["currency"],
    }
    return wallet.save("payment_records", record)


def attach_payment(wallet: Wallet, fields: Row, id: str) -> Row:
    """Put what is left of a payment on an open invoice; one payment may settle several."""
    only(fields, ("payment_intent", "payment_record"))
    row = living(wallet, id)
    if row["status"] not in ("open", "uncollectible"):
        raise wrong_state(row, "paid")
    kind = "payment_intent" if "payment_intent" in fields else "payment_record"
    paid = wallet.row(f"{kind}s", fields.get(kind, ""), kind, kind)
    if paid["currency"] != row["currency"]:
        raise Refusal(400, f"The payment is in {paid['currency']}, the invoice in {row['currency']}.", param=kind)
    used = sum(part["amount_paid"] or 0 for part in wallet.tables["invoice_payments"].values() if part["payment"].get(kind) == paid["id"])
    amount = min(paid["amount"] - used, row["amount_remaining"])
    if amount <= 0:
        raise Refusal(400, "Nothing is left of this payment.", param=kind)
    part = add_payment(wallet, row, kind, paid["id"], amount, paid=True)
    tell(wallet, "invoice_payment.paid", part)
    take(wallet, row, amount)
    return shown(wallet, row)
