"""The refund endpoints: below an order, and the listing over all orders."""

from __future__ import annotations

from connectors.kit.sandbox import Answer
from connectors.platforms.woocommerce.sandbox.lists import Listing, Rules, page_answer, parse_listing, within, word_list
from connectors.platforms.woocommerce.sandbox.model import Order, Refund
from connectors.platforms.woocommerce.sandbox.order_json import refund_json
from connectors.platforms.woocommerce.sandbox.refund_making import make_refund
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.wire import Refusal, Request, encode, no_trash, reply

_RULES = Rules(("date", "id", "include", "title", "slug", "modified"), "date")


def _order(shop: Shop, order_id: int) -> Order:
    if order_id not in shop.orders:
        raise Refusal(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
    return shop.orders[order_id]


def _refund(shop: Shop, order_id: int, refund_id: int) -> Refund:
    refund = shop.refunds.get(refund_id)
    if refund is None or refund.order_id != _order(shop, order_id).id:
        raise Refusal(404, "woocommerce_rest_invalid_order_refund_id", "Invalid order refund ID.")
    return refund


def _decimals(request: Request, refund: Refund) -> int:
    asked = request.decimals()
    return request.shop.orders[refund.order_id].decimals if asked is None else asked


def _select(listing: Listing, refunds: list[Refund]) -> list[int]:
    """A refund has no date_modified of its own here: it never changes, so the modified filters mean its creation."""
    found = [
        refund
        for refund in refunds
        if (not listing.include or refund.id in listing.include)
        and refund.id not in listing.exclude
        and within(refund.created, listing.date("after"), listing.date("before"))
        and within(refund.created, listing.date("modified_after"), listing.date("modified_before"))
    ]
    found.sort(key=lambda refund: (refund.created, refund.id) if listing.orderby in ("date", "modified") else refund.id,
               reverse=listing.order == "desc")  # fmt: skip
    return [refund.id for refund in found]


def list_refunds(request: Request, order_id: int) -> Answer:
    shop, listing = request.shop, parse_listing(request, _RULES)
    ids = _select(listing, _order(shop, order_id).refunds)
    return page_answer(request, listing, ids, lambda key: encode(_shown(request, shop.refunds[key])))


def list_all_refunds(request: Request) -> Answer:
    """Refunds of all orders, each with its parent_id; parent filters by order."""
    shop, listing = request.shop, parse_listing(request, _RULES)
    parents = word_list(request.query.get("parent"))
    ids = _select(listing, [refund for refund in shop.refunds.values() if not parents or str(refund.order_id) in parents])
    return page_answer(request, listing, ids, lambda key: encode(_shown(request, shop.refunds[key], with_parent=True)))


def _shown(request: Request, refund: Refund, *, with_parent: bool = False) -> dict[str, object]:
    return refund_json(request.shop, refund, _decimals(request, refund), with_parent=with_parent)


def get_refund(request: Request, order_id: int, refund_id: int) -> Answer:
    return reply(_shown(request, _refund(request.shop, order_id, refund_id)))


def post_refund(request: Request, order_id: int) -> Answer:
    """The Location header holds the raw route pattern, as the real one does (observed)."""
    refund = make_refund(request.shop, _order(request.shop, order_id), request.body, request.user)
    location = f"{request.shop.api}/orders/(?P<order_id>[\\d]+)/refunds/{refund.id}"
    return reply(_shown(request, refund), 201, {"Location": location})


def delete_refund(request: Request, order_id: int, refund_id: int) -> Answer:
    """Silent: no event, the order's date_modified stays; only its refunds list is shorter (observed)."""
    refund = _refund(request.shop, order_id, refund_id)
    if not request.forced():
        raise no_trash("The shop_order_refund does")
    answer = reply(_shown(request, refund))
    order = request.shop.orders[order_id]
    order.refunds.remove(refund)
    order.rendered = None
    del request.shop.refunds[refund_id]
    return answer
