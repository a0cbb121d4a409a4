"""Customers: who is billed. Our marker is in their metadata; the e-mail is not unique, and the search lags behind what was written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors.canonical.party import Address, Customer
from connectors.kit.contract import Writes
from connectors.kit.errors import NeedsAttention
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.stripe import api as stripe
from connectors.platforms.stripe.amounts import read_time

PATH = "/v1/customers"
MARKER = "tillbridge"  # the metadata key of our marker, on customers, invoices and webhook endpoints
TEXT_LIMIT = 500


def address_of(id: str) -> str:
    return f"{PATH}/{stripe.path_id(('cus_',), id)}"


# ---- reading -----------------------------------------------------------------------------------------------


def marker_of(found: Tame) -> str:
    """Our marker in an object's metadata, "" when it carries none."""
    metadata = found.get("metadata")
    return "" if metadata.is_null else metadata.get(MARKER).text_or()


def read_customer(customer: Tame) -> Customer:
    """A customer as Stripe shows it; a person's whole name stands in given_name, our marker in note."""
    shipping, company = customer.get("shipping"), customer.get("business_name").text_or()
    person = customer.get("individual_name").text_or() or ("" if company else customer.get("name").text_or())
    return Customer(
        id=customer["id"].known_identifier(),
        email=customer.get("email").text_or(),
        given_name=person,
        company=company,
        phone=customer.get("phone").text_or(),
        billing=_read_address(customer.get("address")),
        shipping=_read_address(shipping if shipping.is_null else shipping.get("address")),
        currency=customer.get("currency").text_or().upper(),
        note=marker_of(customer),
        updated_at=read_time(customer["created"]),
    )


def _read_address(address: Tame) -> Address:
    if address.is_null:
        return Address()

    def part(name: str) -> str:
        return address.get(name).text_or()

    return Address(
        line1=part("line1"),
        line2=part("line2"),
        city=part("city"),
        region=part("state"),
        postcode=part("postal_code"),
        country=part("country"),
    )


# ---- writing -----------------------------------------------------------------------------------------------


def _address(address: Address) -> dict[str, str] | None:
    """All parts of an address that says anything (an empty one clears the old), None for one that says nothing."""
    parts = {
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "state": address.region,
        "postal_code": address.postcode,
        "country": address.country,
    }
    return parts if any(parts.values()) else None


def _fields(customer: Customer) -> dict[str, Any]:
    shipping = _address(customer.shipping)
    fields = {
        "name": customer.name[:TEXT_LIMIT],
        "email": customer.email.strip(),
        "business_name": customer.company[:TEXT_LIMIT],
        "individual_name": f"{customer.given_name} {customer.family_name}".strip()[:TEXT_LIMIT],
        "phone": customer.phone or customer.billing.phone,
        "address": _address(customer.billing),
        "shipping": {"name": customer.name[:TEXT_LIMIT], "address": shipping} if shipping and customer.name else None,
    }
    return {name: value for name, value in fields.items() if value}  # what we do not know erases nothing


def find_customers(api: Api, wanted: Customer) -> tuple[Customer, ...]:
    """Those that were made for this very client; else those with this e-mail that were made for nobody. The oldest first."""
    found = {customer.id: customer for customer in _candidates(api, wanted) if customer.email_key == wanted.email_key}
    ours = [customer for customer in found.values() if wanted.id and customer.note == wanted.id]
    free = [customer for customer in found.values() if not customer.note and wanted.email_key]
    return tuple(sorted(ours or free, key=lambda customer: (customer.updated_at, customer.id)))


def _candidates(api: Api, wanted: Customer) -> list[Customer]:
    """By e-mail (exact and case-sensitive there: both spellings). Only who has none is searched for by marker: that index lags."""
    if wanted.email_key:
        texts = dict.fromkeys((wanted.email.strip(), wanted.email_key))
        return [read_customer(row) for text in texts for row in stripe.list_all(api, PATH, "customer", {"email": text})]
    if not wanted.id.isalnum():
        return []
    query = f"metadata['{MARKER}']:'{wanted.id}'"
    answer = api.get(f"{PATH}/search", [("query", query), ("limit", "100")]).json("customers")
    return [read_customer(stripe.check_mode(api, row)) for row in answer["data"].items()]


def create_customer(api: Api, customer: Customer) -> Customer:
    """Make one, marked with the id of the client that it is made for; the client's private note stays in the books."""
    fields = _fields(customer) | ({"metadata": {MARKER: customer.id[:TEXT_LIMIT]}} if customer.id else {})
    return read_customer(stripe.create(api, PATH, fields, "customer", stripe.operation_of(api), "customer"))


def get_customer(api: Api, id: str) -> Customer:
    return read_customer(stripe.read_object(api, address_of(id), "customer"))


def update_customer(api: Api, id: str, customer: Customer) -> Customer:
    """Write the books' details over the customer's; the balance and payment methods are never touched."""
    return read_customer(stripe.change(api, address_of(id), _fields(customer), "customer"))


def restore_customer(api: Api, id: str) -> Customer:
    """A deleted customer cannot be brought back at Stripe."""
    raise NeedsAttention(
        f"The customer {id} was deleted in Stripe, which cannot be undone there. Take its link off under Links, then retry.",
        code="customer_deleted",
    )


WRITES = Writes(
    find=find_customers,
    create=create_customer,
    get=get_customer,
    update=update_customer,
    actions={"restore": restore_customer},
    owns=lambda found, wanted: found.note in ("", wanted.id),
    settle=timedelta(seconds=60),
)
