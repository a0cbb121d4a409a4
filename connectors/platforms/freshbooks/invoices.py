"""Invoices: written with their lines, read back with the totals that FreshBooks computed. Statuses are never written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.canonical.ledger import Invoice, InvoiceStatus
from connectors.canonical.party import Address, Customer
from connectors.kit.account import Account
from connectors.kit.contract import Writes
from connectors.kit.errors import Refused
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.clients import address_fields
from connectors.platforms.freshbooks.countries import country_code
from connectors.platforms.freshbooks.fields import (
    TEXT_LIMIT,
    clean,
    day_text,
    eastern,
    filled,
    is_deleted,
    number_text,
    read_id,
    read_money,
)
from connectors.platforms.freshbooks.lines import fingerprint, keep_line_ids, read_lines, write_line
from connectors.platforms.freshbooks.links import invoice_url

INVOICES = fb.Resource("invoices/invoices", "invoice", "invoices")
WITH_LINES = fb.includes("lines")


# ---- reading -----------------------------------------------------------------------------------------------


def read_invoice(invoice: Tame, account: Account, email: str = "") -> Invoice:
    """An invoice as FreshBooks shows it. lines and fingerprint are empty when the lines were not asked for."""
    lines = read_lines(invoice)
    lock = invoice.get("lock_status").text_or()
    id, customer_id = read_id(invoice["id"]), read_id(invoice["customerid"])
    number, issued_on = invoice["invoice_number"].text_or(), invoice["create_date"].day()
    discount = number_text(invoice.get("discount_value").decimal_or(Decimal(0)))
    head = (customer_id, day_text(issued_on), number, discount)
    return Invoice(
        customer_id=customer_id,
        number=number,
        reference=invoice.get("po_number").text_or(),
        issued_on=issued_on,
        currency=invoice["currency_code"].currency(),
        lines=lines,
        notes=invoice.get("notes").text_or(),
        billing=_billing(invoice, customer_id, email),
        id=id,
        amount=read_money(invoice["amount"]),
        paid=read_money(invoice["paid"]),
        outstanding=read_money(invoice["outstanding"]),
        status=_status(invoice),
        locked=lock not in ("", "unlocked"),
        fingerprint="" if invoice.get("lines").is_null else fingerprint(head, lines),
        updated_at=eastern(invoice.get("updated")),
        url=invoice_url(account, id),
        due_on=None if invoice.get("due_date").is_null else invoice["due_date"].day(),
        discount_percent=Decimal(discount),
    )


def _status(invoice: Tame) -> InvoiceStatus:
    """From display_status and v3_status: a paid or partly paid invoice keeps the number of "sent" (recorded)."""
    if is_deleted(invoice):
        return InvoiceStatus.VOID
    shown = invoice.get("display_status").text_or() or invoice.get("v3_status").text_or()
    return InvoiceStatus.DRAFT if shown in ("draft", "created") else InvoiceStatus.SENT


def _billing(invoice: Tame, customer_id: str, email: str) -> Customer:
    def part(name: str) -> str:
        return invoice.get(name).text_or()

    given, family, company = part("fname"), part("lname"), part("organization")
    address = Address(
        given_name=given,
        family_name=family,
        company=company,
        line1=part("street"),
        line2=part("street2"),
        city=part("city"),
        region=part("province"),
        postcode=part("code"),
        country=country_code(part("country")),
    )
    return Customer(
        id=customer_id,
        email=email,
        given_name=given,
        family_name=family,
        company=company,
        billing=address,
        tax_number=part("vat_number"),
    )


# ---- writing -----------------------------------------------------------------------------------------------


def _billing_fields(customer: Customer | None) -> dict[str, str]:
    """Name and address on the document itself; without them FreshBooks copies the client's."""
    if customer is None:
        return {}
    names = {
        "fname": clean(customer.given_name),
        "lname": clean(customer.family_name),
        "organization": clean(customer.company),
        "vat_number": clean(customer.tax_number),
    }
    address = address_fields(customer.billing, "")
    # All of the address or nothing of it: an order's address must not be mixed with lines of the client's.
    return filled(names) | (address if any(address.values()) else {})


def _fields(invoice: Invoice) -> dict[str, Any]:
    return {
        "customerid": int(invoice.customer_id),
        "create_date": day_text(invoice.issued_on),
        "invoice_number": invoice.number,  # number and reference are our marker: never cut, rather refused
        "po_number": invoice.reference,
        "notes": clean(invoice.notes, TEXT_LIMIT),
        "lines": [write_line(line) for line in invoice.lines],
        **_billing_fields(invoice.billing),
    }


def find_invoices(api: Api, wanted: Invoice) -> tuple[Invoice, ...]:
    """Those with exactly this number that are not deleted, oldest first."""
    params = [("search[invoice_number]", wanted.number), *WITH_LINES]
    found = [
        read_invoice(row, api.account)
        for row in fb.rows(api, INVOICES, params)
        if row.get("invoice_number").text_or() == wanted.number and not is_deleted(row)
    ]
    return tuple(sorted(found, key=lambda invoice: int(invoice.id)))


def owns(found: Invoice, wanted: Invoice) -> bool:
    """Ours is what carries number, reference and client; the same number alone may be a person's, or another shop's order."""
    return (found.number, found.reference, found.customer_id) == (wanted.number, wanted.reference, wanted.customer_id)


def create_invoice(api: Api, invoice: Invoice) -> Invoice:
    """Make a draft; amount and outstanding come back as FreshBooks computed them."""
    fields = _fields(invoice) | {"currency_code": invoice.currency}
    return fb.create(api, INVOICES, fields, lambda row: read_invoice(row, api.account), WITH_LINES)


def get_invoice(api: Api, id: str) -> Invoice:
    return read_invoice(fb.read_one(api, INVOICES, id, WITH_LINES), api.account)


def update_invoice(api: Api, id: str, invoice: Invoice) -> Invoice:
    """Write head and all lines; the lines are replaced as a set, those that stay keep their ids."""
    present = fb.read_one(api, INVOICES, id, WITH_LINES)
    fields = _fields(invoice)
    fields["lines"] = keep_line_ids(fields["lines"], present.get("lines").items_or_none())
    return read_invoice(fb.change(api, INVOICES, id, fields, WITH_LINES), api.account)


def _mark_sent(api: Api, id: str) -> Invoice:
    """Take it out of draft without an e-mail. The action goes alone: with fields beside it these are dropped."""
    try:
        changed = fb.change(api, INVOICES, id, {"action_mark_as_sent": True}, WITH_LINES)
    except Refused:
        present = get_invoice(api, id)  # a repeat after a lost answer may be refused because it is done
        if present.status is InvoiceStatus.SENT:
            return present
        raise
    return read_invoice(changed, api.account)


def _set_visible(state: int) -> Any:
    def act(api: Api, id: str) -> Invoice:
        return read_invoice(fb.change(api, INVOICES, id, {"vis_state": state}, WITH_LINES), api.account)

    return act


WRITES = Writes(
    find=find_invoices,
    create=create_invoice,
    get=get_invoice,
    update=update_invoice,
    actions={"mark_sent": _mark_sent, "void": _set_visible(1), "restore": _set_visible(0)},
    owns=owns,
)
