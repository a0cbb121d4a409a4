"""Buyers and their addresses. Nearly every field may be null: Shopify blanks them where an app has no approval for personal data."""

from __future__ import annotations

from connectors.canonical.party import NO_ADDRESS, Address, Customer
from connectors.kit.tame import Tame
from connectors.platforms.shopify.ids import number_of


def read_address(block: Tame) -> Address:
    """A MailingAddress, NO_ADDRESS for null. Some have only the full name."""
    if block.is_null:
        return NO_ADDRESS

    def text(name: str) -> str:
        return block.get(name).text_or().strip()

    given, family = text("firstName"), text("lastName")
    if not (given or family):
        given, _, family = text("name").partition(" ")
    return Address(
        given_name=given,
        family_name=family,
        company=text("company"),
        line1=text("address1"),
        line2=text("address2"),
        city=text("city"),
        region=text("provinceCode") or text("province"),
        postcode=text("zip"),
        country=text("countryCodeV2"),
        phone=text("phone"),
    )


def read_buyer(order: Tame, currency: str) -> Customer:
    """The buyer of an order: the order's own e-mail first, then what the customer's record and the addresses say.

    Guests and till customers have no record, and a redacted one has an id alone; then "Shopify customer 123" has to do.
    """
    record, billing, shipping = order["customer"], read_address(order["billingAddress"]), read_address(order["shippingAddress"])
    known = record_of(record) if not record.is_null else Customer()
    home = billing if billing != NO_ADDRESS else shipping
    given, family = home.given_name, home.family_name
    if not (given or family):
        given, family = known.given_name, known.family_name
    email = order["email"].text_or().strip() or known.email
    if known.id and not (given or family or home.company or email):
        given, family = "Shopify customer", known.id
    return Customer(
        id=known.id,
        email=email,
        given_name=given,
        family_name=family,
        company=home.company,
        phone=home.phone or order["phone"].text_or() or known.phone,
        billing=home,
        shipping=shipping,
        currency=currency,
    )


def record_of(record: Tame) -> Customer:
    """What a customer's record itself says, without addresses."""
    email, phone = record["defaultEmailAddress"], record["defaultPhoneNumber"]
    return Customer(
        id=number_of(record["id"]),
        email="" if email.is_null else email["emailAddress"].text_or().strip(),
        given_name=record["firstName"].text_or().strip(),
        family_name=record["lastName"].text_or().strip(),
        phone="" if phone.is_null else phone["phoneNumber"].text_or(),
    )
