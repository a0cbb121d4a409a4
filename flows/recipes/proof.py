"""What stands at the end of a plan: the proof that both sides tie out, and what a person should know besides."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.canonical.money import Money


@dataclass(frozen=True, slots=True)
class TieOut:
    """The proof for one record: what the source says and what the books must show, to the last cent.

    captured: less what was given back, at most what the order is worth. beyond: what people recorded in the books on top of it
    (a bank transfer that the shop has not seen), theirs to judge.
    """

    number: str
    source_total: Money
    refunded: Money
    invoiced: Money
    captured: Money
    paid: Money
    beyond: Money | None = None

    @property
    def exact(self) -> bool:
        """Invoice = order total less what refunds took off; payments = captured less what was given back."""
        recorded = self.paid - self.beyond if self.beyond else self.paid
        return self.source_total - self.refunded == self.invoiced and self.captured == recorded


@dataclass(frozen=True, slots=True)
class Concern:
    """What a person should know although the destination is as it should be: an alert of this code and subject ("order:727"), until a
    later run of the same object ends without it.
    """

    code: str
    subject: str
    message: str
