"""Answers the fields of the schema from the shop's memory: roots, pages, and everything else by its name."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema, build_schema, get_named_type

from connectors.platforms.shopify.sandbox.model import Json
from connectors.platforms.shopify.sandbox.order_json import order_json
from connectors.platforms.shopify.sandbox.records import customer_json, gid, stamp, variant_json
from connectors.platforms.shopify.sandbox.state import Shop

_HERE = Path(__file__).parent
_CONDITION = re.compile(r"(\w+):\s*(>=|<=|>|<)?\s*(?:'([^']*)'|\"([^\"]*)\"|(\S+))")
MOST = 250


def load_schema() -> GraphQLSchema:
    return build_schema("\n".join(path.read_text() for path in sorted(_HERE.glob("*.graphql"))))


SCHEMA = load_schema()


class Refusal(Exception):
    """Something that Shopify answers with an error of its own."""


def resolve(source: Any, info: GraphQLResolveInfo[Any], **args: Any) -> Any:
    """A field by its name; lists become pages where the schema has a connection, and are cut where they have a `first`."""
    value = source.get(info.field_name) if isinstance(source, dict) else None
    if callable(value):
        value = value(**args)
    if isinstance(value, list):
        kind = get_named_type(info.return_type).name
        if kind.endswith("Connection"):
            return page(value, args)
        if "first" in args:
            return value[: args["first"]]
    return value


def page(rows: Sequence[Json], args: Json) -> Json:
    """A connection. A cursor names the row behind which it goes on; without `first` (in an export) everything comes."""
    first = args.get("first")
    if first is not None and not 1 <= first <= MOST:
        raise Refusal(f"first cannot exceed {MOST}")
    start = 0
    if args.get("after"):
        start = _behind(rows, args["after"])
    chosen = list(rows[start:] if first is None else rows[start : start + first])
    more = start + len(chosen) < len(rows)
    info = {"hasNextPage": more, "endCursor": _cursor(chosen[-1]) if chosen else None}
    return {"nodes": chosen, "edges": [{"node": row} for row in chosen], "pageInfo": info}


def _cursor(row: Json) -> str:
    parts = (str(row[key]) if key in row else "" for key in ("updatedAt", "id", "index"))
    return base64.b64encode(" ".join(parts).encode()).decode()


def _behind(rows: Sequence[Json], cursor: str) -> int:
    """Where the row of the cursor is; when it moved since, behind the last row that sorts before it."""
    for place, row in enumerate(rows):
        if _cursor(row) == cursor:
            return place + 1
    try:
        moment = base64.b64decode(cursor).decode().partition(" ")[0]
    except ValueError as error:
        raise Refusal("Invalid cursor for current pagination sort.") from error
    return sum(1 for row in rows if row.get("updatedAt", "") <= moment)


def search(rows: Sequence[Json], query: str | None) -> list[Json]:
    """The rows that fit a search; conditions on fields that we do not know are ignored, as Shopify is thought to do."""
    found = list(rows)
    for name, sign, quoted, double, bare in _CONDITION.findall(query or ""):
        value = quoted or double or bare
        found = [row for row in found if _fits(row, name, sign, value)]
    return found


def _fits(row: Json, name: str, sign: str, value: str) -> bool:
    read = _SEARCHABLE.get(name)
    shown = read(row) if read else None
    if shown is None:
        return True
    if len(value) == 10 and len(shown) > 10:  # a day
        shown = shown[:10]
    return bool({"": shown == value, ">=": shown >= value, "<=": shown <= value, ">": shown > value, "<": shown < value}[sign])


_SEARCHABLE: dict[str, Callable[[Json], str | None]] = {
    "updated_at": lambda row: row["updatedAt"],
    "created_at": lambda row: row["createdAt"],
    "name": lambda row: row.get("name"),
    "sku": lambda row: row.get("sku"),
    "product_id": lambda row: row["product"]["legacyResourceId"] if "product" in row else None,
}


# ---- the roots ---------------------------------------------------------------------------------------------


def roots(shop: Shop) -> Json:
    """The fields of QueryRoot."""
    return {
        "order": lambda id: _order(shop, id),
        "orders": lambda query=None, **_: search(_orders(shop), query),
        "ordersCount": lambda query=None, **_: {"count": len(search(_orders(shop), query)), "precision": "EXACT"},
        "refund": lambda id: _refund(shop, id),
        "customers": lambda query=None, **_: search(_sorted([customer_json(each) for each in shop.customers.values()]), query),
        "customerByIdentifier": lambda identifier: _customer(shop, identifier),
        "products": lambda query=None, **_: search(_sorted(_products(shop)), query),
        "productVariants": lambda query=None, **_: search(_variants(shop), query),
        "nodes": lambda ids: [_node(shop, one) for one in ids],
        "shop": _shop(shop),
        "currentAppInstallation": {"id": gid("AppInstallation", 1), "accessScopes": [{"handle": name} for name in shop.switches.scopes]},
        "webhookSubscriptions": lambda **_: [hook_json(hook) for hook in shop.hooks.values()],
    }


def _sorted(rows: list[Json]) -> list[Json]:
    return sorted(rows, key=lambda row: (row["updatedAt"], int(row["legacyResourceId"])))


def _orders(shop: Shop) -> list[Json]:
    """All orders by their change time; only those on a page are rendered."""
    chosen = sorted(shop.orders.values(), key=lambda order: (order.updated, order.id))
    return [_LazyOrder(order) for order in chosen]


class _LazyOrder(dict[str, Any]):
    """An order that is rendered when more than its identity is asked for: listings of thousands stay cheap."""

    def __init__(self, order: Any) -> None:
        times = {"createdAt": stamp(order.created), "updatedAt": stamp(order.updated)}
        super().__init__(id=gid("Order", order.id), legacyResourceId=str(order.id), name=f"#{order.number}", **times)
        self.order = order

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key) if key in self else order_json(self.order).get(key, default)  # the resolver asks by get


def _order(shop: Shop, global_id: str) -> Json | None:
    order = shop.orders.get(number_in(global_id))
    return order_json(order) if order and global_id.startswith("gid://shopify/Order/") else None


def number_in(global_id: str) -> int:
    tail = global_id.rpartition("/")[2]
    return int(tail) if tail.isascii() and tail.isdigit() else 0


def _refund(shop: Shop, global_id: str) -> Json | None:
    wanted = (row for order in shop.orders.values() if order.refunds for row in order_json(order)["refunds"] if row["id"] == global_id)
    return next(wanted, None)


def _customer(shop: Shop, identifier: Json) -> Json | None:
    number = number_in(identifier["id"]) if "id" in identifier else shop.emails.get(identifier.get("emailAddress", "").lower(), 0)
    found = shop.customers.get(number)
    return customer_json(found) if found else None


def _variants(shop: Shop) -> list[Json]:
    return [variant_json(each, shop.product_changes[each.product_id]) for each in shop.variants.values()]


def _products(shop: Shop) -> list[Json]:
    by_product: dict[str, list[Json]] = {}
    for row in _variants(shop):
        by_product.setdefault(row["product"]["id"], []).append(row)
    return [{**rows[0]["product"], "variants": rows} for rows in by_product.values()]


def _node(shop: Shop, global_id: str) -> Json | None:
    variant = shop.variants.get(number_in(global_id)) if "/ProductVariant/" in global_id else None
    if variant:
        return variant_json(variant, shop.product_changes[variant.product_id])
    return _order(shop, global_id)


def _shop(shop: Shop) -> Json:
    switches = shop.switches
    return {
        "id": gid("Shop", 1),
        "name": switches.name,
        "myshopifyDomain": switches.domain,
        "currencyCode": switches.currency,
        "enabledPresentmentCurrencies": [switches.currency, *switches.buyers_currencies],
        "ianaTimezone": switches.time_zone,
        "taxesIncluded": switches.taxes_included,
        "plan": {"publicDisplayName": "Basic"},
    }


def hook_json(hook: Any) -> Json:
    times = {"createdAt": stamp(hook.created), "updatedAt": stamp(hook.created)}
    return {"id": gid("WebhookSubscription", hook.id), "topic": hook.topic, "uri": hook.uri, "format": "JSON", **times}
