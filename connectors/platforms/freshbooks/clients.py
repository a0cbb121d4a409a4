"""Clients: the customers of the books. The e-mail is not unique there, so we search first and choose."""

from __future__ import annotations

from typing import Any

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.party import Address, Customer
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw, Reads, Writes
from connectors.kit.errors import Gone
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.countries import country_code, country_name
from connectors.platforms.freshbooks.fields import TEXT_LIMIT, clean, eastern, filled, is_deleted, read_id

CLIENTS = fb.Resource("users/clients", "client", "clients")


# ---- reading -----------------------------------------------------------------------------------------------


def page_clients(api: Api, window: Window, cursor: str | None) -> Page:
    return fb.changed_page(api, CLIENTS, ObjectType.CUSTOMER, window, cursor)


def fetch_client(api: Api, id: str) -> Raw:
    """The client as raw JSON; Gone also when it was deleted."""
    client = fb.read_one(api, CLIENTS, id)
    if is_deleted(client):
        raise Gone(f"The client {id} was deleted in FreshBooks.")
    return dict(client.mapping())


def normalise_client(raw: Raw, account: Account) -> Customer:
    return read_client(Tame(raw, "client"))


def read_client(client: Tame) -> Customer:
    given, family = client.get("fname").text_or(), client.get("lname").text_or()
    company = client.get("organization").text_or()
    phone = next((text for name in ("bus_phone", "mob_phone", "home_phone") if (text := client.get(name).text_or())), "")
    return Customer(
        id=read_id(client["id"]),
        email=client.get("email").text_or(),
        given_name=given,
        family_name=family,
        company=company,
        phone=phone,
        billing=_address(client, "p", given, family, company, phone),
        shipping=_address(client, "s", given, family, company, ""),
        tax_number=client.get("vat_number").text_or(),
        currency=client.get("currency_code").text_or(),
        note=client.get("note").text_or(),
        updated_at=eastern(client.get("updated")),
    )


def _address(client: Tame, side: str, given: str, family: str, company: str, phone: str) -> Address:
    def part(name: str) -> str:
        return client.get(f"{side}_{name}").text_or()

    address = Address(
        line1=part("street"),
        line2=part("street2"),
        city=part("city"),
        region=part("province"),
        postcode=part("code"),
        country=country_code(part("country")),
    )
    if address == Address():
        return address
    return Address(
        given, family, company, address.line1, address.line2, address.city, address.region, address.postcode, address.country, phone
    )


# ---- writing -----------------------------------------------------------------------------------------------


def address_fields(address: Address, prefix: str) -> dict[str, str]:
    """An address under FreshBooks' names: p_street ... on clients, street ... on invoices."""
    return {
        f"{prefix}street": clean(address.line1),
        f"{prefix}street2": clean(address.line2),
        f"{prefix}city": clean(address.city),
        f"{prefix}province": clean(address.region),
        f"{prefix}code": clean(address.postcode),
        f"{prefix}country": clean(country_name(address.country)),
    }


def _given_address(address: Address, prefix: str) -> dict[str, str]:
    """All parts of an address that says anything (a new one without second line must clear the old), none of an empty one."""
    fields = address_fields(address, prefix)
    return fields if any(fields.values()) else {}


def _fields(customer: Customer) -> dict[str, Any]:
    names = {
        "fname": clean(customer.given_name),
        "lname": clean(customer.family_name),
        "organization": clean(customer.company),
        "email": customer.email.strip(),
        "bus_phone": clean(customer.phone or customer.billing.phone),
        "vat_number": clean(customer.tax_number),
    }
    return filled(names) | _given_address(customer.billing, "p_") | _given_address(customer.shipping, "s_")


def find_clients(api: Api, wanted: Customer) -> tuple[Customer, ...]:
    """Those with exactly this e-mail (case apart), active before archived, then the oldest.

    A customer without e-mail is found by our marker in its note together with its names.
    """
    found: dict[int, Tame] = {}
    for params in _searches(wanted):
        for row in fb.rows(api, CLIENTS, params):
            if not is_deleted(row) and _is_wanted(read_client(row), wanted):
                found[row["id"].integer()] = row
    ordered = sorted(found.items(), key=lambda pair: (_state(pair[1]) != 0, pair[0]))
    return tuple(read_client(row) for _, row in ordered)


def _searches(wanted: Customer) -> list[list[tuple[str, str]]]:
    if wanted.email_key:
        # Whether the filter minds case is not told: both spellings are asked for.
        return [[("search[email]", text)] for text in dict.fromkeys((wanted.email.strip(), wanted.email_key))]
    note = clean(wanted.note, TEXT_LIMIT)
    return [[("search[note_like]", note[:100])]] if note else []


def _is_wanted(found: Customer, wanted: Customer) -> bool:
    if wanted.email_key:
        return found.email_key == wanted.email_key
    names = (clean(wanted.given_name), clean(wanted.family_name), clean(wanted.company))
    return found.note.strip() == clean(wanted.note, TEXT_LIMIT) and names == (found.given_name, found.family_name, found.company)


def _state(client: Tame) -> int:
    state = client.get("vis_state")
    return 0 if state.is_null else state.integer()


def create_client(api: Api, customer: Customer) -> Customer:
    extra = filled({"currency_code": customer.currency, "note": clean(customer.note, TEXT_LIMIT)})
    return fb.create(api, CLIENTS, _fields(customer) | extra, read_client)


def get_client(api: Api, id: str) -> Customer:
    return read_client(Tame(fetch_client(api, id), "client"))


def update_client(api: Api, id: str, customer: Customer) -> Customer:
    """Write the shop's details over the client's; its currency and note belong to the bookkeeper by then."""
    return read_client(fb.change(api, CLIENTS, id, _fields(customer)))


def _remove(api: Api, id: str) -> Customer:
    return read_client(fb.change(api, CLIENTS, id, {"vis_state": 1}))


def _restore(api: Api, id: str) -> Customer:
    return read_client(fb.change(api, CLIENTS, id, {"vis_state": 0}))


READS = Reads(fetch=fetch_client, normalise=normalise_client, page=page_clients)
ACTIONS = {"remove": _remove, "restore": _restore}
WRITES = Writes(find=find_clients, create=create_client, get=get_client, update=update_client, actions=ACTIONS)
