"""The /customers endpoints."""

from __future__ import annotations

from connectors.kit.sandbox import Answer
from connectors.platforms.woocommerce.sandbox.customer_json import customer_json
from connectors.platforms.woocommerce.sandbox.deliveries import raise_event
from connectors.platforms.woocommerce.sandbox.lists import Rules, page_answer, parse_listing
from connectors.platforms.woocommerce.sandbox.model import Customer, Json
from connectors.platforms.woocommerce.sandbox.order_fields import is_email, merge_meta
from connectors.platforms.woocommerce.sandbox.order_json import BILLING, SHIPPING
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.wire import Refusal, Request, encode, invalid_params, missing_params, no_trash, reply

_ROLES = ("all", "administrator", "editor", "author", "contributor", "subscriber", "customer", "shop_manager")
# No modified filter and no order by it: changes come by webhook or by a full sweep (observed with 11.0.1).
_RULES = Rules(("id", "include", "name", "registered_date"), "name", "asc", (("role", _ROLES),))


def find_customer(shop: Shop, customer_id: int) -> Customer:
    if customer_id not in shop.customers:
        raise Refusal(404, "wc_user_invalid_id", "Invalid user ID.")
    return shop.customers[customer_id]


def add_customer(shop: Shop, fields: Json) -> Customer:
    """A new account; customer.created and customer.updated are raised (observed)."""
    email = str(fields.get("email") or "")
    if not email:
        raise missing_params(["email"])
    _check_email(shop, email, 0)
    now = shop.now()
    username = str(fields.get("username") or email.partition("@")[0])
    customer = Customer(shop.next_id("user"), email, now, now, username)
    shop.customers[customer.id] = customer
    _apply(shop, customer, fields)
    raise_event(shop, "customer.created", customer.id)
    raise_event(shop, "customer.updated", customer.id)
    return customer


def _check_email(shop: Shop, email: str, own_id: int) -> None:
    if not is_email(email):
        raise invalid_params({"email": ("rest_invalid_email", "Invalid email address.")})
    if shop.customer_emails.get(email.lower(), own_id) != own_id:
        message = f"An account is already registered with {email}. Please log in or use a different email address."
        raise Refusal(400, "registration-error-email-exists", message)


def _apply(shop: Shop, customer: Customer, fields: Json) -> None:
    shop.customer_emails.pop(customer.email.lower(), None)
    for name in ("email", "first_name", "last_name"):
        if fields.get(name) is not None:
            setattr(customer, name, str(fields[name]))
    shop.customer_emails[customer.email.lower()] = customer.id
    for name, known in (("billing", BILLING), ("shipping", SHIPPING)):
        given = fields.get(name) or {}
        getattr(customer, name).update({key: str(given[key] or "") for key in known if key in given})
    merge_meta(shop, customer.meta, fields.get("meta_data") or [])


def change_customer(shop: Shop, customer: Customer, fields: Json) -> None:
    """What a PUT does."""
    if fields.get("email"):
        _check_email(shop, str(fields["email"]), customer.id)
    _apply(shop, customer, fields)
    customer.modified = shop.now()
    raise_event(shop, "customer.updated", customer.id)


def get_customer(request: Request, customer_id: int) -> Answer:
    return reply(customer_json(request.shop, find_customer(request.shop, customer_id)))


def post_customer(request: Request) -> Answer:
    customer = add_customer(request.shop, request.body)
    return reply(customer_json(request.shop, customer), 201, {"Location": f"{request.shop.api}/customers/{customer.id}"})


def put_customer(request: Request, customer_id: int) -> Answer:
    customer = find_customer(request.shop, customer_id)
    change_customer(request.shop, customer, request.body)
    return reply(customer_json(request.shop, customer))


def delete_customer(request: Request, customer_id: int) -> Answer:
    """Only for good; the orders stay and their customer_id becomes 0 (observed)."""
    if not request.forced():
        raise no_trash("Customers do")
    shop, customer = request.shop, find_customer(request.shop, customer_id)
    answer = reply(customer_json(shop, customer))
    del shop.customers[customer_id]
    shop.customer_emails.pop(customer.email.lower(), None)
    for order_id in shop.customer_orders.pop(customer_id, set()):
        shop.orders[order_id].customer_id, shop.orders[order_id].rendered = 0, None
    shop.listings.clear()
    raise_event(shop, "customer.deleted", customer_id)
    return answer


def list_customers(request: Request) -> Answer:
    """Filters: e-mail (exact, in any case), role (only customers unless asked), search."""
    shop, listing = request.shop, parse_listing(request, _RULES)
    email, role = str(request.query.get("email", "")).lower(), str(request.query.get("role", "customer"))
    pool = shop.customers.values() if not email else _by_email(shop, email)
    found = [
        customer
        for customer in pool
        if role in ("all", customer.role)
        and (not listing.include or customer.id in listing.include)
        and customer.id not in listing.exclude
        and _mentions(customer, listing.search.lower())
    ]
    keys = {"id": lambda one: one.id, "registered_date": lambda one: (one.created, one.id)}
    found.sort(key=keys.get(listing.orderby, lambda one: (one.username, one.id)), reverse=listing.order == "desc")
    ids = [customer.id for customer in found]
    return page_answer(request, listing, ids, lambda key: encode(customer_json(shop, shop.customers[key])))


def _by_email(shop: Shop, email: str) -> list[Customer]:
    customer_id = shop.customer_emails.get(email, 0)
    return [shop.customers[customer_id]] if customer_id else []


def _mentions(customer: Customer, words: str) -> bool:
    shown = f"{customer.email} {customer.username} {customer.first_name} {customer.last_name}".lower()
    return not words or words in shown
