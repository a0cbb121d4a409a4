"""Orders: one aggregate of the order, its lines, addresses, coupons, taxes and fees (v2), its transactions and refunds (v3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.canonical.order import ChargeLine, Discount, LineItem, Order, OrderState
from connectors.canonical.party import NO_ADDRESS, Customer
from connectors.kit.account import Account
from connectors.kit.contract import Raw
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.api import V2, V3, path_id, read_all, read_list
from connectors.platforms.bigcommerce.links import link
from connectors.platforms.bigcommerce.order_amounts import Place, read_places
from connectors.platforms.bigcommerce.order_taxes import Row, read_rows, share_tax, tax_lines
from connectors.platforms.bigcommerce.order_worth import Sources, read_worth
from connectors.platforms.bigcommerce.parties import read_order_address
from connectors.platforms.bigcommerce.payments import Receipts, is_money, read_movements, read_receipts
from connectors.platforms.bigcommerce.products import categories_of
from connectors.platforms.bigcommerce.refunds import Sold, read_refunds, refunds_besides
from connectors.platforms.bigcommerce.statuses import CANCELLED, DECLINED, INCOMPLETE, Status, status_of
from connectors.platforms.bigcommerce.times import rfc_time

PARTS = ("products", "coupons", "shipping_addresses", "taxes", "fees", "transactions", "refunds")


def fetch_order(api: Api, order_id: str) -> Raw:
    """The aggregate as {"order": ..., "products": [...], ...}. Of a checkout that was left before paying only the order is read."""
    path = f"{V2}/orders/{path_id(order_id)}"
    order = api.get(path, [("include", "fees")]).json("order")
    if order["id"].identifier() != path_id(order_id):
        raise order["id"].fail(f"the order {order_id}")
    raw: Raw = {"order": dict(order.mapping()), **{part: [] for part in PARTS}}
    raw["transactions"] = read_all(api, f"{V3}/orders/{path_id(order_id)}/transactions", "transactions")
    movements = read_movements(Tame(raw["transactions"], "transactions"))
    if order["status_id"].integer() == INCOMPLETE and not any(is_money(one) for one in movements):
        return raw
    return {**raw, **_details(api, path, order, order_id)}


def _details(api: Api, path: str, order: Tame, order_id: str) -> Raw:
    """Coupons, addresses and taxes are asked for only where the order says that there are any: every call counts against the quota."""
    found: Raw = {"products": read_list(api, f"{path}/products", "products")}
    if any(order[name].decimal() for name in ("coupon_discount", "discount_amount")):
        found["coupons"] = read_list(api, f"{path}/coupons", "coupons")
    if order["shipping_address_count"].integer():
        found["shipping_addresses"] = read_list(api, f"{path}/shipping_addresses", "shipping_addresses")
    if order["total_tax"].decimal():
        found["taxes"] = read_list(api, f"{path}/taxes", "taxes", [("details", "true")])
    fees = order.get("fees").value
    found["fees"] = fees if isinstance(fees, list) else read_list(api, f"{path}/fees", "fees")
    found["refunds"] = read_all(api, f"{V3}/orders/{path_id(order_id)}/payment_actions/refunds", "refunds")
    if api.account.settings.get("categories") == "map":
        found["categories"] = categories_of(api, [product.get("product_id") for product in found["products"]])
    return found


def normalise_order(raw: Raw, account: Account) -> Order:
    """The canonical order in the currency that the buyer paid in (currency_code is only what was displayed)."""
    root = Tame(raw, "raw")
    order = Tame(root["order"].value, "order")
    parts = {part: Tame(root[part].value, part) for part in PARTS}
    currency, status = order["default_currency_code"].currency(), status_of(order["status_id"].integer())
    order_id, changed = order["id"].known_identifier(), rfc_time(order["date_modified"])
    products, addresses, fees, coupons = (tuple(parts[name].items()) for name in ("products", "shipping_addresses", "fees", "coupons"))
    sources = Sources(order, products, addresses, fees, coupons, currency)
    worth, movements, rows = read_worth(sources), read_movements(parts["transactions"]), read_rows(parts["taxes"])
    receipts = read_receipts(order, movements, status, worth.total, changed)
    places = share_tax(read_places(sources, worth), worth, rows)
    inclusive = _is_inclusive(order, account)
    sold = Sold({place.id: place for place in places}, _quantities(sources), inclusive, currency)
    refunds = tuple(read_refunds(parts["refunds"], sold, movements, changed))
    if not refunds:
        refunds = tuple(refunds_besides(parts["refunds"], receipts, movements, status, changed))
    return Order(
        id=order_id,
        number=order_id,
        status=status.word,
        state=_state(order, status, receipts),
        currency=currency,
        placed_at=rfc_time(order["date_created"]),
        updated_at=changed,
        customer=_customer(order, sources, currency),
        lines=_lines(sources, places, rows, _categories(root)),
        charges=tuple(_charge(place, rows) for place in places if place.kind is not None),
        total=worth.total,
        total_tax=worth.tax,
        discounts=tuple(_discounts(sources)),
        tenders=receipts.tenders,
        transactions=receipts.transactions,
        refunds=refunds,
        shipping=next((read_order_address(address) for address in sources.addresses), NO_ADDRESS),
        prices_include_tax=inclusive,
        payment_method=order["payment_method"].text_or(),
        payment_method_title=order["payment_method"].text_or(),
        note=order["customer_message"].text_or(),
        test=receipts.test,
        paid=receipts.paid,
        time_zone=account.time_zone,
        url=link(account, ObjectType.ORDER, order_id),
    )


def _is_inclusive(order: Tame, account: Account) -> bool:
    """Older orders do not say it; then the store's own way of entering prices does."""
    told = order.get("is_tax_inclusive_pricing")
    return account.ids.get("prices_include_tax") == "yes" if told.is_null else told.boolean()


def _state(order: Tame, status: Status, receipts: Receipts) -> OrderState:
    """Money that was taken for an order stays in the books until it is given back, whatever people do to the order itself."""
    archived = order["is_deleted"].boolean()
    if receipts.real:
        return OrderState.OPEN
    if archived:
        return OrderState.DELETED
    if status.id in (CANCELLED, DECLINED):
        return OrderState.CANCELLED
    return OrderState.DRAFT if status.id == INCOMPLETE else OrderState.OPEN


def _customer(order: Tame, sources: Sources, currency: str) -> Customer:
    """The buyer as billed on this order; customer_id 0 is a guest."""
    billing = read_order_address(order["billing_address"])
    return Customer(
        id=order["customer_id"].identifier(),
        email=order["billing_address"].get("email").text_or().strip(),
        given_name=billing.given_name,
        family_name=billing.family_name,
        company=billing.company,
        phone=billing.phone,
        billing=billing,
        shipping=next((read_order_address(address) for address in sources.addresses), NO_ADDRESS),
        currency=currency,
    )


def _quantities(sources: Sources) -> dict[str, Decimal]:
    return {product["id"].known_identifier(): product["quantity"].decimal() for product in sources.products}


def _categories(root: Tame) -> Any:
    found = root.get("categories")
    return {} if found.is_null else {key: Tame(value, f"categories.{key}") for key, value in found.mapping().items()}


def _lines(sources: Sources, places: tuple[Place, ...], rows: tuple[Row, ...], categories: dict[str, Tame]) -> tuple[LineItem, ...]:
    by_id = {place.id: place for place in places if place.kind is None}
    return tuple(_line(product, by_id[product["id"].known_identifier()], rows, categories) for product in sources.products)


def _line(product: Tame, place: Place, rows: tuple[Row, ...], categories: dict[str, Tame]) -> LineItem:
    product_id = product["product_id"].identifier()
    known = categories.get(product_id)
    return LineItem(
        id=place.id,
        name=place.name,
        quantity=product["quantity"].decimal(),
        total=place.gross - place.tax,
        discount=max(place.listed - place.gross, Money.zero(place.gross.currency)),
        taxes=tax_lines(place, rows),
        sku=product["sku"].text_or().strip(),
        product_id=product_id,
        categories=() if known is None else tuple(f"category:{one.identifier()}" for one in known.items()),
    )


def _charge(place: Place, rows: tuple[Row, ...]) -> ChargeLine:
    if place.kind is None:
        raise ValueError("a product line is no charge")
    return ChargeLine(
        id=place.id,
        kind=place.kind,
        name=place.name,
        total=place.gross - place.tax,
        discount=Money.zero(place.gross.currency),
        taxes=tax_lines(place, rows),
        code=place.code,
    )


def _discounts(sources: Sources) -> list[Discount]:
    """For the text only: coupons by code, and a discount that a person gave."""
    found = [Discount(coupon["code"].text_or(), sources.money(coupon["discount"])) for coupon in sources.coupons]
    manual = sources.money(sources.order["discount_amount"])
    return [*found, Discount("", manual)] if manual else found
