"""Buyers and their addresses, as orders and customer accounts both carry them."""

from __future__ import annotations

from connectors.canonical.party import NO_ADDRESS, Address
from connectors.kit.tame import Tame


def read_address(block: Tame, *, account: bool = False) -> Address:
    """An order's or an account's address; null is none. A list of street lines becomes two: further ones join the second.

    An order tells the region as text and code, an account as an object; free regions have no code.
    """
    if block.is_null:
        return NO_ADDRESS

    def text(name: str) -> str:
        return block.get(name).text_or().strip()

    street = [line.text_or().strip() for line in block.get("street").items_or_none()]
    street = [line for line in street if line]
    return Address(
        given_name=text("firstname"),
        family_name=text("lastname"),
        company=text("company"),
        line1=street[0] if street else "",
        line2=", ".join(street[1:]),
        city=text("city"),
        region=_region(block, account),
        postcode=text("postcode"),
        country=text("country_id").upper(),
        phone=text("telephone"),
    )


def _region(block: Tame, account: bool) -> str:
    """The region's code where the country has codes, else its name."""
    place = block.get("region") if account else block
    if place.is_null:
        return ""
    return place.get("region_code").text_or().strip() or place.get("region").text_or().strip()


def flag(value: Tame) -> bool:
    """A yes or no that is left out where it is no."""
    return False if value.is_null else value.boolean()
