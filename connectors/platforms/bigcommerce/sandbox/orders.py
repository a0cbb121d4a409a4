"""The order endpoints: v2 orders and their parts, v3 transactions and refunds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.bigcommerce.sandbox.model import Json, Order
from connectors.platforms.bigcommerce.sandbox.order_json import (
    address_json,
    coupon_json,
    fee_json,
    line_json,
    numbered,
    order_json,
    taxes_json,
)
from connectors.platforms.bigcommerce.sandbox.refunding import quote, refund
from connectors.platforms.bigcommerce.sandbox.state import Store, number
from connectors.platforms.bigcommerce.sandbox.wire import Refusal, data, listed, page_of, pagination

_SORTS = ("id", "date_created", "date_modified", "status_id")


def find_order(store: Store, order_id: str) -> Order:
    order = store.orders.get(int(order_id))
    if order is None:
        raise Refusal(404)
    return order


def list_orders(store: Store, call: Call) -> Answer:
    """No row is 204. There is no count of pages anywhere."""
    page, limit = page_of(call, store.switches.largest_page, store.switches.page_cap)
    wanted = _filters(call)
    found = [order for order in store.orders.values() if all(keep(order) for keep in wanted)]
    field, _, direction = (call.parameter("sort") or "id").partition(":")
    if field not in _SORTS:
        raise Refusal(400, "unknown sort")
    by = {"id": "id", "date_created": "created", "date_modified": "modified", "status_id": "status_id"}[field]
    found.sort(key=lambda order: (getattr(order, by), order.id), reverse=direction == "desc")
    inlined = "fees" in call.parameter("include")
    return listed([order_json(store, order, fees_inlined=inlined) for order in found[(page - 1) * limit : page * limit]])


def _filters(call: Call) -> list[Callable[[Order], bool]]:
    found: list[Callable[[Order], bool]] = []
    for name, value in call.query:
        if name in ("min_id", "max_id", "status_id", "customer_id"):
            found.append(_number_filter(name, int(value)))
        elif name in ("min_date_modified", "max_date_modified", "min_date_created", "max_date_created"):
            found.append(_date_filter(name, read_date(value)))
    return found


def _number_filter(name: str, value: int) -> Callable[[Order], bool]:
    if name == "min_id":
        return lambda order: order.id >= value
    if name == "max_id":
        return lambda order: order.id <= value
    return lambda order: getattr(order, name) == value


def _date_filter(name: str, moment: datetime) -> Callable[[Order], bool]:
    field = "modified" if name.endswith("modified") else "created"
    if name.startswith("min"):
        return lambda order: getattr(order, field) >= moment
    return lambda order: getattr(order, field) <= moment


def read_date(value: str) -> datetime:
    """RFC 2822 or ISO 8601."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError) as error:
            raise Refusal(400, "not a date") from error
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)


def get_order(store: Store, call: Call, order_id: str) -> Answer:
    order = find_order(store, order_id)
    return Answer.of(order_json(store, order, fees_inlined="fees" in call.parameter("include")))


def get_part(store: Store, call: Call, order_id: str, part: str) -> Answer:
    """products, coupons, shipping_addresses, taxes or fees of an order, paged."""
    order = find_order(store, order_id)
    parts: dict[str, Callable[[], list[Json]]] = {
        "products": lambda: [line_json(order, line) for line in order.lines],
        "coupons": lambda: [coupon_json(coupon) for coupon in order.coupons],
        "shipping_addresses": lambda: [address_json(store, order, address) for address in order.addresses],
        "taxes": lambda: taxes_json(order, details=store.switches.tax_details and call.parameter("details") == "true"),
        "fees": lambda: [fee_json(fee) for fee in order.fees],
    }
    page, limit = page_of(call, store.switches.largest_page, store.switches.page_cap)
    return listed(parts[part]()[(page - 1) * limit : page * limit])


def get_transactions(store: Store, call: Call, order_id: str) -> Answer:
    """The one v3 list that is 204 when it is empty."""
    rows = find_order(store, order_id).transactions
    if not rows:
        return Answer(204)
    page, limit = page_of(call, store.switches.largest_page, store.switches.page_cap)
    shown = rows[(page - 1) * limit : page * limit]
    return data(numbered(shown), {"pagination": pagination(len(rows), len(shown), page, limit)})


# ---- refunds -----------------------------------------------------------------------------------------------


def list_refunds(store: Store, call: Call) -> Answer:
    """All refunds of the store, by id."""
    rows = sorted((one for order in store.orders.values() for one in order.refunds), key=lambda one: one["id"])
    for name, value in call.query:
        if name == "order_id:in":
            rows = [one for one in rows if str(one["order_id"]) in value.split(",")]
        elif name == "created:min":
            rows = [one for one in rows if datetime.fromisoformat(one["created"]) >= read_date(value)]
        elif name == "created:max":
            rows = [one for one in rows if datetime.fromisoformat(one["created"]) <= read_date(value)]
    page, limit = page_of(call, store.switches.largest_page, store.switches.page_cap)
    return data(numbered(rows[(page - 1) * limit : page * limit]))  # the documented meta is empty


def get_refunds(store: Store, call: Call, order_id: str) -> Answer:
    page, limit = page_of(call, store.switches.largest_page, store.switches.page_cap)
    return data(numbered(find_order(store, order_id).refunds[(page - 1) * limit : page * limit]))


def post_quote(store: Store, call: Call, order_id: str) -> Answer:
    order = find_order(store, order_id)
    found = quote(order, (call.json() or {}).get("items", []))
    means = {"provider_id": "stripe", "provider_description": "Credit card", "amount": number(found.amount), "offline": False}
    quoted = {
        "order_id": order.id,
        "total_refund_amount": number(found.amount),
        "total_refund_tax_amount": number(found.tax),
        "rounding": 0,
        "adjustment": 0,
        "tax_inclusive": order.inclusive,
        "refund_methods": [[{**means, "offline_provider": False, "offline_reason": ""}]],
    }
    return data(quoted, status=201)


def post_refund(store: Store, call: Call, order_id: str) -> Answer:
    body = call.json() or {}
    made = refund(store, find_order(store, order_id), body.get("items", []), body.get("payments", []), body.get("reason", ""))
    return data(numbered(made), status=201)


def amounts(order: Order) -> dict[str, Decimal]:
    """What a merchant would say of the order."""
    return {"total": order.total, "captured": order.received, "refunded": order.refunded}
