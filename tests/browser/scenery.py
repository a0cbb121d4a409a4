"""What the pictures of docs/operators show: a tea shop whose books know some of its articles, and what went wrong in its first days."""

from __future__ import annotations

import requests

from tests.browser.installation import Company

OPTIONS = 'options = { unknown_sku = "attention", invoice_prefix = "HH-" }'  # every SKU waits for its item at first
ITEMS = (("Earl Grey, 100 g", "TEA-EG-100"), ("Sencha, 50 g", ""), ("Bamboo spoons", ""), ("Gift card", "CARD"))


def stock(made: Company) -> None:
    """What the books know of before the shop is connected. One article gets a name that every machine has letters for."""
    for number in range(1, 30):
        if made.shop("update_product", id=number, fields={}).get("sku") == "TEA-SEN-50":
            made.shop("update_product", id=number, fields={"name": "Sencha green tea, 50 g"})
    books = made.sandboxes["freshbooks"]
    known = books["connection"]
    for name, sku in ITEMS:
        answer = requests.post(
            f"{books['url']}/accounting/account/{known['ids']['account_id']}/items/items",
            json={"item": {"name": name, "sku": sku}},
            headers={"Authorization": f"Bearer {known['secrets']['access_token']}"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text


def trouble(made: Company) -> None:
    """Orders that wait for their items, one that went through, and a refund of it that no webhook told of."""
    made.place_orders(6, seed=4)
    made.wait_for_orders(6)
    made.house.wait("deliveries", lambda: not made.shop("settled")["pending"], 30)
    for hook in made.shop("webhooks")["webhooks"]:
        if hook["topic"] == "order.updated":
            made.shop("set_webhook", id=hook["id"], status="disabled")
    made.shop("refund", id=booked(made)["id"], amount="4.00")


def booked(made: Company) -> dict[str, str]:
    """The order that is in the books, as the shop knows it."""
    numbers = {invoice["number"].removeprefix("HH-") for invoice in made.books("books")["invoices"]}
    return next(order for order in made.shop("orders")["orders"] if order["number"] in numbers)


def waiting(made: Company) -> dict[str, str]:
    """One that needs a person."""
    return next(order for order in made.shop("orders")["orders"] if order["number"] != booked(made)["number"])
