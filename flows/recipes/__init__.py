"""All recipes by name: what a flow can do."""

from __future__ import annotations

from typing import Any

from flows.recipes.contract import Recipe
from flows.recipes.customer_to_client import RECIPE as CUSTOMER_TO_CLIENT
from flows.recipes.order_to_invoice import RECIPE as ORDER_TO_INVOICE
from flows.recipes.payment_to_order_status import RECIPE as PAYMENT_TO_ORDER_STATUS
from flows.recipes.product_to_item import RECIPE as PRODUCT_TO_ITEM

RECIPES: dict[str, Recipe[Any, Any]] = {
    recipe.name: recipe for recipe in (ORDER_TO_INVOICE, CUSTOMER_TO_CLIENT, PRODUCT_TO_ITEM, PAYMENT_TO_ORDER_STATUS)
}
