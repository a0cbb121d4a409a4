"""A customer's address book: merged with what is there, never emptied, and complete before it is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectors.canonical.party import NO_ADDRESS, Address, Customer
from connectors.kit.errors import Gone, NeedsAttention
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.magento.parties import read_address

Json = dict[str, Any]
# What every shop wants. Most want a phone number too, which is a setting of the shop: its own refusal tells.
_WANTED = (
    ("a first name", "given_name"),
    ("a last name", "family_name"),
    ("a street", "line1"),
    ("a city", "city"),
    ("a country", "country"),
)


def with_addresses(api: Api, customer: Customer, now: list[Json]) -> Json:
    """{"addresses": [...]} with every address that is to stay and its id, or {} where nothing is to change.

    A list replaces the whole book, so an empty one would delete it (observed): it is never sent. Raises NeedsAttention for an
    address that Magento would refuse.
    """
    book = [dict(address) for address in now]
    changed = False
    for side, wanted in (("billing", customer.billing), ("shipping", customer.shipping)):
        address = _completed(wanted, customer)
        if address != NO_ADDRESS:
            changed |= _put(api, book, side, address, customer)
    return {"addresses": book} if changed and book else {}


def _completed(address: Address, customer: Customer) -> Address:
    """The address with the names, company and phone of its customer where it has none of its own; an empty one stays empty."""
    if not any((address.line1, address.city, address.postcode)):
        return NO_ADDRESS
    return replace(
        address,
        given_name=address.given_name or customer.given_name or customer.company,
        family_name=address.family_name or customer.family_name or "-",
        company=address.company or customer.company,
        phone=address.phone or customer.phone,
    )


def _put(api: Api, book: list[Json], side: str, wanted: Address, customer: Customer) -> bool:
    """Bring the default address of one side to what is wanted; whether anything changed. One that serves both sides is split."""
    flag, other = f"default_{side}", "default_shipping" if side == "billing" else "default_billing"
    place = next((entry for entry in book if entry.get(flag) is True), None)
    if place is not None and read_address(Tame(place, "address"), account=True) == wanted:
        return False
    _check(wanted, customer)
    fields = _fields(api, wanted)
    twin = next((entry for entry in book if read_address(Tame(entry, "address"), account=True) == wanted), None)
    if twin is not None:
        twin[flag] = True
    elif place is None or (place.get(other) is True and _differs(customer, wanted)):
        book.append({**fields, flag: True})
    else:
        place.update(fields)
        return True
    if place is not None:
        place[flag] = False
    return True


def _differs(customer: Customer, wanted: Address) -> bool:
    """Whether the customer's two addresses are to be different ones from now on."""
    both = {_completed(address, customer) for address in (customer.billing, customer.shipping)}
    return bool(both - {wanted, NO_ADDRESS})


def _check(address: Address, customer: Customer) -> None:
    missing = [word for word, name in _WANTED if not getattr(address, name).strip()]
    if missing:
        raise NeedsAttention(
            f"The address of {customer.name} lacks {' and '.join(missing)}, without which Magento takes no address. Complete it on the "
            "client in the books, then retry.",
            code="address_incomplete",
            subject=f"address:{customer.email_key}",
        )


def _fields(api: Api, address: Address) -> Json:
    region = _region(api, address)
    return {
        "firstname": address.given_name,
        "lastname": address.family_name,
        "company": address.company,
        "street": [line for line in (address.line1, address.line2) if line],
        "city": address.city,
        "region": region,
        "region_id": region["region_id"],
        "postcode": address.postcode,
        "country_id": address.country,
        "telephone": address.phone,
    }


def _region(api: Api, address: Address) -> Json:
    """The region as Magento numbers it; where the country has no list, or not this one, its name alone."""
    free: Json = {"region": address.region, "region_code": address.region, "region_id": 0}
    if not address.region:
        return free
    try:
        country = api.get(f"/directory/countries/{_letters(address.country)}").json("country")
    except Gone:
        return free
    for known in country.get("available_regions").items_or_none():
        code, name = known.get("code").text_or(), known.get("name").text_or()
        if address.region.casefold() in (code.casefold(), name.casefold()):
            return {"region": name, "region_code": code, "region_id": known["id"].integer()}
    return free


def _letters(country: str) -> str:
    if len(country) != 2 or not country.isascii() or not country.isalpha():
        raise NeedsAttention(f'"{country}" is no country code. Correct the country of the address.', code="bad_country")
    return country.upper()
