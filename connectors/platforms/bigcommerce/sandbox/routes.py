"""From a call to its answer: token, scopes, the call quota, then the endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.bigcommerce.sandbox import catalogue, hooks, orders
from connectors.platforms.bigcommerce.sandbox.deliveries import run_due
from connectors.platforms.bigcommerce.sandbox.model import Json
from connectors.platforms.bigcommerce.sandbox.seed_keys import ACCESS_TOKEN
from connectors.platforms.bigcommerce.sandbox.state import STORE_HASH, Store, Window
from connectors.platforms.bigcommerce.sandbox.wire import Refusal, refused
from connectors.platforms.bigcommerce.statuses import TABLE

Endpoint = Callable[..., Answer]
_N = r"(?P<{}>[0-9]{{1,18}})"


def _path(text: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"(?<!P)<(\w+)>", lambda match: _N.format(match[1]), text))


def _store(store: Store, call: Call) -> Answer:
    now = store.now()
    zone: Json = {"name": store.switches.time_zone, "raw_offset": -18000, "dst_offset": -14400, "dst_correction": True}
    settings: Json = {
        "id": STORE_HASH,
        "domain": "sandbox.example",
        "secure_url": "https://sandbox.example",
        "control_panel_base_url": f"https://store-{STORE_HASH}.mybigcommerce.com",
        "status": "live",
        "name": store.switches.name,
        "country": "Canada",
        "country_code": "CA",
        "timezone": zone,
        "language": "en",
        "currency": store.switches.currency,
        "currency_symbol": "$",
        "decimal_places": 2,
        "plan_name": "Standard",
        "plan_level": "Standard",
        "plan_is_trial": False,
        "is_price_entered_with_tax": store.switches.prices_with_tax,
        "store_id": 1002003,
        "features": {"multi_storefront_enabled": False},
    }
    return Answer.of(settings, headers={"Date": now.strftime("%a, %d %b %Y %H:%M:%S GMT")})


def _time(store: Store, call: Call) -> Answer:
    return Answer.of({"time": int(store.now().timestamp())})


def _statuses(store: Store, call: Call) -> Answer:
    rows = [{"id": one.id, "name": one.label, "system_label": one.label, "custom_label": one.label, "order": one.id} for one in TABLE]
    return Answer.of(rows)


# method, path behind /stores/<hash>, scope ("": none is needed), endpoint
_ROUTES: tuple[tuple[str, re.Pattern[str], str, Endpoint], ...] = (
    ("GET", _path(r"/v2/store"), "information", _store),
    ("GET", _path(r"/v2/time"), "", _time),
    ("GET", _path(r"/v2/order_statuses"), "orders", _statuses),
    ("GET", _path(r"/v2/orders"), "orders", orders.list_orders),
    ("GET", _path(r"/v2/orders/<order_id>"), "orders", orders.get_order),
    ("GET", _path(r"/v2/orders/<order_id>/(?P<part>products|coupons|shipping_addresses|taxes|fees)"), "orders", orders.get_part),
    ("GET", _path(r"/v3/orders/<order_id>/transactions"), "transactions", orders.get_transactions),
    ("GET", _path(r"/v3/orders/payment_actions/refunds"), "orders", orders.list_refunds),
    ("GET", _path(r"/v3/orders/<order_id>/payment_actions/refunds"), "orders", orders.get_refunds),
    ("POST", _path(r"/v3/orders/<order_id>/payment_actions/refund_quotes"), "transactions", orders.post_quote),
    ("POST", _path(r"/v3/orders/<order_id>/payment_actions/refunds"), "transactions", orders.post_refund),
    ("GET", _path(r"/v3/customers"), "customers", catalogue.list_customers),
    ("GET", _path(r"/v3/catalog/products"), "products", catalogue.list_products),
    ("GET", _path(r"/v3/catalog/products/<product_id>"), "products", catalogue.get_product),
    ("GET", _path(r"/v3/catalog/products/<product_id>/variants/<variant_id>"), "products", catalogue.get_variant),
    ("GET", _path(r"/v3/catalog/variants"), "products", catalogue.list_variants),
    ("GET", _path(r"/v3/hooks"), "", hooks.list_hooks),
    ("POST", _path(r"/v3/hooks"), "", hooks.create_hook),
    ("GET", _path(r"/v3/hooks/admin"), "", hooks.admin_list),
    ("PUT", _path(r"/v3/hooks/admin"), "", hooks.admin_emails),
    ("GET", _path(r"/v3/hooks/<hook_id>"), "", hooks.get_hook),
    ("PUT", _path(r"/v3/hooks/<hook_id>"), "", hooks.change_hook),
    ("DELETE", _path(r"/v3/hooks/<hook_id>"), "", hooks.delete_hook),
)


def answer_call(store: Store, call: Call) -> Answer:
    """One call under the sandbox's lock, with the quota's headers on whatever comes of it."""
    run_due(store, until=store.now)
    headers, spent = _count(store)
    try:
        if spent:
            raise Refusal(429)
        answer = _routed(store, call)
    except Refusal as refusal:
        answer = refused(call.path, refusal)
    return Answer(answer.status, answer.body, {**answer.headers, **headers})


def _routed(store: Store, call: Call) -> Answer:
    match = re.fullmatch(r"/stores/([^/]+)(/v[23]/.+)", call.path)
    if call.headers.get("x-auth-token", "") not in {ACCESS_TOKEN, store.app_token} - {""}:
        raise Refusal(401)
    if match is None:
        raise Refusal(404)
    if match[1] != STORE_HASH:
        raise Refusal(403)
    for method, pattern, scope, endpoint in _ROUTES:
        if method == call.method and (found := pattern.fullmatch(match[2])):
            if scope and scope not in store.switches.scopes:
                raise Refusal(403, "You don't have a required scope to access the endpoint")
            return endpoint(store, call, **found.groupdict())
    raise Refusal(404)


def _count(store: Store) -> tuple[dict[str, str], bool]:
    """Count the call in the running window: its headers, and whether the quota was spent before it."""
    now, length = store.moment(), timedelta(seconds=store.switches.window_seconds)
    if store.window is None or now - store.window.started >= length:
        store.window = Window(now)
    spent = store.window.used >= store.switches.quota
    store.window.used += 0 if spent else 1
    if not store.switches.quota_headers:
        return {}, spent
    reset = int((store.window.started + length - now).total_seconds() * 1000)
    headers = {
        "X-Rate-Limit-Requests-Left": str(store.switches.quota - store.window.used),
        "X-Rate-Limit-Requests-Quota": str(store.switches.quota),
        "X-Rate-Limit-Time-Window-Ms": str(int(length.total_seconds() * 1000)),
        "X-Rate-Limit-Time-Reset-Ms": str(reset),
    }
    return ({**headers, "X-Retry-After": str(-(-reset // 1000))} if spent else headers), spent
