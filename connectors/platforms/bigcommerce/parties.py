"""Buyers and their addresses: orders (v2) and customer accounts (v3) name the same fields differently."""

from __future__ import annotations

from connectors.canonical.party import Address
from connectors.kit.tame import Tame

_V2 = ("street_1", "street_2", "state", "zip", "country_iso2")
_V3 = ("address1", "address2", "state_or_province", "postal_code", "country_code")


def read_order_address(block: Tame) -> Address:
    """The billing address or a shipping address of an order."""
    return _address(block, _V2)


def read_account_address(block: Tame) -> Address:
    """An address of a customer account."""
    return _address(block, _V3)


def _address(block: Tame, names: tuple[str, str, str, str, str]) -> Address:
    line1, line2, region, postcode, country = names

    def text(name: str) -> str:
        return block.get(name).text_or().strip()

    return Address(
        given_name=text("first_name"),
        family_name=text("last_name"),
        company=text("company"),
        line1=text(line1),
        line2=text(line2),
        city=text("city"),
        region=text(region),
        postcode=text(postcode),
        country=text(country).upper(),
        phone=text("phone"),
    )
