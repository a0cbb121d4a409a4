"""The items that the lines of an order need: found or created by SKU, and brought back where they were removed."""

from __future__ import annotations

from typing import cast

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.kit.errors import NeedsAttention
from flows.recipes.contract import Change
from flows.recipes.desired_books import DesiredBooks
from flows.recipes.looks import Link, LinkOf, View

Changes = tuple[Change, ...]


def item_changes(desired: DesiredBooks, view: View) -> Changes:
    """The items that the lines need: found or created, and brought back where they were removed with the order they were made for."""
    missing = [item for item in desired.items if view(LinkOf(ObjectType.PRODUCT, item.key)) is None]
    unmapped = [item.product.sku for item in missing if item.must_exist]
    if unmapped:
        which, one = ("SKU", "it") if len(unmapped) == 1 else ("the SKUs", "one for each")
        raise NeedsAttention(
            f"No item is mapped to {which} {', '.join(unmapped)} of order {desired.number}. Choose {one} under Mappings, Unmapped SKUs.",
            code="sku_unmapped",
            subject=f"sku:{unmapped[0]}",
        )
    created = [
        Change(
            "create",
            ObjectType.PRODUCT,
            item.key,
            f"Find or create item {item.product.name} (SKU {item.product.sku})",
            item.product,
            shared=True,
            several="first",
        )
        for item in missing
    ]
    return (*items_back(desired, view), *created)


def items_back(desired: DesiredBooks, view: View) -> Changes:
    """Only those that were removed: for an invoice that comes back as it was."""
    links = [cast("Link | None", view(LinkOf(ObjectType.PRODUCT, item.key))) for item in desired.items]
    return tuple(
        restore_item(link, item.product) for item, link in zip(desired.items, links, strict=True) if link is not None and link.void
    )


def restore_item(link: Link, product: Product) -> Change:
    """Bring an item back that was removed with the order it was made for."""
    title = f"Restore item {product.name} (SKU {product.sku})"
    return Change("act", ObjectType.PRODUCT, link.key, title, action="restore", target_id=link.destination_id, shared=True)
