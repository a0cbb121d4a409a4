"""A line of ours in an invoice's notes, which are for its client; what a person wrote there stays."""

from __future__ import annotations

from connectors.canonical.ledger import InvoiceNote
from connectors.kit.contract import Writes
from connectors.kit.errors import Gone
from connectors.kit.http import Api
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.fields import TEXT_LIMIT, clean
from connectors.platforms.freshbooks.invoices import INVOICES


def _notes(api: Api, id: str) -> str:
    return fb.read_one(api, INVOICES, id).get("notes").text_or()


def find_note(api: Api, wanted: InvoiceNote) -> tuple[InvoiceNote, ...]:
    try:
        found = _notes(api, wanted.invoice_id)
    except Gone:
        return ()
    return (InvoiceNote(wanted.invoice_id, wanted.text, wanted.marker, wanted.invoice_id),) if wanted.marker in found else ()


def write_note(api: Api, note: InvoiceNote) -> InvoiceNote:
    """Write it below what stands there, instead of what it replaces. Written twice it stands there once."""
    present = _notes(api, note.invoice_id)
    if note.marker not in present:
        kept = [line for line in present.splitlines() if not (note.instead_of and line.startswith(note.instead_of))]
        text = "\n".join(filter(None, ("\n".join(kept).rstrip(), note.text)))
        fb.change(api, INVOICES, note.invoice_id, {"notes": clean(text, TEXT_LIMIT)})
    return InvoiceNote(note.invoice_id, note.text, note.marker, note.invoice_id)


WRITES = Writes(find=find_note, create=write_note)
