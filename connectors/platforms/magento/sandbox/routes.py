"""The way of a call through the sandbox: address, keys, permission, endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from connectors.kit.sandbox import Answer, Call, MalformedBody
from connectors.platforms.magento.sandbox import lifecycle, people
from connectors.platforms.magento.sandbox.activating import hand_out
from connectors.platforms.magento.sandbox.pricing import ZERO
from connectors.platforms.magento.sandbox.searching import listing, parse_criteria
from connectors.platforms.magento.sandbox.signing import caller
from connectors.platforms.magento.sandbox.state import Shop
from connectors.platforms.magento.sandbox.wire import NO_ROUTE, Json, Refusal, not_allowed, plain, reply, required, without_nulls

Endpoint = Callable[[Shop, Call, Mapping[str, str]], Any]
_COLUMNS = {"entity_id", "updated_at", "created_at", "order_id", "store_id", "email", "ext_order_id", "transaction_id"}
_CODES = ("all", "default", "second")
_REPORT = Refusal(500, "Internal Error. Details are available in Magento log file. Report ID: webapi-5a0dbb0c5ce1e")
_NO_ATTRIBUTE = Refusal(400, "Invalid attribute name: %1", ["unknown"])


# ---- what is shown -----------------------------------------------------------------------------------------


def show_order(shop: Shop, order: Json) -> Json:
    """An order with the fields that REST rewrites on output."""
    shown = without_nulls({**order, "items": [_show_row(shop, row) for row in order["items"]]})
    shown["status_histories"] = list(reversed(shop.comments[order["entity_id"]]))
    return shown


def _show_row(shop: Shop, row: Json) -> Json:
    """row_total: the row less discount up to 2.4.7, the unit price less discount from 2.4.8 (both observed)."""
    stored, off = row["stored_row_total"], row["discount_amount"]
    base = stored if shop.switches.release < "2.4.8" else row["price"]
    shown = {name: value for name, value in row.items() if name != "stored_row_total"}
    return without_nulls({**shown, "row_total": max(base - off, ZERO)})


def show_customer(customer: Json) -> Json:
    return without_nulls({name: value for name, value in customer.items() if name != "entity_id"})


def show_product(product: Json) -> Json:
    return {name: value for name, value in product.items() if name not in ("entity_id", "taxed", "children")}


# ---- endpoints ---------------------------------------------------------------------------------------------


def _body(call: Call) -> Json:
    if "application/json" not in call.headers.get("content-type", ""):
        raise Refusal(400, "Server cannot understand Content-Type HTTP header media type text/plain")
    try:
        body = call.json(exact=True)
    except MalformedBody:
        raise Refusal(400, "Decoding error.") from None
    return body if isinstance(body, dict) else {}


def _argument(call: Call, name: str) -> Json:
    """The one argument of a write; without it the answer is that it is required, after the permission was checked."""
    body = _body(call)
    if not isinstance(body.get(name), dict):
        raise required(name)
    return dict(body[name])


def _search(table: str, show: Callable[[Shop, Json], Json], unknown: Refusal = _REPORT) -> Endpoint:
    """A search over one table. Customers and products show "id" and are searched by entity_id."""

    def run(shop: Shop, call: Call, _found: Mapping[str, str]) -> Any:
        rows: Iterable[Json] = getattr(shop, table).values()
        names = {name for row in rows for name, value in row.items() if not isinstance(value, (dict, list))}
        columns = {name: name for name in names | _COLUMNS}
        return listing(rows, parse_criteria(call.url), columns, lambda row: show(shop, row), shop.switches.page_limit, unknown)

    return run


def _post_comment(shop: Shop, call: Call, found: Mapping[str, str]) -> Any:
    history = _argument(call, "statusHistory")
    return lifecycle.comment(shop, lifecycle.find_order(shop, int(found["id"])), history)


def _comments(shop: Shop, _call: Call, found: Mapping[str, str]) -> Any:
    comments = shop.comments.get(int(found["id"]), [])
    return {"items": comments, "search_criteria": {"filter_groups": []}, "total_count": len(comments)}


def _invoice(shop: Shop, call: Call, found: Mapping[str, str]) -> Any:
    _body(call)
    order = lifecycle.find_order(shop, int(found["id"]))
    return str(lifecycle.pay(shop, order)["entity_id"])


def _refund(shop: Shop, call: Call, found: Mapping[str, str]) -> Any:
    """An empty list of items means everything (observed)."""
    body, order = _body(call), lifecycle.find_order(shop, int(found["id"]))
    arguments = body.get("arguments") or {}
    rows = {int(one["order_item_id"]): int(one["qty"]) for one in body.get("items") or ()}
    everything = not rows
    rows = rows or {row["item_id"]: row["qty_ordered"] for row in order["items"]}
    more, less = (Decimal(str(arguments.get(name) or 0)) for name in ("adjustment_positive", "adjustment_negative"))
    return str(lifecycle.refund(shop, order, rows, everything, more, less)["entity_id"])


def _stores(shop: Shop, _call: Call, _found: Mapping[str, str]) -> Any:
    def store(number: int, code: str, currency: str) -> Json:
        return {
            "id": number,
            "code": code,
            "website_id": 1,
            "locale": "en_CA",
            "base_currency_code": shop.switches.currency,
            "default_display_currency_code": currency,
            "timezone": shop.switches.time_zone,
            "base_url": f"{shop.home}/",
        }

    return [store(1, "default", shop.switches.currency), store(2, "second", shop.switches.second_currency)]


def _order(shop: Shop, _call: Call, found: Mapping[str, str]) -> Any:
    return show_order(shop, lifecycle.find_order(shop, int(found["id"])))


def _customer(shop: Shop, _call: Call, found: Mapping[str, str]) -> Any:
    return show_customer(people.find_customer(shop, int(found["id"])))


def _put_customer(shop: Shop, call: Call, found: Mapping[str, str]) -> Any:
    return show_customer(people.update_customer(shop, int(found["id"]), _argument(call, "customer")))


def _as_row(_shop: Shop, row: Json) -> Json:
    return without_nulls(row)


_ANYBODY = ""
# Method, path below V1, permission, endpoint. A group named id is a number in the real shop, so other letters answer 400.
_ROUTES: tuple[tuple[str, str, str, Endpoint], ...] = (
    ("GET", r"/orders", "Magento_Sales::actions_view", _search("orders", show_order)),
    ("GET", r"/orders/(?P<id>[^/]+)", "Magento_Sales::actions_view", _order),
    ("GET", r"/orders/(?P<id>[^/]+)/comments", "Magento_Sales::actions_view", _comments),
    ("POST", r"/orders/(?P<id>[^/]+)/comments", "Magento_Sales::comment", _post_comment),
    ("POST", r"/orders", "Magento_Sales::api_actions", lambda shop, call, _: lifecycle.save(shop, _argument(call, "entity"))),
    ("POST", r"/order/(?P<id>[^/]+)/invoice", "Magento_Sales::invoice", _invoice),
    ("POST", r"/order/(?P<id>[^/]+)/refund", "Magento_Sales::creditmemo", _refund),
    (
        "POST",
        r"/orders/(?P<id>[^/]+)/cancel",
        "Magento_Sales::cancel",
        lambda shop, _call, found: lifecycle.cancel(shop, lifecycle.find_order(shop, int(found["id"]))),
    ),
    ("GET", r"/invoices", "Magento_Sales::sales_invoice", _search("invoices", _as_row)),
    ("GET", r"/creditmemos", "Magento_Sales::sales_creditmemo", _search("memos", _as_row)),
    ("GET", r"/transactions", "Magento_Sales::transactions_fetch", _search("transactions", _as_row)),
    (
        "GET",
        r"/customers/search",
        "Magento_Customer::customer",
        _search("customers", lambda _shop, row: show_customer(row), _NO_ATTRIBUTE),
    ),
    ("GET", r"/customers/(?P<id>[^/]+)", "Magento_Customer::customer", _customer),
    ("PUT", r"/customers/(?P<id>[^/]+)", "Magento_Customer::manage", _put_customer),
    ("POST", r"/customers", _ANYBODY, lambda shop, call, _: show_customer(people.create_customer(shop, _argument(call, "customer")))),
    ("GET", r"/products", "Magento_Catalog::products", _search("products", lambda _shop, row: show_product(row), _NO_ATTRIBUTE)),
    ("GET", r"/store/storeConfigs", "Magento_Backend::store", _stores),
    ("GET", r"/directory/countries/(?P<id>[^/]+)", _ANYBODY, lambda _shop, _call, found: people.country(found["id"])),
)
_COMPILED = tuple((method, re.compile(pattern), resource, endpoint) for method, pattern, resource, endpoint in _ROUTES)


def answer_call(shop: Shop, call: Call) -> Answer:
    """One call, under the sandbox's lock."""
    if call.method == "POST" and call.path in ("/oauth/token/request", "/oauth/token/access"):
        return hand_out(shop, call)
    try:
        return reply(_answered(shop, call))
    except Refusal as refusal:
        return refusal.answer()


def _answered(shop: Shop, call: Call) -> Any:
    match = re.fullmatch(r"(?:/index\.php)?/rest(?:/([^/]+))?/V1(/.*)", call.path)
    if match is None:
        raise NO_ROUTE
    if match[1] is not None and match[1] not in _CODES:
        raise Refusal(400, "Specified request cannot be processed.")
    for method, pattern, resource, endpoint in _COMPILED:
        found = pattern.fullmatch(match[2])
        if found and method == call.method:
            _authorise(shop, call, resource)
            words = {name: unquote(value) for name, value in found.groupdict().items()}
            if words.get("id", "1").isdigit() or "countries" in match[2]:
                return plain(endpoint(shop, call, words))
            raise Refusal(400, 'Error occurred during "id" processing. The "%value" value\'s type is invalid.', {"value": words["id"]})
    raise NO_ROUTE


def _authorise(shop: Shop, call: Call, resource: str) -> None:
    """An open route is still checked where a call is signed."""
    if resource == _ANYBODY and "authorization" not in call.headers:
        return
    integration = caller(shop, call, resource or "self")
    if resource and integration.permissions is not None and resource not in integration.permissions:
        raise not_allowed(resource)
