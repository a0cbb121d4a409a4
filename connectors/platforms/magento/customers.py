"""Customer accounts of the shop: read, found by e-mail, made and changed. Guests have none and live in their orders only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.party import Customer
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw
from connectors.kit.errors import NeedsAttention
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.magento.addresses import with_addresses
from connectors.platforms.magento.api import read_object, send
from connectors.platforms.magento.paging import Walk, turn_page
from connectors.platforms.magento.parties import flag, read_address
from connectors.platforms.magento.search import Filter, search_all

_PATH = "/customers"
_SEARCH = "/customers/search"
# What the shop computes itself, and what is left alone by leaving it out: a list of addresses replaces all that were there.
_NOT_SENT = frozenset(
    {"addresses", "created_at", "updated_at", "created_in", "default_billing", "default_shipping", "extension_attributes"}
)


def page_customers(api: Api, window: Window, cursor: str | None) -> Page:
    """Changed accounts. A change of an address alone may leave the time of change as it was (long known at Magento)."""
    return turn_page(api, Walk(_SEARCH, ObjectType.CUSTOMER, "id"), window, cursor)


def fetch_customer(api: Api, customer_id: str) -> Raw:
    """{"customer": ...}; raises Gone when it does not exist."""
    return {"customer": dict(read_object(api, _PATH, customer_id, "customer").mapping())}


def normalise_customer(raw: Raw, account: Account) -> Customer:
    return read_customer(Tame(Tame(raw, "raw")["customer"].value, "customer"), account)


def read_customer(customer: Tame, account: Account) -> Customer:
    """The account with its default addresses; company and phone are those of the billing address, for accounts have none."""
    billing = read_address(default_address(customer, "billing"), account=True)
    return Customer(
        id=customer["id"].known_identifier(),
        email=customer["email"].text_or(),
        given_name=customer["firstname"].text_or() or billing.given_name,
        family_name=customer["lastname"].text_or() or billing.family_name,
        company=billing.company,
        phone=billing.phone,
        billing=billing,
        shipping=read_address(default_address(customer, "shipping"), account=True),
        tax_number=customer.get("taxvat").text_or(),
        currency=account.currency,
        updated_at=customer.get("updated_at").time_or_none(),
    )


def default_address(customer: Tame, side: str) -> Tame:
    """The address that is flagged as the default of this side, null when none is."""
    for address in customer.get("addresses").items_or_none():
        if flag(address.get(f"default_{side}")):
            return address
    return Tame(None, f"customer.addresses.{side}")


# ---- writing -----------------------------------------------------------------------------------------------


def find_customers(api: Api, wanted: Customer) -> tuple[Customer, ...]:
    """The accounts with this e-mail; an e-mail is unique within one website, so several websites may have one each."""
    if not wanted.email_key:
        return ()
    rows = search_all(api, _SEARCH, (Filter("email", wanted.email.strip()),), "id")
    found = [read_customer(Tame(row, "customer"), api.account) for row in rows]
    return tuple(one for one in found if one.email_key == wanted.email_key)


def get_customer(api: Api, customer_id: str) -> Customer:
    return normalise_customer(fetch_customer(api, customer_id), api.account)


def create_customer(api: Api, customer: Customer) -> Customer:
    """A new account without a password; the shop may mail the customer to choose one (a setting of the shop)."""
    body = {**_own_fields(customer, {}), **_scope(api.account)}
    body.update(with_addresses(api, customer, []))
    answer = send(api, "POST", _PATH, {"customer": body}, Effect.CREATE)
    return read_customer(Tame(answer.value, "customer"), api.account)


def update_customer(api: Api, customer_id: str, customer: Customer) -> Customer:
    """Read, merge, write: old releases want e-mail, names and website with every change, and addresses are replaced as a whole."""
    now = Tame(fetch_customer(api, customer_id)["customer"], "customer")
    kept = {name: value for name, value in now.mapping().items() if name not in _NOT_SENT}
    body = {**kept, **_own_fields(customer, kept)}
    body.update(with_addresses(api, customer, [dict(address.mapping()) for address in now.get("addresses").items_or_none()]))
    answer = send(api, "PUT", f"{_PATH}/{now['id'].known_identifier()}", {"customer": body}, Effect.REPEATABLE)
    return read_customer(Tame(answer.value, "customer"), api.account)


def _own_fields(customer: Customer, now: Mapping[str, Any]) -> dict[str, Any]:
    """What stands on the account itself. Magento wants both names; a company without a person lends its own."""
    given, family = customer.given_name.strip(), customer.family_name.strip()
    names = {"firstname": given or now.get("firstname") or customer.company, "lastname": family or now.get("lastname") or "-"}
    email = customer.email.strip()
    if not names["firstname"] or not email:
        missing = "an e-mail" if not email else "a name"
        raise NeedsAttention(
            f"{customer.name or 'The client'} has no {missing.split()[-1]}, and Magento takes no customer without one. "
            f"Enter {missing} in the books, then retry.",
            code="customer_incomplete",
        )
    fields: dict[str, Any] = {"email": email, **names}
    return fields | ({"taxvat": customer.tax_number.strip()} if customer.tax_number.strip() else {})


def _scope(account: Account) -> dict[str, int]:
    """Which website and store view a new account belongs to, as probing found out; else the shop decides by the address called."""
    found = {name: account.ids.get(name, "") for name in ("website_id", "store_id")}
    return {name: int(value) for name, value in found.items() if value.isdigit()}
