"""Buyers and their addresses, as orders and customer accounts both carry them."""

from __future__ import annotations

from connectors.canonical.party import Address
from connectors.kit.tame import Tame


def read_address(block: Tame) -> Address:
    """A billing or shipping block; missing fields are empty text (shipping has no phone before about 5.6)."""

    def text(name: str) -> str:
        return block.get(name).text_or()

    return Address(
        given_name=text("first_name"),
        family_name=text("last_name"),
        company=text("company"),
        line1=text("address_1"),
        line2=text("address_2"),
        city=text("city"),
        region=text("state"),
        postcode=text("postcode"),
        country=text("country"),
        phone=text("phone"),
    )
