"""Customer accounts of the sandbox shop, with an address book that a list replaces as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.platforms.magento.sandbox.announcing import announce
from connectors.platforms.magento.sandbox.state import Shop
from connectors.platforms.magento.sandbox.wire import Json, Refusal, no_entity, required

REGIONS: Mapping[str, tuple[tuple[int, str, str], ...]] = {
    "CA": (
        (66, "AB", "Alberta"),
        (67, "BC", "British Columbia"),
        (69, "NB", "New Brunswick"),
        (72, "NS", "Nova Scotia"),
        (74, "ON", "Ontario"),
        (75, "PE", "Prince Edward Island"),
        (76, "QC", "Quebec"),
    ),
    "US": ((49, "OR", "Oregon"), (57, "TX", "Texas")),
}
_OWN = ("email", "firstname", "lastname", "middlename", "prefix", "suffix", "taxvat", "group_id", "dob", "gender")
_NEEDED = ("firstname", "lastname", "street", "city", "country_id")


def find_customer(shop: Shop, customer_id: int) -> Json:
    if customer_id not in shop.customers:
        raise no_entity("customerId", customer_id)
    return shop.customers[customer_id]


def create_customer(shop: Shop, given: Mapping[str, Any]) -> Json:
    """A new account; the e-mail is unique within the website, whatever its case."""
    _check(shop, given, 0)
    number, at = shop.next_id("customer"), shop.stamp()
    customer: Json = {
        "id": number,
        "entity_id": number,
        "group_id": 1,
        "created_at": at,
        "updated_at": at,
        "created_in": "Default Store View",
        "store_id": int(given.get("store_id") or 1),
        "website_id": int(given.get("website_id") or 1),
        "addresses": [],
        "disable_auto_group_change": 0,
        "extension_attributes": {"is_subscribed": False},
        **{name: given[name] for name in _OWN if name in given},
    }
    _replace_book(shop, customer, list(given.get("addresses") or []))
    shop.customers[number] = customer
    announce(shop, "customers/created", number)
    return customer


def update_customer(shop: Shop, customer_id: int, given: Mapping[str, Any]) -> Json:
    """Addresses left out stay, an empty list deletes them all, a list replaces them (observed). Unknown attributes are dropped."""
    customer = find_customer(shop, customer_id)
    _check(shop, {**customer, **given}, customer_id)
    if given.get("addresses") is not None:
        _replace_book(shop, customer, list(given["addresses"]))
    customer.update({name: given[name] for name in _OWN if name in given})
    customer["updated_at"] = shop.stamp()
    announce(shop, "customers/updated", customer_id)
    return customer


def _check(shop: Shop, given: Mapping[str, Any], own_id: int) -> None:
    for field in ("email", "firstname", "lastname"):
        if not given.get(field):
            raise required(field)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(given["email"])):
        raise Refusal(400, '"%fieldName" is not a valid email address.', {"fieldName": "Email"})
    taken = [one["id"] for one in shop.customers.values() if one["email"].casefold() == str(given["email"]).casefold()]
    if any(one != own_id for one in taken):
        raise Refusal(400, "A customer with the same email address already exists in an associated website.")


def _replace_book(shop: Shop, customer: Json, addresses: list[Json]) -> None:
    known = {address["id"]: address for address in customer["addresses"]}
    book = [_address(shop, customer, dict(address), known) for address in addresses]
    customer["addresses"] = book
    for side in ("billing", "shipping"):
        chosen = [address["id"] for address in book if address.get(f"default_{side}")]
        customer[f"default_{side}"] = str(chosen[-1]) if chosen else None


def _address(shop: Shop, customer: Json, given: Json, known: Mapping[int, Json]) -> Json:
    if given.get("id") and int(given["id"]) not in known:
        raise no_entity("addressId", given["id"])
    for field in (*_NEEDED, "telephone") if shop.switches.telephone_required else _NEEDED:
        if not given.get(field):
            raise required(field)
    given["id"] = int(given["id"]) if given.get("id") else shop.next_id("address")
    region = given.get("region") if isinstance(given.get("region"), dict) else {}
    region_id = int(given.get("region_id") or (region or {}).get("region_id") or 0)
    found = next((one for one in REGIONS.get(given["country_id"], ()) if one[0] == region_id), None)
    if found is None and given["country_id"] in REGIONS:
        raise required("regionId")
    code, name = (found[1], found[2]) if found else ((region or {}).get("region"), (region or {}).get("region"))
    given["region"] = {"region_code": code, "region": name, "region_id": region_id}
    given["region_id"], given["customer_id"] = region_id, customer["id"]
    return {key: value for key, value in given.items() if value not in (False, None) or key == "id"}


def country(code: str) -> Json:
    """A country as the directory shows it; one without a list of regions leaves it out."""
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise Refusal(404, "The country isn't available.")
    regions = [{"id": str(number), "code": short, "name": name} for number, short, name in REGIONS.get(code, ())]
    shown: Json = {"id": code, "two_letter_abbreviation": code}
    return {**shown, "available_regions": regions} if regions else shown
