"""The /orders endpoints, their notes, and the search behind the listing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.kit.sandbox import Answer
from connectors.platforms.woocommerce.sandbox.lists import Listing, Rules, page_answer, parse_listing, within, word_list
from connectors.platforms.woocommerce.sandbox.model import Order
from connectors.platforms.woocommerce.sandbox.order_fields import STATUSES
from connectors.platforms.woocommerce.sandbox.order_json import note_json, order_bytes
from connectors.platforms.woocommerce.sandbox.order_life import (
    STATUS_NAMES,
    add_note,
    create_order,
    destroy_order,
    trash_order,
    update_order,
)
from connectors.platforms.woocommerce.sandbox.state import Shop, is_current
from connectors.platforms.woocommerce.sandbox.wire import Refusal, Request, missing_params, no_trash, reply

_RULES = Rules(("date", "id", "include", "title", "slug", "modified"), "date", choices=(("status", ("any", "trash", *STATUSES)),))
_HIDDEN = ("trash", "checkout-draft", "auto-draft")  # status=any leaves these out (observed with 11.0.1)
_LONGEST_MEMORY = 64


def find_order(shop: Shop, order_id: int, status: int = 404) -> Order:
    """The order; a PUT of a missing one answers 400, everything else 404."""
    order = shop.orders.get(order_id)
    if order is None:
        message = "Invalid ID." if status == 404 else "ID is invalid."
        raise Refusal(status, "woocommerce_rest_shop_order_invalid_id", message)
    return order


# ---- one order ---------------------------------------------------------------------------------------------


def get_order(request: Request, order_id: int) -> Answer:
    return reply(order_bytes(request.shop, find_order(request.shop, order_id), request.decimals()))


def post_order(request: Request) -> Answer:
    order = create_order(request.shop, request.body)
    location = {"Location": f"{request.shop.api}/orders/{order.id}"}
    return reply(order_bytes(request.shop, order, request.decimals()), 201, location)


def put_order(request: Request, order_id: int) -> Answer:
    order = find_order(request.shop, order_id, 400)
    update_order(request.shop, order, request.body)
    return reply(order_bytes(request.shop, order, request.decimals()))


def delete_order(request: Request, order_id: int) -> Answer:
    """Trash or, with force, gone for good; the answer shows the order as it was before."""
    order = find_order(request.shop, order_id)
    before = order_bytes(request.shop, order, request.decimals())
    if request.forced():
        destroy_order(request.shop, order)
    elif order.status == "trash":
        raise Refusal(410, "woocommerce_rest_already_trashed", "The shop_order has already been deleted.")
    else:
        trash_order(request.shop, order)
    return reply(before)


# ---- many orders -------------------------------------------------------------------------------------------


def list_orders(request: Request) -> Answer:
    shop, listing = request.shop, parse_listing(request, _RULES)
    decimals = request.decimals()
    extra = {"status[0]": "any", "dp": str(shop.decimals), "context": "view"}
    return page_answer(request, listing, _matching(request, listing), lambda key: order_bytes(shop, shop.orders[key], decimals), extra)


def _matching(request: Request, listing: Listing) -> list[int]:
    """The ids that the query asks for, remembered until an order changes (a backfill walks thousands of pages)."""
    shop = request.shop
    filters = {name: request.query.get(name) for name in ("status", "customer", "product", "parent", "parent_exclude", "created_via")}
    key = (listing.order, listing.orderby, listing.include, listing.exclude, listing.search, listing.dates, repr(filters))
    if key not in shop.listings:
        if len(shop.listings) >= _LONGEST_MEMORY:
            shop.listings.clear()
        wanted = _predicate(shop, listing, filters)
        found = [order for order in _candidates(shop, listing) if wanted(order)]
        found.sort(key=_sort_key(listing), reverse=listing.order == "desc")
        shop.listings[key] = [order.id for order in found]
    return shop.listings[key]


def _candidates(shop: Shop, listing: Listing) -> Iterable[Order]:
    """As few orders as the indexes allow."""
    after, before = listing.date("modified_after"), listing.date("modified_before")
    if listing.include:
        return [shop.orders[number] for number in listing.include if number in shop.orders]
    if listing.search.lower() in shop.order_emails:
        return [shop.orders[number] for number in sorted(shop.order_emails[listing.search.lower()])]
    if after is None and before is None:
        return shop.orders.values()
    first = bisect_right(shop.changes, after, key=lambda entry: entry[0]) if after else 0
    last = bisect_left(shop.changes, before, key=lambda entry: entry[0]) if before else len(shop.changes)
    return [shop.orders[entry[2]] for entry in shop.changes[first:last] if is_current(shop, entry)]


def _sort_key(listing: Listing) -> Callable[[Order], Any]:
    if listing.orderby == "modified":
        return lambda order: (order.modified, order.id)
    if listing.orderby == "include" and listing.include:
        return lambda order: listing.include.index(order.id)
    if listing.orderby == "date":
        return lambda order: (order.created, order.id)
    return lambda order: order.id


def _predicate(shop: Shop, listing: Listing, filters: dict[str, Any]) -> Callable[[Order], bool]:
    after, before = listing.date("after"), listing.date("before")
    changed_after, changed_before = listing.date("modified_after"), listing.date("modified_before")
    others = [*_field_filters(shop, filters), *_search_filter(shop, listing.search)]
    excluded = set(listing.exclude)

    def wanted(order: Order) -> bool:
        return (
            order.id not in excluded
            and within(order.created, after, before)
            and within(order.modified, changed_after, changed_before)
            and all(test(order) for test in others)
        )

    return wanted


def _field_filters(shop: Shop, filters: dict[str, Any]) -> list[Callable[[Order], bool]]:
    tests = [_status_filter(word_list(filters["status"]))]
    for name, field in (("customer", "customer_id"), ("parent", "parent_id"), ("created_via", "created_via")):
        values = word_list(filters[name])
        if values:
            tests.append(lambda order, field=field, values=values: str(getattr(order, field)) in values)  # type: ignore[misc]
    if str(filters["product"] or "").isdigit():
        product = int(filters["product"])
        tests.append(lambda order: any(product in (line.product_id, line.variation_id) for line in order.lines))
    return tests


def _status_filter(statuses: list[str]) -> Callable[[Order], bool]:
    if not statuses or "any" in statuses:
        return lambda order: order.status not in _HIDDEN or order.status in statuses
    return lambda order: order.status in statuses


def _search_filter(shop: Shop, text: str) -> list[Callable[[Order], bool]]:
    """Fuzzy: billing e-mail, names, or the very id; not the order number (observed)."""
    if not text:
        return []
    exact = shop.order_emails.get(text.lower())
    if exact:
        return [lambda order: order.id in exact]
    words = text.lower()
    fields = ("email", "first_name", "last_name", "company")
    return [lambda order: str(order.id) == words or any(words in order.billing.get(name, "").lower() for name in fields)]


def list_statuses(request: Request) -> Answer:
    return reply([{"slug": slug, "name": name} for slug, name in STATUS_NAMES.items()])


def report_totals(request: Request) -> Answer:
    """How many orders are in each status."""
    counts = dict.fromkeys(STATUS_NAMES, 0)
    for order in request.shop.orders.values():
        if order.status in counts:
            counts[order.status] += 1
    return reply([{"slug": slug, "name": name, "total": counts[slug]} for slug, name in STATUS_NAMES.items()])


# ---- notes -------------------------------------------------------------------------------------------------


def _order_of_notes(shop: Shop, order_id: int) -> Order:
    if order_id not in shop.orders:
        raise Refusal(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
    return shop.orders[order_id]


def list_notes(request: Request, order_id: int) -> Answer:
    """All notes at once, newest first; there are no pages."""
    order = _order_of_notes(request.shop, order_id)
    kind = str(request.query.get("type", "any"))
    found = [note for note in order.notes if kind == "any" or note.for_customer == (kind == "customer")]
    found.sort(key=lambda note: (datetime.max.replace(tzinfo=UTC) - note.created, note.id))
    return reply([note_json(request.shop, order, note) for note in found])


def post_note(request: Request, order_id: int) -> Answer:
    order = _order_of_notes(request.shop, order_id)
    if not request.body.get("note"):
        raise missing_params(["note"])
    author = "admin" if request.body.get("added_by_user") else "WooCommerce"
    note = add_note(request.shop, order, str(request.body["note"]), for_customer=bool(request.body.get("customer_note")), author=author)
    location = {"Location": f"{request.shop.api}/orders/{order_id}/notes/{note.id}"}
    return reply(note_json(request.shop, order, note), 201, location)


def get_note(request: Request, order_id: int, note_id: int) -> Answer:
    order = _order_of_notes(request.shop, order_id)
    for note in order.notes:
        if note.id == note_id:
            return reply(note_json(request.shop, order, note))
    raise Refusal(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")


def delete_note(request: Request, order_id: int, note_id: int) -> Answer:
    answer = get_note(request, order_id, note_id)
    if not request.forced():
        raise no_trash("Order notes do")
    order = request.shop.orders[order_id]
    order.notes = [note for note in order.notes if note.id != note_id]
    return answer
