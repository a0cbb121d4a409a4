"""How webhooks leave the shop: raised, queued, built at delivery time, signed, counted, disabled."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests

from connectors.platforms.woocommerce.sandbox.customer_json import customer_json
from connectors.platforms.woocommerce.sandbox.model import Hook
from connectors.platforms.woocommerce.sandbox.order_json import order_bytes
from connectors.platforms.woocommerce.sandbox.product_json import product_json
from connectors.platforms.woocommerce.sandbox.state import WC_VERSION, WP_VERSION, Shop
from connectors.platforms.woocommerce.sandbox.wire import encode

HOOKSHOT = f"WooCommerce/{WC_VERSION} Hookshot (WordPress/{WP_VERSION})"
PING_TIMEOUT = 5  # WordPress's default for wp_remote_post
LAST_FORGIVEN_FAILURE = 5  # "more than 5": the 7th failure in a row disables (observed with 11.0.1; documented is 5)
OWNER_GONE = {
    "code": "woocommerce_rest_cannot_view",
    "message": "Sorry, you cannot view this resource.",
    "data": {"status": 401},
}


@contextmanager
def outside_lock(shop: Shop) -> Iterator[None]:
    """Calls that the shop makes in the middle of a request must not stop it from answering others (its receiver's, even)."""
    shop.lock.release()
    try:
        yield
    finally:
        shop.lock.acquire()


# ---- raising and queueing ----------------------------------------------------------------------------------


def raise_event(shop: Shop, topic: str, resource_id: int) -> None:
    """Note the event for every webhook that is active right now; once per request, webhook and object."""
    for hook in shop.hooks.values():
        if hook.topic == topic and hook.status == "active":
            shop.raised[hook.id, resource_id] = None


def flush_events(shop: Shop) -> None:
    """The end of a request: its events join the queue, where one that waits already is enough."""
    if not shop.raised:
        return
    shop.queue.update(shop.raised)
    shop.raised.clear()
    delay = shop.switches.queue_delay
    if delay == 0:
        run_queue(shop)
    elif delay > 0:
        timer = threading.Timer(delay, _run_queue_later, (shop,))
        timer.daemon = True
        timer.start()


def _run_queue_later(shop: Shop) -> None:
    with shop.lock:
        run_queue(shop)


def run_queue(shop: Shop) -> int:
    """Deliver what waits, with the state as it is now; how many. Webhooks paused since then still deliver (observed)."""
    waiting = list(shop.queue)
    shop.queue.clear()
    for hook_id, resource_id in waiting:
        if hook_id in shop.hooks:
            send_delivery(shop, shop.hooks[hook_id], resource_id)
    return len(waiting)


# ---- one delivery ------------------------------------------------------------------------------------------


def send_delivery(shop: Shop, hook: Hook, resource_id: int) -> None:
    """Build, sign and hand to the courier; its answer is counted."""
    body = payload(shop, hook, resource_id)
    if not may_reach(shop, hook.delivery_url):
        _settle(shop, hook.id, 0)
        return
    shop.courier.send(hook.delivery_url, body, _headers(shop, hook, body), lambda status: _settle(shop, hook.id, status))


def payload(shop: Shop, hook: Hook, resource_id: int) -> bytes:
    """What a GET of the object answers; only the id after a deletion; an error object when the webhook's owner is gone."""
    resource, _, event = hook.topic.partition(".")
    if event == "deleted":
        return encode({"id": resource_id})
    if shop.owner_lost:
        return encode(OWNER_GONE)
    if resource == "order" and resource_id in shop.orders:
        return order_bytes(shop, shop.orders[resource_id])
    if resource == "product" and resource_id in shop.products:
        return encode(product_json(shop, shop.products[resource_id]))
    if resource == "customer" and resource_id in shop.customers:
        return encode(customer_json(shop, shop.customers[resource_id]))
    return encode({"code": f"woocommerce_rest_{resource}_invalid_id", "message": "Invalid ID.", "data": {"status": 404}})


def signature(body: bytes, secret: str) -> str:
    """Base64 HMAC-SHA256 over the raw body; HTML entities in the secret are decoded first (observed: a&amp;b signs as a&b)."""
    digest = hmac.new(html.unescape(secret).encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _headers(shop: Shop, hook: Hook, body: bytes) -> dict[str, str]:
    """The delivery id is made of webhook and second, so two orders in one second share it (observed)."""
    resource, _, event = hook.topic.partition(".")
    seed = f"{hook.id}{int(shop.now().timestamp())}".encode()
    return {
        "User-Agent": HOOKSHOT,
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": f"{shop.home}/",
        "X-WC-Webhook-Topic": hook.topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-Signature": signature(body, hook.secret),
        "X-WC-Webhook-ID": str(hook.id),
        "X-WC-Webhook-Delivery-ID": hmac.new(shop.home.encode(), seed, hashlib.md5).hexdigest(),
    }


def _settle(shop: Shop, hook_id: int, status: int) -> None:
    """Count the outcome: 200 to 302 is success, redirects included; then the save pings while the ping is unanswered."""
    with shop.lock:
        hook = shop.hooks.get(hook_id)
        if hook is None:
            return
        if 200 <= status < 303:
            hook.failures = 0
        elif hook.failures > LAST_FORGIVEN_FAILURE:
            hook.status = "disabled"
        else:
            hook.failures += 1
        hook.modified = shop.now()
        again = hook.pending and hook.status == "active"
        url = hook.delivery_url
    if again and send_ping(shop, hook_id, url) == 200:
        with shop.lock:
            ping_answered(shop, hook)


# ---- the ping ----------------------------------------------------------------------------------------------


def send_ping(shop: Shop, hook_id: int, url: str) -> int:
    """POST webhook_id, form-encoded, unsigned, following redirects; the status, 0 for none. Never call it under the lock."""
    if not may_reach(shop, url):
        return 0
    form = {"webhook_id": str(hook_id)}
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.post(url, data=form, headers={"User-Agent": HOOKSHOT}, timeout=PING_TIMEOUT).status_code
        except requests.RequestException:
            return 0


def ping_answered(shop: Shop, hook: Hook) -> None:
    """The ping was answered with exactly 200."""
    hook.pending, hook.modified = False, shop.now()


def may_reach(shop: Shop, url: str) -> bool:
    """WordPress's safe HTTP, when switched on: public hosts on ports 80, 443 and 8080, and no password in the URL."""
    if not shop.switches.safe_http:
        return True
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        public = ip_address(host).is_global
    except ValueError:
        public = host != "localhost"
    return public and parts.username is None and (parts.port or 443) in (80, 443, 8080)
