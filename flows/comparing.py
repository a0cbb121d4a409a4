"""Both sides of one record next to each other, every difference marked: from the stored proof, or from a look at both sides now."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, InvoiceLine, InvoiceStatus
from connectors.canonical.money import Money
from connectors.canonical.order import Order
from flows.models import SyncRecord
from flows.preview import Preview
from flows.recipes.contract import Change
from flows.recipes.desired_books import DesiredBooks
from flows.recipes.looks import LinkOf, Now


@dataclass(frozen=True, slots=True)
class Row:
    """One thing on both sides. off: by how much they differ, or a word; "" when they agree or need not."""

    label: str
    here: str
    there: str
    off: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One change of a plan as what stands and what would stand instead."""

    verb: str
    what: str
    title: str
    rows: tuple[Row, ...] = ()


# ---- what is stored ----------------------------------------------------------------------------------------


def stored_rows(record: SyncRecord) -> tuple[Row, ...]:
    """The proof of the last sync; nothing where there was none, or where what was posted is gone."""
    if record.total is None or record.invoiced is None or not record.currency or is_taken_out(record):
        return ()
    money = {name: _money(getattr(record, name), record.currency) for name in ("total", "refunded", "invoiced", "captured", "paid")}
    worth = money["total"] - money["refunded"]
    return (
        Row("Order total", str(money["total"]), ""),
        Row("Refunded", str(money["refunded"]), ""),
        _amounts("Comes to", worth, money["invoiced"]),
        _amounts("Paid", money["captured"], money["paid"]),
    )


def is_taken_out(record: SyncRecord) -> bool:
    """Whether a person had it voided and that went through: its proof is that nothing stands in the books."""
    return record.hold == SyncRecord.Hold.VOID and record.invoiced == 0 and record.paid == 0


def _money(amount: Decimal | None, currency: str) -> Money:
    return Money(amount or Decimal(0), currency)


def _amounts(label: str, here: Money, there: Money | None) -> Row:
    if there is None or there.currency != here.currency:
        return Row(label, str(here), str(there) if there else "-", "differs" if there else "missing")
    return Row(label, str(here), str(there), "" if here == there else f"off by {there - here}")


# ---- a look at both sides now ------------------------------------------------------------------------------


def rows_now(seen: Preview) -> tuple[Row, ...]:
    """An order and its invoice as they are now; nothing for other records."""
    wanted, invoice = seen.desired, invoice_of(seen)
    if not isinstance(wanted, DesiredBooks) or not isinstance(seen.value, Order):
        return ()
    order, should = seen.value, wanted.invoice
    is_void = invoice is not None and invoice.status is InvoiceStatus.VOID
    amount = None if invoice is None else _money(None, order.currency) if is_void else invoice.amount
    rows = [
        _texts("Number", wanted.invoice_number, _field(invoice, "number")),
        _texts("Date", _text(should.issued_on) if should else "-", _field(invoice, "issued_on")),
        Row("Buyer", order.customer.name or order.customer.email or "-", ""),
        _texts("Currency", order.currency, _field(invoice, "currency")),
        Row("State", order.status, "" if invoice is None else invoice.status.value, "void" if is_void and should else ""),
        Row("Order total", str(wanted.source_total), ""),
        Row("Refunded", str(wanted.refunded), ""),
        _amounts("Comes to", wanted.target, amount),
        _amounts("Paid", wanted.captured, invoice.paid if invoice else None),
    ]
    return tuple(rows) if should else tuple(row for row in rows if row.label not in ("Number", "Date"))


def _field(invoice: Invoice | None, name: str) -> str:
    return "-" if invoice is None else _text(getattr(invoice, name))


def lines_now(seen: Preview) -> tuple[Row, ...]:
    """The invoice's lines as they should be and as they are."""
    wanted, invoice = seen.desired, invoice_of(seen)
    should = wanted.invoice.lines if isinstance(wanted, DesiredBooks) and wanted.invoice else ()
    return tuple(_paired(should, invoice.lines if invoice else ()))


def invoice_of(seen: Preview) -> Invoice | None:
    """The invoice that stands for the record now, as far as the plan looked at it."""
    if not isinstance(seen.desired, DesiredBooks):
        return None
    link = seen.seen.get(LinkOf(ObjectType.INVOICE, seen.desired.order_id))
    return cast("Invoice | None", seen.seen.get(Now(ObjectType.INVOICE, link.destination_id))) if link else None


def _paired(should: Sequence[InvoiceLine], there: Sequence[InvoiceLine]) -> list[Row]:
    pairs = [(should[n] if n < len(should) else None, there[n] if n < len(there) else None) for n in range(max(len(should), len(there)))]
    return [_texts(f"Line {n + 1}", _line(left), _line(right)) for n, (left, right) in enumerate(pairs)]


def _line(line: InvoiceLine | None) -> str:
    if line is None:
        return "-"
    taxes = ", ".join(f"{tax.name} {tax.percent.normalize():f} %" for tax in line.taxes)
    return f"{line.quantity.normalize():f} x {line.name} at {line.unit_price}" + (f" + {taxes}" if taxes else "")


def _texts(label: str, here: str, there: str) -> Row:
    return Row(label, here, there, "" if here == there else "missing" if "-" in (here, there) else "differs")


# ---- a plan as a diff --------------------------------------------------------------------------------------


def differences_of(seen: Preview) -> tuple[Difference, ...]:
    """Each change of the plan: what stands now on the left, what would stand on the right."""
    return tuple(_difference(change, seen.seen) for change in seen.plan.changes)


def _difference(change: Change, seen: Mapping[Any, Any]) -> Difference:
    before = seen.get(Now(change.object_type, change.target_id)) if change.target_id else None
    verb = change.does.replace("_", " ")
    return Difference(verb, change.object_type.value.replace("_", " "), change.title, tuple(_changed(before, change.value)))


_SILENT = ("id", "fingerprint", "updated_at", "customer_id", "invoice_id", "billing", "outstanding", "status", "locked", "url", "paid")


def _changed(before: Any, after: Any) -> list[Row]:
    """The fields that change; of something new, all that say something."""
    if not dataclasses.is_dataclass(after):
        return []
    found = []
    for field in dataclasses.fields(after):
        left, right = getattr(before, field.name, None), getattr(after, field.name)
        if right is None or field.name in _SILENT or (field.name == "amount" and isinstance(after, Invoice)):
            continue  # what is not said is not written
        if field.name == "lines":
            found += [row for row in _paired(left or (), right) if row.off]
        elif _text(left) != _text(right):
            found.append(Row(field.name.replace("_", " ").capitalize(), _text(left), _text(right), "differs"))
    return found


def _text(value: Any) -> str:
    if value is None or value in ("", (), False):
        return "-"
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, Money)):
        return ", ".join(_text(getattr(value, field.name)) for field in dataclasses.fields(value) if getattr(value, field.name)) or "-"
    return str(value)
