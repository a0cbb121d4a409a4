"""What came back, or went round, in the demo: one line of its report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Return:
    """A payment that a person recorded in the books, and what became of its order in the shop. story: for all else that came back, what
    to tell of it.
    """

    platform: str
    order: str
    invoice_number: str
    amount: str
    currency: str
    status: str
    notes: int
    ok: bool
    story: str = ""
