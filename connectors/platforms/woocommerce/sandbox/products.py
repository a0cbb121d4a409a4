"""The /products and /variations endpoints, with the look-up by SKU."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from connectors.kit.sandbox import Answer
from connectors.platforms.woocommerce.sandbox.deliveries import raise_event
from connectors.platforms.woocommerce.sandbox.lists import Listing, Rules, page_answer, parse_listing, within, word_list
from connectors.platforms.woocommerce.sandbox.model import Json, Product
from connectors.platforms.woocommerce.sandbox.order_fields import merge_meta
from connectors.platforms.woocommerce.sandbox.product_json import product_json, slug_of, variation_json
from connectors.platforms.woocommerce.sandbox.state import Shop, catalogue_changed
from connectors.platforms.woocommerce.sandbox.wire import Refusal, Request, encode, missing_params, no_trash, reply

_STATUSES = ("any", "future", "trash", "draft", "pending", "private", "publish")
_TYPES = ("simple", "grouped", "external", "variable")
_SORTS = ("date", "id", "include", "title", "slug", "modified", "popularity", "rating", "post__in", "price", "sales", "menu_order")
_RULES = Rules(_SORTS, "date", choices=(("status", _STATUSES), ("type", _TYPES)))
_WRITABLE = ("name", "regular_price", "sale_price", "status", "description", "short_description", "tax_status", "tax_class",
             "virtual", "downloadable", "manage_stock", "stock_quantity")  # fmt: skip


def find_product(shop: Shop, product_id: int, status: int = 404) -> Product:
    if product_id not in shop.products:
        raise Refusal(status, "woocommerce_rest_product_invalid_id", "Invalid ID." if status == 404 else "ID is invalid.")
    return shop.products[product_id]


# ---- changing ----------------------------------------------------------------------------------------------


def add_product(shop: Shop, fields: Json, parent: Product | None = None) -> Product:
    """A new product, or a variation of one."""
    _check_sku(shop, str(fields.get("sku") or ""), 0)
    now = shop.now()
    kind = "variation" if parent else str(fields.get("type", "simple"))
    product = Product(shop.next_id("post"), str(fields.get("name") or "Product"), now, now, kind)
    shop.products[product.id] = product
    if parent:
        product.parent_id = parent.id
        product.option = str((fields.get("attributes") or [{}])[0].get("option", ""))
        parent.variations.append(product.id)
    _apply(shop, product, fields)
    raise_event(shop, "product.created", product.id)
    return product


def change_product(shop: Shop, product: Product, fields: Json) -> None:
    """What a PUT does; changing a variation moves its product's date_modified too (observed with 11.0.1)."""
    if "sku" in fields:
        _check_sku(shop, str(fields["sku"] or ""), product.id)
    _apply(shop, product, fields)
    product.modified = shop.now()
    if product.parent_id in shop.products:
        shop.products[product.parent_id].modified = product.modified
    raise_event(shop, "product.updated", product.id)


def _check_sku(shop: Shop, sku: str, own_id: int) -> None:
    holder = shop.skus.get(sku.lower(), own_id) if sku else own_id
    if holder == own_id:
        return
    count = 1
    while f"{sku}-{count}".lower() in shop.skus:
        count += 1
    data = {"status": 400, "resource_id": holder, "unique_sku": f"{sku}-{count}"}
    raise Refusal(400, "product_invalid_sku", "Invalid or duplicated SKU.", data)


def _apply(shop: Shop, product: Product, fields: Json) -> None:
    for name in _WRITABLE:
        if name in fields:
            setattr(product, name, fields[name])
    if "sku" in fields:
        shop.skus.pop(product.sku.lower(), None)
        product.sku = str(fields["sku"] or "")
        if product.sku:
            shop.skus[product.sku.lower()] = product.id
    merge_meta(shop, product.meta, fields.get("meta_data") or [])
    catalogue_changed(shop)


def remove_product(shop: Shop, product: Product, *, forced: bool) -> None:
    """To the trash with product.deleted; for good without an event."""
    if not forced:
        product.status, product.modified = "trash", shop.now()
        raise_event(shop, "product.deleted", product.id)
        return
    for gone in [product.id, *product.variations]:
        shop.skus.pop(shop.products[gone].sku.lower(), None)
        del shop.products[gone]
    if product.parent_id in shop.products:
        shop.products[product.parent_id].variations.remove(product.id)
    catalogue_changed(shop)


# ---- endpoints ---------------------------------------------------------------------------------------------


def get_product(request: Request, product_id: int) -> Answer:
    return reply(product_json(request.shop, find_product(request.shop, product_id)))


def post_product(request: Request) -> Answer:
    product = add_product(request.shop, request.body)
    return reply(product_json(request.shop, product, edited=True), 201, {"Location": f"{request.shop.api}/products/{product.id}"})


def put_product(request: Request, product_id: int) -> Answer:
    product = find_product(request.shop, product_id, 400)
    change_product(request.shop, product, request.body)
    return reply(product_json(request.shop, product, edited=True))


def delete_product(request: Request, product_id: int) -> Answer:
    product = find_product(request.shop, product_id)
    answer = reply(product_json(request.shop, product))
    remove_product(request.shop, product, forced=request.forced())
    return answer


def list_products(request: Request) -> Answer:
    """Parents and simple products; a look-up by SKU finds variations too. An empty sku is no filter (observed)."""
    skus = word_list(request.query.get("sku"))
    shop = request.shop
    if skus:
        found = (shop.products.get(shop.skus.get(sku.lower(), 0)) for sku in skus)
        pool: list[Product] = [product for product in found if product]
    else:
        pool = [product for product in shop.products.values() if product.kind != "variation"]
    return _listing(request, pool, lambda product: encode(product_json(shop, product)))


def list_variations(request: Request, product_id: int) -> Answer:
    shop = request.shop
    pool = [shop.products[number] for number in find_product(shop, product_id).variations]
    return _listing(request, pool, lambda product: encode(variation_json(shop, product)))


def list_all_variations(request: Request) -> Answer:
    shop = request.shop
    pool = [product for product in shop.products.values() if product.kind == "variation"]
    return _listing(request, pool, lambda product: encode(variation_json(shop, product)))


def _variation(request: Request, product_id: int, variation_id: int, status: int = 404) -> Product:
    product = find_product(request.shop, variation_id, status)
    if product.parent_id != product_id:
        raise Refusal(status, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
    return product


def get_variation(request: Request, product_id: int, variation_id: int) -> Answer:
    return reply(variation_json(request.shop, _variation(request, product_id, variation_id)))


def post_variation(request: Request, product_id: int) -> Answer:
    if not request.body.get("attributes"):
        raise missing_params(["attributes"])
    product = add_product(request.shop, request.body, find_product(request.shop, product_id))
    location = {"Location": f"{request.shop.api}/products/{product_id}/variations/{product.id}"}
    return reply(variation_json(request.shop, product), 201, location)


def put_variation(request: Request, product_id: int, variation_id: int) -> Answer:
    product = _variation(request, product_id, variation_id, 400)
    change_product(request.shop, product, request.body)
    return reply(variation_json(request.shop, product))


def delete_variation(request: Request, product_id: int, variation_id: int) -> Answer:
    product = _variation(request, product_id, variation_id)
    if not request.forced():
        raise no_trash("The product_variation does")
    answer = reply(variation_json(request.shop, product))
    remove_product(request.shop, product, forced=True)
    return answer


def _listing(request: Request, pool: Iterable[Product], render: Callable[[Product], bytes]) -> Answer:
    shop, listing = request.shop, parse_listing(request, _RULES)
    status, kind = str(request.query.get("status", "any")), str(request.query.get("type", ""))
    found = [
        product
        for product in pool
        if (product.status != "trash" if status == "any" else product.status == status)
        and kind in ("", product.kind)
        and _passes(listing, product)
    ]
    keys: dict[str, Callable[[Product], object]] = {
        "date": lambda product: (product.created, product.id),
        "modified": lambda product: (product.modified, product.id),
        "title": lambda product: (product.name, product.id),
    }
    found.sort(key=keys.get(listing.orderby, lambda product: product.id), reverse=listing.order == "desc")  # type: ignore[arg-type]
    return page_answer(request, listing, [product.id for product in found], lambda number: render(shop.products[number]))


def _passes(listing: Listing, product: Product) -> bool:
    words = listing.search.lower()
    return (
        (not listing.include or product.id in listing.include)
        and product.id not in listing.exclude
        and within(product.created, listing.date("after"), listing.date("before"))
        and within(product.modified, listing.date("modified_after"), listing.date("modified_before"))
        and (not words or words in product.name.lower() or slug_of(words) in slug_of(product.name))
    )
