"""Gathers one order with every page of every list in it."""

from __future__ import annotations

from typing import Any

from connectors.kit.contract import Raw
from connectors.kit.errors import Gone, Rejected
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.shopify.api import ask_sized, named, next_page, walk
from connectors.platforms.shopify.ids import gid
from connectors.platforms.shopify.queries import (
    MOST,
    ORDER,
    ORDER_DISCOUNTS,
    ORDER_LINES,
    ORDER_SHIPPING,
    REFUND,
    SOME,
    Operation,
)

LINES = 10  # of the first page; more lines come in pages of their own


def fetch_order(api: Api, order_id: str) -> Raw:
    """{"order": ...} as Shopify shows it, with plain lists in place of connections. Raises Gone when it does not exist."""
    global_id = gid("Order", order_id)
    order = _ask_order(api, global_id, SOME)
    full = any(len(list(order[name].items())) >= SOME for name in ("transactions", "refunds"))
    if full:  # these lists have no pages: ask again for as many as there can be
        order = _ask_order(api, global_id, MOST)
        _refuse_full(order, "transactions", "refunds")
    whole: dict[str, Any] = dict(order.mapping())
    whole["lineItems"] = _rest(api, order, "lineItems", ORDER_LINES, global_id)
    whole["shippingLines"] = _rest(api, order, "shippingLines", ORDER_SHIPPING, global_id)
    whole["discountApplications"] = _rest(api, order, "discountApplications", ORDER_DISCOUNTS, global_id)
    whole["refunds"] = [_refund(api, row["id"].text()) for row in order["refunds"].items()]
    return {"order": whole}


def _ask_order(api: Api, global_id: str, several: int) -> Tame:
    variables = {"id": global_id, "lines": LINES, "transactions": several, "refunds": several}
    order = ask_sized(api, ORDER, variables, "lines")["order"]
    if order.is_null:
        raise Gone("Shopify has no such order (any more), or it is older than 60 days and the app may not read all orders.", code="gone")
    if order["id"].text() != global_id:
        raise order["id"].fail(f"the order {global_id}")
    return named(order, "order")


def _rest(api: Api, order: Tame, name: str, operation: Operation, global_id: str) -> list[Any]:
    """All nodes: the page that came with the order, then those behind it."""
    nodes = [row.value for row in order[name]["nodes"].items()]
    after = next_page(order[name])
    if after is not None:
        nodes += [row.value for row in walk(api, operation, {"id": global_id, "n": 100, "after": after}, "order", name)]
    return nodes


_SINGLE_PAGES = ("refundShippingLines", "orderAdjustments", "transactions")


def _refund(api: Api, global_id: str) -> dict[str, Any]:
    """One refund with all its lines."""
    lines: list[Any] = []
    after, found = None, None
    while found is None or after is not None:
        variables = {"id": global_id, "n": 50, "after": after, "several": SOME}
        found = named(ask_sized(api, REFUND, variables, "n")["refund"], "refund")
        lines += [row.value for row in found["refundLineItems"]["nodes"].items()]
        after = next_page(found["refundLineItems"])
    whole: dict[str, Any] = {**found.mapping(), "refundLineItems": lines}
    for name in _SINGLE_PAGES:
        rows = [row.value for row in found[name]["nodes"].items()]
        if len(rows) >= SOME:
            raise Rejected(f"refund.{name}: {SOME} or more of them, which cannot be read in full", code="too_many")
        whole[name] = rows
    return whole


def _refuse_full(order: Tame, *names: str) -> None:
    for name in names:
        if len(list(order[name].items())) >= MOST:
            raise Rejected(f"order.{name}: {MOST} or more of them, which cannot be read in full", code="too_many")
