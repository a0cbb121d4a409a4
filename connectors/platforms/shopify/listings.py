"""What changed at the shop: pages for short windows of orders, a bulk export for long ones, products with all their variants."""

from __future__ import annotations

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.kit.contract import Page
from connectors.kit.http import Api
from connectors.platforms.shopify.api import FULL_PAGE, ask, ask_sized, changed_in, next_page, walk
from connectors.platforms.shopify.bulk import BULK, page_of_export, start_export
from connectors.platforms.shopify.customers import customer_notice, in_days, is_within
from connectors.platforms.shopify.ids import number_of
from connectors.platforms.shopify.orders import order_notice
from connectors.platforms.shopify.queries import CUSTOMERS_PAGE, ORDERS_COUNT, ORDERS_PAGE, PRODUCT_VARIANTS, PRODUCTS_PAGE

MANY = 300  # orders from which on Shopify writes a file for us instead of page after page


def page_orders(api: Api, window: Window, cursor: str | None) -> Page:
    """Changed orders. Without a cursor the shop is asked how many there are, which decides the way."""
    if cursor is not None and cursor.startswith(BULK):
        return page_of_export(api, cursor)
    if cursor is None:
        count = ask(api, ORDERS_COUNT, {"filter": changed_in(window)})["ordersCount"]
        if not count.is_null and count["count"].integer() > MANY and (started := start_export(api, changed_in(window))):
            return Page((), started)
    values = {"filter": changed_in(window), "n": FULL_PAGE, "after": cursor}
    found = ask_sized(api, ORDERS_PAGE, values, "n")["orders"]
    return Page(tuple(order_notice(row) for row in found["nodes"].items()), next_page(found))


def page_customers(api: Api, window: Window, cursor: str | None) -> Page:
    """Changed customers. Their filter is documented to know whole days only, so what lies outside the window is left out here."""
    values = {"filter": in_days(window), "n": FULL_PAGE, "after": cursor}
    found = ask_sized(api, CUSTOMERS_PAGE, values, "n")["customers"]
    rows = [row for row in found["nodes"].items() if is_within(row, window)]
    return Page(tuple(customer_notice(row) for row in rows), next_page(found))


def page_products(api: Api, window: Window, cursor: str | None) -> Page:
    """The variants of changed products: a variant is what orders name, and a changed one changes its product."""
    values = {"filter": changed_in(window), "n": 50, "after": cursor, "variants": 50}
    found = ask_sized(api, PRODUCTS_PAGE, values, "n", "variants")["products"]
    notices: list[Notice] = []
    for product in found["nodes"].items():
        more = product["variants"]["pageInfo"]["hasNextPage"].boolean()
        rows = list(product["variants"]["nodes"].items())
        if more:
            wanted = {"filter": f"product_id:{number_of(product['id'])}", "n": FULL_PAGE}
            everything = walk(api, PRODUCT_VARIANTS, wanted, "productVariants")
            rows = [row for row in everything if row["product"]["id"].value == product["id"].value]  # filters may be ignored
        version = product["updatedAt"].text_or()
        notices += [Notice(ObjectType.PRODUCT, number_of(row["id"]), version=version) for row in rows]
    return Page(tuple(notices), next_page(found))
