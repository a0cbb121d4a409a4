"""How an invoice of the Stripe sandbox goes on: finalized, sent, paid in parts or elsewhere, voided."""

from __future__ import annotations

from connectors.platforms.stripe.sandbox.events import tell
from connectors.platforms.stripe.sandbox.invoices import living, shown
from connectors.platforms.stripe.sandbox.reading import flag, only
from connectors.platforms.stripe.sandbox.state import Refusal, Row, Wallet

# The smallest charges; an invoice due less is called paid, and the customer owes it with the next one.
MINIMUM = {"usd": 50, "cad": 50, "eur": 50, "gbp": 30, "jpy": 50}


def wrong_state(row: Row, what: str) -> Refusal:
    return Refusal(400, f"This invoice is {row['status']}: it cannot be {what}.", code="invoice_not_open")


def finalize(wallet: Wallet, fields: Row, id: str) -> Row:
    only(fields, ("auto_advance",))
    row = living(wallet, id)
    if row["status"] != "draft":
        raise Refusal(400, "This invoice is already finalized, you can't re-finalize a non-draft invoice.", code="invoice_not_editable")
    _open(wallet, row)
    return shown(wallet, row)


def _open(wallet: Wallet, row: Row) -> None:
    """The customer's balance is used up first; money and number are fixed from here on."""
    wallet.number += 1
    customer = wallet.tables["customers"][row["customer"]]
    balance = customer["balance"]
    due = max(0, row["total"] + balance)
    row.update(
        number=row["number"] or f"SBX-{wallet.number:04d}",
        status="open",
        starting_balance=balance,
        amount_due=due,
        amount_remaining=due,
        effective_at=row["effective_at"] or wallet.now(),
        hosted_invoice_url=f"{wallet.public_url}/i/{row['id']}",
        invoice_pdf=f"{wallet.public_url}/i/{row['id']}/pdf",
    )
    row["status_transitions"]["finalized_at"] = wallet.now()
    customer["balance"] = min(0, row["total"] + balance) if balance < 0 else 0
    if 0 < due < MINIMUM.get(row["currency"], 0):
        customer["balance"] += due
        row.update(amount_due=0, amount_remaining=0)
    row["ending_balance"] = customer["balance"]
    if row["amount_due"]:
        _default_payment(wallet, row)
    tell(wallet, "invoice.finalized", shown(wallet, row))
    if not row["amount_due"]:
        mark_paid(wallet, row)


def _default_payment(wallet: Wallet, row: Row) -> None:
    """The payment that the hosted page would take, open until somebody pays."""
    intent = wallet.base("pi", "payment_intent") | {
        "amount": row["amount_due"],
        "amount_received": 0,
        "currency": row["currency"],
        "customer": row["customer"],
        "latest_charge": None,
        "status": "requires_payment_method",
    }
    wallet.save("payment_intents", intent)
    add_payment(wallet, row, "payment_intent", intent["id"], row["amount_due"], paid=False, is_default=True)


def add_payment(wallet: Wallet, row: Row, kind: str, reference: str, amount: int, *, paid: bool, is_default: bool = False) -> Row:
    """How a payment is tied to an invoice; neither of them names the other."""
    part = wallet.base("inpay", "invoice_payment") | {
        "amount_paid": amount if paid else None,
        "amount_requested": amount,
        "currency": row["currency"],
        "invoice": row["id"],
        "is_default": is_default,
        "payment": {"type": kind, kind: reference},
        "status": "paid" if paid else "open",
        "status_transitions": {"canceled_at": None, "paid_at": wallet.now() if paid else None},
    }
    del part["metadata"]
    return wallet.save("invoice_payments", part)


def take(wallet: Wallet, row: Row, amount: int) -> None:
    """An amount came in, by whatever way: more than is due is overpaid and goes to the customer's balance."""
    applied = min(amount, row["amount_remaining"])
    over = amount - applied
    row.update(
        amount_paid=row["amount_paid"] + applied,
        amount_remaining=row["amount_remaining"] - applied,
        amount_overpaid=row["amount_overpaid"] + over,
    )
    if over:
        wallet.tables["customers"][row["customer"]]["balance"] -= over
        tell(wallet, "invoice.overpaid", shown(wallet, row))
    if row["amount_remaining"]:
        tell(wallet, "invoice.updated", shown(wallet, row), {"amount_paid": row["amount_paid"] - applied})
    elif row["status"] != "paid":
        mark_paid(wallet, row)


def mark_paid(wallet: Wallet, row: Row) -> None:
    row["status"] = "paid"
    row["status_transitions"]["paid_at"] = wallet.now()
    for part in _open_parts(wallet, row):
        part["status"], part["status_transitions"]["canceled_at"] = "canceled", wallet.now()
    tell(wallet, "invoice.paid", shown(wallet, row))


def _open_parts(wallet: Wallet, row: Row) -> list[Row]:
    return [part for part in wallet.tables["invoice_payments"].values() if part["invoice"] == row["id"] and part["status"] == "open"]


def send(wallet: Wallet, fields: Row, id: str) -> Row:
    """No mail leaves a sandbox, but the event does. A draft is finalized first."""
    only(fields, ())
    row = living(wallet, id)
    if row["status"] not in ("draft", "open"):
        raise wrong_state(row, "sent")
    if row["status"] == "draft":
        _open(wallet, row)
    tell(wallet, "invoice.sent", shown(wallet, row))
    return shown(wallet, row)


def void(wallet: Wallet, fields: Row, id: str) -> Row:
    only(fields, ())
    row = living(wallet, id)
    if row["status"] not in ("open", "uncollectible") or row["amount_paid"]:
        raise wrong_state(row, "voided")
    row.update(status="void", amount_remaining=0)
    row["status_transitions"]["voided_at"] = wallet.now()
    for part in _open_parts(wallet, row):
        part["status"] = "canceled"
    tell(wallet, "invoice.voided", shown(wallet, row))
    return shown(wallet, row)


def mark_uncollectible(wallet: Wallet, fields: Row, id: str) -> Row:
    only(fields, ())
    row = living(wallet, id)
    if row["status"] != "open":
        raise wrong_state(row, "marked uncollectible")
    row["status"] = "uncollectible"
    row["status_transitions"]["marked_uncollectible_at"] = wallet.now()
    tell(wallet, "invoice.marked_uncollectible", shown(wallet, row))
    return shown(wallet, row)


def pay(wallet: Wallet, fields: Row, id: str) -> Row:
    """Only the settling without Stripe: this miniature knows no payment methods."""
    only(fields, ("paid_out_of_band",))
    row = living(wallet, id)
    if row["status"] not in ("open", "uncollectible"):
        raise wrong_state(row, "paid")
    if not flag("paid_out_of_band", fields.get("paid_out_of_band", "false")):
        raise Refusal(402, "There is no payment method to charge.", code="invoice_payment_intent_requires_action", kind="card_error")
    record = wallet.save("payment_records", wallet.base("pr", "payment_record") | {"amount": row["amount_remaining"]})
    add_payment(wallet, row, "payment_record", record["id"], row["amount_remaining"], paid=True)
    take(wallet, row, row["amount_remaining"])
    return shown(wallet, row)
