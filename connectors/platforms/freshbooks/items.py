"""Items: what the books sell. Whether items can be searched by SKU is not documented, so the list is matched here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType, Window
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw, Reads, Writes
from connectors.kit.errors import Gone
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.fields import (
    NAME_LIMIT,
    TEXT_LIMIT,
    clean,
    eastern,
    filled,
    is_deleted,
    read_id,
    read_money,
    write_money,
)

ITEMS = fb.Resource("items/items", "item", "items")


def page_items(api: Api, window: Window, cursor: str | None) -> Page:
    return fb.changed_page(api, ITEMS, ObjectType.PRODUCT, window, cursor)


def fetch_item(api: Api, id: str) -> Raw:
    """The item as raw JSON; Gone also when it was deleted."""
    item = fb.read_one(api, ITEMS, id)
    if is_deleted(item):
        raise Gone(f"The item {id} was deleted in FreshBooks.")
    return dict(item.mapping())


def normalise_item(raw: Raw, account: Account) -> Product:
    return read_item(Tame(raw, "item"))


def read_item(item: Tame) -> Product:
    price, state = item.get("unit_cost"), item.get("vis_state")
    priced = isinstance(price.value, dict) and bool(price.value.get("amount")) and bool(price.value.get("code"))
    return Product(
        id=read_id(item["id"]),
        sku=item.get("sku").text_or(),
        name=item["name"].text_or(),
        description=item.get("description").text_or(),
        unit_price=read_money(price) if priced else None,
        active=state.is_null or state.integer() == 0,
        updated_at=eastern(item.get("updated")),
    )


def _fields(product: Product) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": clean(product.name) or clean(product.sku),
        "description": clean(product.description, TEXT_LIMIT),
        "sku": clean(product.sku, NAME_LIMIT),
    }
    if product.unit_price is not None:
        fields["unit_cost"] = write_money(product.unit_price)
    return filled(fields)


def find_items(api: Api, wanted: Product) -> tuple[Product, ...]:
    """Those with exactly this SKU (without SKU: this name), active before archived, then the oldest. One walk of the list."""
    sku, name = clean(wanted.sku), clean(wanted.name)
    found = [
        item
        for row in fb.rows(api, ITEMS)
        if not is_deleted(row) and (item := read_item(row)) and (item.sku == sku if sku else item.name == name and not item.sku)
    ]
    return tuple(sorted(found, key=lambda item: (not item.active, int(item.id))))


def every_item(api: Api) -> Iterator[Product]:
    """All items but deleted ones, archived ones included."""
    return (read_item(row) for row in fb.rows(api, ITEMS) if not is_deleted(row))


def create_item(api: Api, product: Product) -> Product:
    return fb.create(api, ITEMS, {**_fields(product), "qty": "1"}, read_item)


def get_item(api: Api, id: str) -> Product:
    return read_item(Tame(fetch_item(api, id), "item"))


def update_item(api: Api, id: str, product: Product) -> Product:
    """Write name, description, SKU and price; stock and taxes of the item stay the bookkeeper's."""
    return read_item(fb.change(api, ITEMS, id, _fields(product)))


def _remove(api: Api, id: str) -> Product:
    return read_item(fb.change(api, ITEMS, id, {"vis_state": 1}))


def _restore(api: Api, id: str) -> Product:
    return read_item(fb.change(api, ITEMS, id, {"vis_state": 0}))


READS = Reads(fetch=fetch_item, normalise=normalise_item, page=page_items)
ACTIONS = {"remove": _remove, "restore": _restore}
WRITES = Writes(find=find_items, create=create_item, get=get_item, update=update_item, actions=ACTIONS, every=every_item)
