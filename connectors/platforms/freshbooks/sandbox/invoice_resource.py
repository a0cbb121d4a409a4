"""The invoice endpoint of the FreshBooks sandbox: which filters, sorts and functions it has."""

from __future__ import annotations

from connectors.platforms.freshbooks.sandbox.invoice_view import show_invoice, v3_status
from connectors.platforms.freshbooks.sandbox.invoices import create_invoice, hide_invoice, remove_invoice, update_invoice
from connectors.platforms.freshbooks.sandbox.resource import Resource
from connectors.platforms.freshbooks.sandbox.search import Filter, between_amounts, between_days, equals, like, one_of
from connectors.platforms.freshbooks.sandbox.state import Table

# status, statusid, payment_status, create_date_* and po_number are no filters: they are ignored (seen live, or undocumented).
INVOICES = Resource(
    path="invoices/invoices",
    single="invoice",
    plural="invoices",
    label="Invoice",
    scopes=("invoices",),
    id_field="invoiceid",
    make_table=lambda first: Table(
        830001 + first,
        {"invoice_number": lambda row: row["invoice_number"], "customerid": lambda row: row["customerid"]},
    ),
    show=show_invoice,
    create=create_invoice,
    update=update_invoice,
    hide=hide_invoice,
    remove=remove_invoice,
    filters={
        "invoiceid": equals("invoiceid"),
        "invoiceids": one_of("invoiceid"),
        "customerid": equals("customerid"),
        "customerids": one_of("customerid"),
        "invoice_number": equals("invoice_number"),
        "number_like": like("invoice_number"),
        "v3_status": Filter(lambda row, value, books: v3_status(books, row) == value),
        **between_days("date", "create_date"),
        **between_days("updated", "updated"),
        **between_amounts("paid", "paid"),
        **between_amounts("outstanding", "outstanding"),
    },
    sorts={"invoice_date": lambda row: row["create_date"]},
)
