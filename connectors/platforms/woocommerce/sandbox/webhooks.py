"""The /webhooks endpoints: registrations, and the ping that creating or saving one sends."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from connectors.kit.sandbox import Answer
from connectors.platforms.woocommerce.sandbox.deliveries import outside_lock, ping_answered, send_ping
from connectors.platforms.woocommerce.sandbox.lists import Rules, page_answer, parse_listing
from connectors.platforms.woocommerce.sandbox.model import Hook, Json
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.wire import (
    Refusal,
    Request,
    encode,
    invalid_params,
    item_links,
    missing_params,
    no_trash,
    not_in,
    reply,
    stamp,
    stamp_gmt,
)

STATUSES = ("active", "paused", "disabled")
_RULES = Rules(("date", "id", "title"), "date", choices=(("status", ("all", *STATUSES)),))
_POST_HOOKS = {"deleted": ["wp_trash_post"], "restored": ["untrashed_post"]}
HOOKS: dict[str, list[str]] = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "customer.created": ["user_register", "woocommerce_created_customer", "woocommerce_new_customer"],
    "customer.updated": ["profile_update", "woocommerce_update_customer"],
    "customer.deleted": ["delete_user"],
    "product.created": ["woocommerce_process_product_meta", "woocommerce_new_product", "woocommerce_new_product_variation"],
    "product.updated": ["woocommerce_process_product_meta", "woocommerce_update_product", "woocommerce_update_product_variation"],
    **{f"product.{event}": hooks for event, hooks in _POST_HOOKS.items()},
    "coupon.created": ["woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"],
    "coupon.updated": ["woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"],
    **{f"coupon.{event}": hooks for event, hooks in _POST_HOOKS.items()},
}


def webhook_json(shop: Shop, hook: Hook) -> Json:
    """A registration. Never shown: the secret, the count of failures, whose it is."""
    resource, _, event = hook.topic.partition(".")
    return {
        "id": hook.id,
        "name": hook.name,
        "status": hook.status,
        "topic": hook.topic,
        "resource": resource,
        "event": event,
        "hooks": HOOKS[hook.topic],
        "delivery_url": hook.delivery_url,
        "date_created": stamp(hook.created, shop),
        "date_created_gmt": stamp_gmt(hook.created),
        "date_modified": stamp(hook.modified, shop),
        "date_modified_gmt": stamp_gmt(hook.modified),
        "_links": item_links(shop, f"/webhooks/{hook.id}"),
    }


def find_hook(shop: Shop, hook_id: int, status: int = 404) -> Hook:
    if hook_id not in shop.hooks:
        raise Refusal(status, "woocommerce_rest_shop_webhook_invalid_id", "ID is invalid.")
    return shop.hooks[hook_id]


def _check_topic(topic: str) -> None:
    if topic not in HOOKS:
        raise Refusal(400, "woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic is required and must be valid.")


def _check_url(url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise Refusal(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", message)


def _ping(shop: Shop, hook: Hook) -> None:
    """Wait for the ping's answer and ignore all but exactly 200. The receiver may call the shop meanwhile."""
    with outside_lock(shop):
        status = send_ping(shop, hook.id, hook.delivery_url)
    if status == 200:
        ping_answered(shop, hook)


def post_webhook(request: Request) -> Answer:
    """Always active, whatever status was sent; 201 even when the receiver is dead; its date_modified is not known yet (observed)."""
    shop, fields = request.shop, request.body
    missing = [name for name in ("topic", "delivery_url") if not fields.get(name)]
    if missing:
        raise missing_params(missing)
    _check_topic(str(fields["topic"]))
    _check_url(str(fields["delivery_url"]))
    now = shop.now()
    hook = Hook(
        id=shop.next_id("webhook"),
        name=str(fields.get("name") or f"Webhook created on {now.astimezone(shop.zone):%b %d, %Y @ %I:%M %p}"),
        topic=str(fields["topic"]),
        delivery_url=str(fields["delivery_url"]),
        secret=str(fields.get("secret") or secrets.token_urlsafe(37)[:50]),
        created=now,
        owner=request.user,
    )
    shop.hooks[hook.id] = hook
    shown = webhook_json(shop, hook)
    _ping(shop, hook)
    return reply(shown, 201, {"Location": f"{shop.api}/webhooks/{hook.id}"})


def put_webhook(request: Request, hook_id: int) -> Answer:
    """Re-enabling leaves the count of failures as it was; a new URL or an unanswered ping is pinged (observed)."""
    shop, fields = request.shop, request.body
    if "status" in fields and fields["status"] not in STATUSES:
        raise invalid_params({"status": not_in("status", STATUSES)})
    hook = find_hook(shop, hook_id, 400)
    if "topic" in fields:
        _check_topic(str(fields["topic"]))
    if "delivery_url" in fields:
        _check_url(str(fields["delivery_url"]))
    moved = fields.get("delivery_url", hook.delivery_url) != hook.delivery_url
    for name in ("name", "status", "topic", "delivery_url", "secret"):
        if fields.get(name):
            setattr(hook, name, str(fields[name]))
    hook.modified = shop.now()
    if (moved and hook.status == "active") or hook.pending:
        _ping(shop, hook)
    return reply(webhook_json(shop, hook))


def get_webhook(request: Request, hook_id: int) -> Answer:
    return reply(webhook_json(request.shop, find_hook(request.shop, hook_id)))


def delete_webhook(request: Request, hook_id: int) -> Answer:
    hook = find_hook(request.shop, hook_id)
    if not request.forced():
        raise no_trash("Webhooks do")
    del request.shop.hooks[hook_id]
    return reply(webhook_json(request.shop, hook))


def list_webhooks(request: Request) -> Answer:
    shop, listing = request.shop, parse_listing(request, _RULES)
    status = str(request.query.get("status", "all"))
    found = [
        hook
        for hook in shop.hooks.values()
        if status in ("all", hook.status)
        and (not listing.include or hook.id in listing.include)
        and hook.id not in listing.exclude
        and listing.search.lower() in hook.name.lower()
    ]
    keys = {"id": lambda hook: hook.id, "title": lambda hook: (hook.name, hook.id)}
    found.sort(key=keys.get(listing.orderby, lambda hook: (hook.created, hook.id)), reverse=listing.order == "desc")
    return page_answer(request, listing, [hook.id for hook in found], lambda key: encode(webhook_json(shop, shop.hooks[key])))
