"""Money in the Stripe sandbox: charges with their fees, refunds and disputes, as the payer, the bank and a person cause them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.platforms.stripe.amounts import decimals
from connectors.platforms.stripe.sandbox.events import tell
from connectors.platforms.stripe.sandbox.life import add_payment, take, wrong_state
from connectors.platforms.stripe.sandbox.state import Refusal, Row, Wallet, units_of

# To the account's own currency, which is what it pays out. Made up, and fixed, so that tests can reckon.
RATES = {"usd": Decimal("1.37"), "eur": Decimal("1.48"), "gbp": Decimal("1.73"), "jpy": Decimal("0.0091"), "kwd": Decimal("4.4")}
DISPUTE_FEE = 1500


def _fee(amount: int) -> int:
    """2.9 % and 30."""
    return int((Decimal(amount) * Decimal("0.029")).quantize(Decimal(1), ROUND_HALF_UP)) + 30


def _movement(wallet: Wallet, kind: str, source: str, amount: int, currency: str, fee: int) -> Row:
    """A balance transaction, in the currency that is paid out."""
    rate = None if currency == wallet.currency else RATES.get(currency, Decimal(1))
    settled = amount
    if rate is not None:
        shift = decimals(wallet.currency.upper()) - decimals(currency.upper())
        settled = int((Decimal(amount) * rate).scaleb(shift).quantize(Decimal(1), ROUND_HALF_UP))
    row = wallet.base("txn", "balance_transaction") | {
        "amount": settled,
        "available_on": wallet.now() + 2 * 86400,
        "currency": wallet.currency,
        "exchange_rate": None if rate is None else float(rate),
        "fee": fee,
        "fee_details": [{"amount": fee, "currency": wallet.currency, "type": "stripe_fee", "description": "Fees", "application": None}],
        "net": settled - fee,
        "reporting_category": kind,
        "source": source,
        "status": "pending",
        "type": kind,
    }
    return wallet.save("balance_transactions", row)


def charge(wallet: Wallet, amount: int, currency: str, customer: str | None, email: str | None, more: Row) -> tuple[Row, Row]:
    """A payment intent that succeeded, and its charge. fee_later: the balance transaction is filled in later."""
    intent = wallet.base("pi", "payment_intent") | {
        "amount": amount,
        "amount_received": amount,
        "currency": currency,
        "customer": customer,
        "status": "succeeded",
    }
    row = wallet.base("ch", "charge") | {
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": email, "name": None, "phone": None, "tax_id": None},
        "captured": True,
        "currency": currency,
        "customer": customer,
        "description": more.get("description"),
        "disputed": False,
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method_details": {"type": more.get("method", "card"), more.get("method", "card"): {"brand": "visa", "last4": "4242"}},
        "receipt_email": None,
        "refunded": False,
        "status": "succeeded",
    }
    row["metadata"] = dict(more.get("metadata", {}))
    wallet.save("payment_intents", intent | {"latest_charge": row["id"]})
    wallet.save("charges", row)
    if not more.get("fee_later"):
        settle_charge(wallet, row)
    return wallet.tables["payment_intents"][intent["id"]], row


def settle_charge(wallet: Wallet, row: Row) -> None:
    """The fee becomes known."""
    row["balance_transaction"] = _movement(wallet, "charge", row["id"], row["amount"], row["currency"], _fee(row["amount"]))["id"]


def pay_invoice(wallet: Wallet, row: Row, amount: int, more: Row) -> Row:
    """The client pays a part of an invoice, or all of it, on the hosted page; its charge."""
    if row["status"] not in ("open", "uncollectible"):
        raise wrong_state(row, "paid")
    intent, made = charge(wallet, amount, row["currency"], row["customer"], row["customer_email"], more)
    part = add_payment(wallet, row, "payment_intent", intent["id"], amount, paid=True)
    tell(wallet, "payment_intent.succeeded", intent)
    tell(wallet, "charge.succeeded", made)
    tell(wallet, "invoice_payment.paid", part)
    take(wallet, row, amount)
    return made


def charge_of(wallet: Wallet, reference: str) -> Row:
    """The charge behind a charge's or payment intent's id."""
    if reference.startswith("pi_"):
        reference = str(wallet.row("payment_intents", reference, "payment_intent")["latest_charge"])
    return wallet.row("charges", reference, "charge")


def refund(wallet: Wallet, body: Row) -> Row:
    """Give back a part of a charge, or what is left of it; status pending may succeed or fail later."""
    row = charge_of(wallet, body["payment"])
    left = row["amount"] - row["amount_refunded"]
    return give_back(wallet, row, left if body.get("amount") is None else units_of(body["amount"], row["currency"]), body)


def give_back(wallet: Wallet, row: Row, amount: int, more: Row) -> Row:
    """A refund of a charge, at most of what is left of it. more: reason, status, and the fee that the refund itself costs."""
    left = row["amount"] - row["amount_refunded"]
    if not 0 < amount <= left:
        raise Refusal(400, f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount")
    made = wallet.base("re", "refund") | {
        "amount": amount,
        "balance_transaction": None,
        "charge": row["id"],
        "currency": row["currency"],
        "payment_intent": row["payment_intent"],
        "reason": more.get("reason"),
        "status": more.get("status", "succeeded"),
    }
    made["balance_transaction"] = _movement(wallet, "refund", made["id"], -amount, row["currency"], int(more.get("fee", 0)))["id"]
    wallet.save("refunds", made)
    row["amount_refunded"] += amount
    row["refunded"] = row["amount_refunded"] == row["amount"]
    tell(wallet, "refund.created", made)
    tell(wallet, "charge.refunded", row)
    return made


def finish_refund(wallet: Wallet, body: Row) -> Row:
    """A pending refund succeeds, fails or is cancelled."""
    made = wallet.row("refunds", body["id"], "refund")
    before, made["status"] = made["status"], body["status"]
    if made["status"] in ("failed", "canceled"):
        row = wallet.tables["charges"][made["charge"]]
        row["amount_refunded"] -= made["amount"]
        row["refunded"] = False
    tell(wallet, "refund.failed" if made["status"] == "failed" else "refund.updated", made, {"status": before})
    return made


def dispute(wallet: Wallet, body: Row) -> Row:
    """The payer's bank takes the money back for now, with a fee."""
    row = charge_of(wallet, body["payment"])
    amount = row["amount"] if body.get("amount") is None else units_of(body["amount"], row["currency"])
    made = wallet.base("du", "dispute") | {
        "amount": amount,
        "charge": row["id"],
        "currency": row["currency"],
        "payment_intent": row["payment_intent"],
        "reason": "general",
        "status": "needs_response",
    }
    made["balance_transactions"] = [_movement(wallet, "adjustment", made["id"], -amount, row["currency"], DISPUTE_FEE)]
    row["disputed"] = True
    wallet.save("disputes", made)
    tell(wallet, "charge.dispute.created", made)
    tell(wallet, "charge.dispute.funds_withdrawn", made)
    return made


def close_dispute(wallet: Wallet, body: Row) -> Row:
    """won: the money comes back; lost: it stays away."""
    made = wallet.row("disputes", body["id"], "dispute")
    made["status"] = body["status"]
    if made["status"] == "won":
        made["balance_transactions"] += [_movement(wallet, "adjustment", made["id"], made["amount"], made["currency"], -DISPUTE_FEE)]
        tell(wallet, "charge.dispute.funds_reinstated", made)
    tell(wallet, "charge.dispute.closed", made)
    return made


def sell(wallet: Wallet, body: Row) -> Any:
    """A sale without an invoice (a payment link, a till)."""
    currency = str(body.get("currency", wallet.currency)).lower()
    intent, made = charge(wallet, units_of(body["amount"], currency), currency, body.get("customer"), body.get("email"), body)
    tell(wallet, "payment_intent.succeeded", intent)
    tell(wallet, "charge.succeeded", made)
    return {"payment": intent["id"], "charge": made["id"]}
