"""Shopify's global ids: gid://shopify/Order/450789469, at times with parameters behind."""

from __future__ import annotations

from connectors.kit.errors import Gone
from connectors.kit.tame import Tame


def gid(kind: str, number: str) -> str:
    """The global id of a numeric one; anything but a number names nothing."""
    if not (number.isascii() and number.isdigit()):
        raise Gone(f"Shopify has no {kind} with the id {number!r}.", code="no_such_id")
    return f"gid://shopify/{kind}/{number}"


def number_of(field: Tame) -> str:
    """The numeric end of a global id, as text: webhooks and addresses use it. Raises Rejected when there is none."""
    number = field.text().partition("?")[0].rpartition("/")[2]
    if not (number.isascii() and number.isdigit()):
        raise field.fail("a global id that ends in a number")
    return number
