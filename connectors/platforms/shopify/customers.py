"""Customers of the shop, with the address that they keep as their default."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.canonical.party import NO_ADDRESS, Customer
from connectors.kit.account import Account
from connectors.kit.contract import Raw
from connectors.kit.errors import Gone
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.shopify.api import ask
from connectors.platforms.shopify.ids import gid, number_of
from connectors.platforms.shopify.parties import read_address, record_of
from connectors.platforms.shopify.queries import CUSTOMER


def in_days(window: Window) -> str:
    """The filter for the days of a window, one more on each side: it is not documented in whose time zone a day is meant."""
    day = timedelta(days=1)
    since, until = ((moment).astimezone(UTC).strftime("%Y-%m-%d") for moment in (window.since - day, window.until + day))
    return f"updated_at:>='{since}' updated_at:<='{until}'"


def is_within(row: Tame, window: Window) -> bool:
    return window.since.replace(microsecond=0) <= row["updatedAt"].time() <= window.until


def customer_notice(row: Tame) -> Notice:
    return Notice(ObjectType.CUSTOMER, number_of(row["id"]), version=row["updatedAt"].text_or())


def fetch_customer(api: Api, customer_id: str) -> Raw:
    """{"customer": ...}; raises Gone for one that was deleted or merged into another."""
    global_id = gid("Customer", customer_id)
    found = ask(api, CUSTOMER, {"id": global_id})["customerByIdentifier"]
    if found.is_null:
        raise Gone("Shopify has no such customer (any more): deleted, or merged into another one.", code="gone")
    if found["id"].text() != global_id:
        raise found["id"].fail(f"the customer {global_id}")
    return {"customer": dict(found.mapping())}


def normalise_customer(raw: Raw, account: Account) -> Customer:
    """The record's own names and e-mail; billing and shipping are its default address, the only one that Shopify marks."""
    record = Tame(Tame(raw, "raw")["customer"].value, "customer")
    known, home = record_of(record), read_address(record["defaultAddress"])
    if home != NO_ADDRESS and not (home.given_name or home.family_name):
        home = replace(home, given_name=known.given_name, family_name=known.family_name)
    given, family = known.given_name, known.family_name
    if not (given or family):
        given, family = home.given_name, home.family_name
    if not (given or family or home.company or known.email):
        given, family = "Shopify customer", known.id
    return replace(
        known,
        given_name=given,
        family_name=family,
        company=home.company,
        phone=home.phone or known.phone,
        billing=home,
        shipping=home,
        currency=account.currency,
        updated_at=record["updatedAt"].time(),
    )
