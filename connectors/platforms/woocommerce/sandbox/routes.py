"""The way of a call through WordPress: address, keys, route, permission, endpoint, headers; then the events go out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.woocommerce.sandbox import customers, orders, products, refunds, store, webhooks
from connectors.platforms.woocommerce.sandbox.auth import authenticate
from connectors.platforms.woocommerce.sandbox.batch import batch
from connectors.platforms.woocommerce.sandbox.deliveries import flush_events
from connectors.platforms.woocommerce.sandbox.handover import hand_over
from connectors.platforms.woocommerce.sandbox.model import Key
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.wire import Refusal, Request, encode, only_fields, reply

Endpoint = Callable[..., Answer]
Methods = Mapping[str, Endpoint]


def _item(get: Endpoint, put: Endpoint | None = None, delete: Endpoint | None = None) -> Methods:
    """POST, PUT and PATCH on an item are the same in WooCommerce."""
    found = {"GET": get}
    if put:
        found |= dict.fromkeys(("POST", "PUT", "PATCH"), put)
    return found | ({"DELETE": delete} if delete else {})


_ORDER_BATCH: Methods = {"create": orders.post_order, "update": orders.put_order, "delete": orders.delete_order}
_CUSTOMER_BATCH: Methods = {"create": customers.post_customer, "update": customers.put_customer, "delete": customers.delete_customer}
_PRODUCT_BATCH: Methods = {"create": products.post_product, "update": products.put_product, "delete": products.delete_product}
_WEBHOOK_BATCH: Methods = {"create": webhooks.post_webhook, "update": webhooks.put_webhook, "delete": webhooks.delete_webhook}

# Below /wp-json/wc/v3; a group named ..._id is handed over as a number.
_ROUTES: tuple[tuple[str, Methods], ...] = (
    (r"/orders/(?P<order_id>\d+)", _item(orders.get_order, orders.put_order, orders.delete_order)),
    (r"/orders", {"GET": orders.list_orders, "POST": orders.post_order}),
    (r"/orders/(?P<order_id>\d+)/refunds", {"GET": refunds.list_refunds, "POST": refunds.post_refund}),
    (r"/orders/(?P<order_id>\d+)/refunds/(?P<refund_id>\d+)", _item(refunds.get_refund, None, refunds.delete_refund)),
    (r"/orders/(?P<order_id>\d+)/notes", {"GET": orders.list_notes, "POST": orders.post_note}),
    (r"/orders/(?P<order_id>\d+)/notes/(?P<note_id>\d+)", _item(orders.get_note, None, orders.delete_note)),
    (r"/orders/statuses", {"GET": orders.list_statuses}),
    (r"/orders/batch", dict.fromkeys(("POST", "PUT", "PATCH"), batch(_ORDER_BATCH, "order_id"))),
    (r"/reports/orders/totals", {"GET": orders.report_totals}),
    (r"/refunds", {"GET": refunds.list_all_refunds}),
    (r"/customers", {"GET": customers.list_customers, "POST": customers.post_customer}),
    (r"/customers/(?P<customer_id>\d+)", _item(customers.get_customer, customers.put_customer, customers.delete_customer)),
    (r"/customers/batch", dict.fromkeys(("POST", "PUT", "PATCH"), batch(_CUSTOMER_BATCH, "customer_id"))),
    (r"/products", {"GET": products.list_products, "POST": products.post_product}),
    (r"/products/(?P<product_id>\d+)", _item(products.get_product, products.put_product, products.delete_product)),
    (r"/products/batch", dict.fromkeys(("POST", "PUT", "PATCH"), batch(_PRODUCT_BATCH, "product_id"))),
    (r"/products/(?P<product_id>\d+)/variations", {"GET": products.list_variations, "POST": products.post_variation}),
    (
        r"/products/(?P<product_id>\d+)/variations/(?P<variation_id>\d+)",
        _item(products.get_variation, products.put_variation, products.delete_variation),
    ),
    (r"/variations", {"GET": products.list_all_variations}),
    (r"/webhooks", {"GET": webhooks.list_webhooks, "POST": webhooks.post_webhook}),
    (r"/webhooks/(?P<hook_id>\d+)", _item(webhooks.get_webhook, webhooks.put_webhook, webhooks.delete_webhook)),
    (r"/webhooks/batch", dict.fromkeys(("POST", "PUT", "PATCH"), batch(_WEBHOOK_BATCH, "hook_id"))),
    (r"/system_status", {"GET": store.system_status}),
    (r"/settings", {"GET": store.list_groups}),
    (r"/settings/(?P<group>\w+)", {"GET": store.list_settings}),
    (r"/settings/(?P<group>\w+)/(?P<name>\w+)", {"GET": store.get_setting}),
    (r"/data/currencies", {"GET": store.list_currencies}),
    (r"/data/currencies/(?P<code>\w+)", {"GET": store.get_currency}),
    (r"/taxes", {"GET": store.list_taxes}),
    (r"/taxes/(?P<tax_id>\d+)", {"GET": store.get_tax}),
    (r"/payment_gateways", {"GET": store.list_gateways}),
    (r"/payment_gateways/(?P<key>[\w-]+)", {"GET": store.get_gateway}),
)
_COMPILED = tuple((re.compile(pattern), methods) for pattern, methods in _ROUTES)
_NO_ROUTE = Refusal(404, "rest_no_route", "No route was found matching the URL and request method.")


def answer_call(shop: Shop, call: Call) -> Answer:
    """One call, under the sandbox's lock."""
    if call.path.startswith("/wc-auth/v1/"):
        return hand_over(shop, call)
    path = _rest_path(call)
    if path is None:
        return Answer(404, b"<html><body>Page not found</body></html>", {"Content-Type": "text/html; charset=UTF-8"})
    try:
        answer = _rest(shop, call, path)
    except Refusal as refusal:
        shop.raised.clear()
        answer = reply(refusal.body(), refusal.status)
    flush_events(shop)
    link = {"Link": f'<{shop.home}/wp-json/>; rel="https://api.w.org/"'}
    return replace(answer, headers={**link, **answer.headers})


def _rest_path(call: Call) -> str | None:
    """The route: below /wp-json, below /index.php/wp-json, or in ?rest_route=."""
    for prefix in ("/wp-json", "/index.php/wp-json"):
        if call.path == prefix or call.path.startswith(f"{prefix}/"):
            return call.path[len(prefix) :].rstrip("/") or "/"
    return call.parameter("rest_route").rstrip("/") or None


def _rest(shop: Shop, call: Call, path: str) -> Answer:
    key = authenticate(shop, call)
    if path == "/":
        return store.discovery(shop)
    if path == "/wc/v3" and call.method in ("GET", "HEAD"):
        return _index(shop)
    methods, values = _find(path)
    if call.method == "OPTIONS":
        return reply({"namespace": "wc/v3", "methods": list(methods)}, headers=_allow(methods))
    endpoint = methods.get("GET" if call.method == "HEAD" else call.method)
    if endpoint is None:
        raise _NO_ROUTE
    user = _capable_user(call.method, path, key)
    try:
        request = Request.of(shop, call, user)
        answer = endpoint(request, **values)
    except Refusal as refusal:
        shop.raised.clear()
        return reply(refusal.body(), refusal.status, _allow(methods))
    return _finished(request, answer, methods)


def _find(path: str) -> tuple[Methods, dict[str, int | str]]:
    if path.startswith("/wc/v3/"):
        for pattern, methods in _COMPILED:
            match = pattern.fullmatch(path[6:])
            if match:
                return methods, {name: int(value) if name.endswith("_id") else value for name, value in match.groupdict().items()}
    raise _NO_ROUTE


def _allow(methods: Methods) -> dict[str, str]:
    shown = [method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if method in methods]
    return {"Allow": ", ".join(shown)}


def _finished(request: Request, answer: Answer, methods: Methods) -> Answer:
    """_fields trims what there is; the answer names the methods of its route."""
    wanted = request.query.get("_fields")
    body = encode(only_fields(json.loads(answer.body), str(wanted))) if wanted else answer.body
    return Answer(answer.status, body, {**answer.headers, **_allow(methods)})


def _capable_user(method: str, path: str, key: Key | None) -> int:
    """Whose key it is. 401 without a (valid) key, 403 for a user who may not; the two cannot be told apart by their code."""
    if key is not None and key.role in ("administrator", "shop_manager"):
        return key.user_id
    single = bool(re.search(r"/\d+$", path))
    code, message = {
        "GET": ("view", "Sorry, you cannot view this resource." if single else "Sorry, you cannot list resources."),
        "HEAD": ("view", "Sorry, you cannot list resources."),
        "DELETE": ("delete", "Sorry, you are not allowed to delete this resource."),
        "POST": ("create", "Sorry, you are not allowed to create resources."),
    }.get(method if not (single and method == "POST") else "PUT", ("edit", "Sorry, you are not allowed to edit this resource."))
    raise Refusal(401 if key is None else 403, f"woocommerce_rest_cannot_{code}", message)


def _index(shop: Shop) -> Answer:
    """Every route of the namespace with its methods."""
    routes = {
        f"/wc/v3{pattern}": {"namespace": "wc/v3", "methods": sorted(methods), "endpoints": [{"methods": sorted(methods), "args": {}}]}
        for pattern, methods in _ROUTES
    }
    links = {"up": [{"href": f"{shop.home}/wp-json/"}]}
    return reply({"namespace": "wc/v3", "routes": routes, "_links": links}, headers={"Allow": "GET"})
