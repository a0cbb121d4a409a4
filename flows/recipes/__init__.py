"""All recipes by name: what a flow can do."""

from __future__ import annotations

from typing import Any

from flows.recipes.client_to_customer import RECIPE as CLIENT_TO_CUSTOMER
from flows.recipes.collection_to_payment import RECIPE as COLLECTION_TO_PAYMENT
from flows.recipes.contract import Recipe
from flows.recipes.customer_to_client import RECIPE as CUSTOMER_TO_CLIENT
from flows.recipes.invoice_to_collection import RECIPE as INVOICE_TO_COLLECTION
from flows.recipes.invoice_to_order_mark import RECIPE as INVOICE_TO_ORDER_MARK
from flows.recipes.order_to_invoice import RECIPE as ORDER_TO_INVOICE
from flows.recipes.payment_to_order_status import RECIPE as PAYMENT_TO_ORDER_STATUS
from flows.recipes.product_to_item import RECIPE as PRODUCT_TO_ITEM

RECIPES: dict[str, Recipe[Any, Any]] = {
    recipe.name: recipe
    for recipe in (
        ORDER_TO_INVOICE,
        CUSTOMER_TO_CLIENT,
        CLIENT_TO_CUSTOMER,
        PRODUCT_TO_ITEM,
        PAYMENT_TO_ORDER_STATUS,
        INVOICE_TO_ORDER_MARK,
        INVOICE_TO_COLLECTION,
        COLLECTION_TO_PAYMENT,
    )
}
