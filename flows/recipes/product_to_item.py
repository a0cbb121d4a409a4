"""From a shop's product to an item of the books, by its SKU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.kit.errors import NothingToDo
from flows.recipes.contract import Change, Context, Plan, Recipe
from flows.recipes.fields import filled
from flows.recipes.items_plan import restore_item
from flows.recipes.looks import Link, LinkOf, Now, View
from flows.recipes.options import PRODUCT_TO_ITEM, text
from flows.recipes.plain import digest, link_key
from flows.recipes.updating import NEW, Kept, keeping, kept_by, without


@dataclass(frozen=True, slots=True)
class DesiredItem:
    """The item wanted under its link key; follow: the shop's values win over what exists."""

    key: str
    product: Product
    content: str
    follow: bool
    kept: Kept = ()


def desire(product: Product, context: Context) -> DesiredItem:
    """The item as the shop knows it. Without a SKU nothing connects the two; what the shop has withdrawn is left alone."""
    if not product.sku:
        raise NothingToDo(f'"{product.name}" has no SKU, so no item can be found for it.', code="no_sku")
    if not product.active:
        raise NothingToDo(f'"{product.name}" is not on sale.', code="inactive")
    if product.sku in context.mappings.items:
        raise NothingToDo(f'SKU {product.sku} is mapped to the item "{context.mappings.items[product.sku].name}".', code="mapped")
    wanted = filled(product, "item", context.mappings.fields, product)
    if wanted.unit_price is not None and not wanted.unit_price.is_exact:
        wanted = replace(wanted, unit_price=wanted.unit_price.rounded())
    kept = kept_by("item", context.mappings.fields)
    told = without(wanted, kept, NEW)
    content = digest(told.sku, told.name, told.description, told.unit_price)
    follow = text(context.options, "conflict", "shop") == "shop"
    return DesiredItem(link_key("sku", product.sku), wanted, content, follow, kept)


def plan(desired: DesiredItem, view: View) -> Plan:
    """Create or adopt by SKU, then follow the shop: an echo of what we wrote last hashes the same and changes nothing."""
    link = cast("Link | None", view(LinkOf(ObjectType.PRODUCT, desired.key)))
    title = f"{desired.product.name} (SKU {desired.product.sku})"
    if link is None:
        change = Change(
            "create",
            ObjectType.PRODUCT,
            desired.key,
            f"Find or create item {title}",
            desired.product,
            shared=True,
            several="first",
            content_hash=desired.content,
        )
        return Plan((change,))
    back = (restore_item(link, desired.product),) if link.void else ()
    if not desired.follow:
        return Plan(back, ("The item exists and the flow leaves it as it is.",))
    if link.content_hash == desired.content:
        return Plan(back)
    now = cast("Product | None", view(Now(ObjectType.PRODUCT, link.destination_id))) if desired.kept else None
    change = Change(
        "update",
        ObjectType.PRODUCT,
        desired.key,
        f"Update item {title}",
        keeping(desired.product, now, desired.kept),
        target_id=link.destination_id,
        shared=True,
        content_hash=desired.content,
    )
    return Plan((*back, change))


def describe(product: Product) -> tuple[str, Money | None]:
    """For lists: the SKU or name, and the price."""
    return product.sku or product.name, product.unit_price


RECIPE: Recipe[Product, DesiredItem] = Recipe(
    name="product_to_item",
    label="Products become items",
    source=ObjectType.PRODUCT,
    writes=(ObjectType.PRODUCT,),
    options=PRODUCT_TO_ITEM,
    desire=desire,
    plan=plan,
    describe=describe,
    fills=("item",),
    in_words="Each product or variation becomes an item of the books with its SKU and price. Stock levels stay where they are.",
)
