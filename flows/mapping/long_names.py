"""Names of the shop that no mapping can hold: refused in a sentence and never cut, as a cut one would stand for something else."""

from __future__ import annotations

from connectors.kit.errors import NeedsAttention
from flows.models.mapping import LONGEST_NAME


def refuse_long(what: str, name: str) -> None:
    """Raises NeedsAttention for a name that is too long. what: as it begins the sentence ("SKU")."""
    if len(name) > LONGEST_NAME:
        raise NeedsAttention(
            f"{what} {name[:30]}... is longer than the {LONGEST_NAME} letters that a mapping takes. Give it a shorter one in the shop, "
            "then retry.",
            code="name_too_long",
        )
