"""Customer accounts of the shop; guests have none and live in their orders only."""

from __future__ import annotations

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.canonical.party import Customer
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.woocommerce.api import V3, read_object
from connectors.platforms.woocommerce.paging import Cursor, in_window, turn_page
from connectors.platforms.woocommerce.parties import read_address


def page_customers(api: Api, window: Window, cursor: str | None) -> Page:
    """A full sweep by id, filtered here: customers have no modified filter (observed with WooCommerce 11.0.1)."""
    fields = [("_fields", "id,date_created_gmt,date_modified_gmt")]
    leaf = turn_page(api, f"{V3}/customers", Cursor.read(cursor, "all"), fields, "customers")
    changed = tuple(_notice(row) for row in leaf.rows if in_window(_changed(row).time_or_none(), window))
    return Page(changed, str(leaf.next) if leaf.next else None)


def _changed(row: Tame) -> Tame:
    """An account that was never edited has no date_modified."""
    return row["date_created_gmt"] if row["date_modified_gmt"].is_null else row["date_modified_gmt"]


def _notice(row: Tame) -> Notice:
    return Notice(ObjectType.CUSTOMER, row["id"].identifier(), version=_changed(row).text_or())


def fetch_customer(api: Api, customer_id: str) -> Raw:
    """The account as JSON; raises Gone when it does not exist."""
    return {"customer": dict(read_object(api, "customers", customer_id, "customer").mapping())}


def normalise_customer(raw: Raw, account: Account) -> Customer:
    """The account's own e-mail and names, with those of the billing address where it has none."""
    customer = Tame(raw, "raw")["customer"]
    customer = Tame(customer.value, "customer")
    billing = read_address(customer["billing"])
    return Customer(
        id=customer["id"].identifier(),
        email=customer["email"].text_or() or customer["billing"].get("email").text_or(),
        given_name=customer["first_name"].text_or() or billing.given_name,
        family_name=customer["last_name"].text_or() or billing.family_name,
        company=billing.company,
        phone=billing.phone,
        billing=billing,
        shipping=read_address(customer["shipping"]),
        currency=account.currency,
        updated_at=_changed(customer).time_or_none(),
    )
