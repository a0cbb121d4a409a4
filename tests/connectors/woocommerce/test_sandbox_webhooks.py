"""Webhooks of the WooCommerce sandbox: pings, signatures, counting, what raises which event."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from woo_shop import OpenShop, Receiver, open_shop, receiver, wait_for


@pytest.fixture
def shop() -> Iterator[OpenShop]:
    """The queue runs when told, so that each step's events can be seen by themselves."""
    with open_shop(queue_delay=-1) as opened:
        yield opened


@pytest.fixture
def post() -> Iterator[Receiver]:
    with receiver() as opened:
        yield opened


def run(shop: OpenShop, post: Receiver) -> list[tuple[str, int]]:
    """Deliver what waits; (topic, id) of what came."""
    post.got.clear()
    shop.admin("run_queue")
    shop.settle()
    return sorted((headers["x-wc-webhook-topic"], json.loads(body)["id"]) for headers, body in post.deliveries)


def subscribe(shop: OpenShop, post: Receiver, *topics: str) -> None:
    for topic in topics or ("order.created", "order.updated", "order.deleted", "product.updated", "product.deleted", "product.created",
                            "customer.created", "customer.updated", "customer.deleted"):  # fmt: skip
        shop.hook(topic, post.url)
    post.got.clear()


def counts(shop: OpenShop) -> list[tuple[str, int, bool]]:
    return [(hook["status"], hook["failure_count"], hook["pending_delivery"]) for hook in shop.admin("webhooks")["webhooks"]]


# ---- registration and ping ---------------------------------------------------------------------------------


def test_creation_pings_and_never_shows_the_secret(shop: OpenShop, post: Receiver) -> None:
    made = shop.hook("order.updated", post.url, status="paused", name="Mine")
    assert (made["status"], made["name"], made["date_modified"]) == ("active", "Mine", None)
    assert made["hooks"] == ["woocommerce_update_order", "woocommerce_order_refunded"]
    [(_, headers, body)] = post.got
    assert (body, headers["content-type"]) == (b"webhook_id=1", "application/x-www-form-urlencoded")
    assert not [name for name in headers if name.startswith("x-wc-")]
    assert headers["user-agent"] == "WooCommerce/11.0.1 Hookshot (WordPress/7.0.4)"
    for shown in (made, shop.get("/webhooks/1").json(), shop.get("/webhooks").json()[0]):
        assert not {"secret", "failure_count", "user_id", "pending_delivery"} & set(shown)
    assert shop.get("/webhooks/1").json()["date_modified_gmt"] == "2026-03-10T16:00:00"


def test_creation_ignores_a_dead_receiver(shop: OpenShop) -> None:
    assert shop.hook("order.updated", "http://127.0.0.1:9")["status"] == "active"
    assert counts(shop) == [("active", 0, True)]


def test_the_receiver_may_call_the_shop_while_it_is_pinged(shop: OpenShop, post: Receiver) -> None:
    seen: list[int] = []
    post.before_answer = lambda: seen.append(shop.get("/orders").status_code)
    shop.hook("order.updated", post.url)
    assert seen == [200]


def test_refusals(shop: OpenShop) -> None:
    for body, code in (
        ({"topic": "order.paid", "delivery_url": "http://x.example/"}, "woocommerce_rest_shop_webhook_invalid_topic"),
        ({"topic": "order.created", "delivery_url": "ftp://x.example/"}, "woocommerce_rest_shop_webhook_invalid_delivery_url"),
        ({"topic": "order.created"}, "rest_missing_callback_param"),
    ):
        answer = shop.post("/webhooks", body)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert shop.get("/webhooks").json() == []
    shop.hook("order.created", "http://127.0.0.1:9")
    assert shop.put("/webhooks/1", {"status": "on"}).json()["data"]["params"]["status"] == (
        "status is not one of active, paused, and disabled."
    )
    assert (shop.get("/webhooks/9").status_code, shop.put("/webhooks/9", {}).status_code) == (404, 400)
    kept = shop.delete("/webhooks/1")
    assert (kept.status_code, kept.json()["code"]) == (501, "woocommerce_rest_trash_not_supported")
    assert shop.delete("/webhooks/1", force="true").status_code == 200
    assert shop.get("/webhooks/1").status_code == 404


def test_listing_by_status(shop: OpenShop) -> None:
    shop.hook("order.created", "http://127.0.0.1:9")
    shop.hook("order.updated", "http://127.0.0.1:9")
    shop.admin("set_webhook", id=1, status="paused")
    assert [row["id"] for row in shop.get("/webhooks", status="paused").json()] == [1]
    assert [row["id"] for row in shop.get("/webhooks", orderby="id", order="asc").json()] == [1, 2]


@pytest.mark.parametrize("status", [201, 202, 204])
def test_only_200_ends_the_pinging(shop: OpenShop, post: Receiver, status: int) -> None:
    post.status = status
    shop.hook("order.updated", post.url)
    for _ in range(2):
        shop.order()
        assert len(run(shop, post)) == 1
        wait_for(lambda: len(post.pings) == 1)
    assert counts(shop) == [("active", 0, True)]
    post.status = 200
    shop.order()
    run(shop, post)
    wait_for(lambda: counts(shop) == [("active", 0, False)])
    shop.order()
    assert (len(run(shop, post)), post.pings) == (1, [])


def test_redirects_swallow_deliveries_but_not_pings(shop: OpenShop, post: Receiver) -> None:
    post.status, post.location = 302, "/landed"
    shop.hook("order.updated", post.url)
    assert [path for path, _, _ in post.got] == ["/", "/landed"]
    assert counts(shop) == [("active", 0, False)]
    shop.order()
    post.got.clear()
    shop.admin("run_queue")
    shop.settle()
    assert [path for path, _, _ in post.got] == ["/"]  # not followed, and yet a success
    assert counts(shop) == [("active", 0, False)]


# ---- deliveries --------------------------------------------------------------------------------------------


def test_a_delivery_is_signed_and_says_what_get_says(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post, "order.updated")
    order = shop.order(billing={"first_name": "Zo\u00eb", "address_1": "1/2 Quai"})
    assert run(shop, post) == [("order.updated", order["id"])]
    headers, body = post.deliveries[0]
    digest = base64.b64encode(hmac.new(b"s3cret", body, hashlib.sha256).digest()).decode()
    assert body == shop.get(f"/orders/{order['id']}").content
    assert {name: headers[f"x-wc-webhook-{name}"] for name in ("source", "topic", "resource", "event", "signature", "id")} == {
        "source": f"{shop.url}/",
        "topic": "order.updated",
        "resource": "order",
        "event": "updated",
        "signature": digest,
        "id": "1",
    }
    assert headers["content-type"] == "application/json"


def test_entities_in_the_secret_are_decoded(shop: OpenShop, post: Receiver) -> None:
    shop.hook("order.updated", post.url, secret="a&amp;b")
    shop.order()
    run(shop, post)
    headers, body = post.deliveries[0]
    assert headers["x-wc-webhook-signature"] == base64.b64encode(hmac.new(b"a&b", body, hashlib.sha256).digest()).decode()


def test_the_delivery_id_is_shared_by_all_of_one_second(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post, "order.updated")
    shop.order(), shop.order()
    run(shop, post)
    first, second = (headers["x-wc-webhook-delivery-id"] for headers, _ in post.deliveries)
    shop.admin("clock", advance=1)
    shop.order()
    run(shop, post)
    assert first == second
    assert post.deliveries[0][0]["x-wc-webhook-delivery-id"] != first


def test_the_body_is_of_delivery_time_and_updates_collapse(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post, "order.updated")
    order = shop.order(customer_note="one")
    shop.put(f"/orders/{order['id']}", {"customer_note": "two"})
    shop.put(f"/orders/{order['id']}", {"customer_note": "three"})
    assert run(shop, post) == [("order.updated", order["id"])]
    assert json.loads(post.deliveries[0][1])["customer_note"] == "three"


def test_events_while_paused_are_lost_and_queued_ones_are_not(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post, "order.updated")
    early = shop.order()
    shop.put("/webhooks/1", {"status": "paused"})
    late = shop.order()
    shop.put("/webhooks/1", {"status": "active"})
    assert run(shop, post) == [("order.updated", early["id"])]
    assert run(shop, post) == []
    shop.put(f"/orders/{late['id']}", {})
    assert run(shop, post) == [("order.updated", late["id"])]


def test_without_its_owner_the_body_is_a_signed_error(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post, "order.updated")
    shop.admin("lose_owner")
    shop.order()
    post.got.clear()
    shop.admin("run_queue")
    shop.settle()
    headers, body = post.deliveries[0]
    expected = {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot view this resource.", "data": {"status": 401}}
    assert json.loads(body) == expected
    assert headers["x-wc-webhook-signature"] == base64.b64encode(hmac.new(b"s3cret", body, hashlib.sha256).digest()).decode()


def test_the_seventh_failure_disables_and_the_count_survives(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post, "order.updated")
    order = shop.order()
    run(shop, post)

    def deliver(status: int) -> tuple[str, int, bool]:
        post.status = status
        shop.put(f"/orders/{order['id']}", {})
        run(shop, post)
        return counts(shop)[0]

    assert [deliver(500) for _ in range(6)] == [("active", count, False) for count in range(1, 7)]
    assert deliver(500) == ("disabled", 6, False)
    assert (deliver(200), post.deliveries) == (("disabled", 6, False), [])  # disabled: the event is lost, nothing was sent
    assert shop.put("/webhooks/1", {"status": "active"}).json()["status"] == "active"
    assert deliver(410) == ("disabled", 6, False)  # one more is enough
    shop.put("/webhooks/1", {"status": "active"})
    assert [deliver(status) for status in (302, 303, 204, 429)] == [
        ("active", 0, False), ("active", 1, False), ("active", 0, False), ("active", 1, False),
    ]  # fmt: skip


def test_a_failed_delivery_is_not_sent_again(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post, "order.updated")
    post.status = 503
    shop.order()
    assert len(run(shop, post)) == 1
    post.status = 200
    assert run(shop, post) == []


def test_a_new_url_is_pinged(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post, "order.updated")
    shop.put("/webhooks/1", {"name": "same url"})
    assert post.pings == []
    shop.put("/webhooks/1", {"delivery_url": f"{post.url}/moved"})
    assert [path for path, _, _ in post.got] == ["/moved"]


def test_safe_http_reaches_public_hosts_only(post: Receiver) -> None:
    with open_shop(safe_http=True) as shop:
        shop.hook("order.updated", post.url)
        shop.order()
        shop.settle()
        assert post.got == []
        assert counts(shop) == [("active", 1, True)]


# ---- which event fires -------------------------------------------------------------------------------------


def test_events_of_an_order(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post)
    cup = shop.get("/products", sku="CUP-PAIR").json()[0]["id"]
    number = shop.order(line_items=[{"sku": "CUP-PAIR"}])["id"]
    path = f"/orders/{number}"
    updated, stock = ("order.updated", number), ("product.updated", cup)
    assert run(shop, post) == [("order.created", number), updated]
    steps: list[tuple[Any, list[tuple[str, int]]]] = [
        (lambda: shop.put(path, {}), [updated]),
        (lambda: shop.post(f"{path}/notes", {"note": "x"}), []),
        (lambda: shop.put(path, {"status": "processing"}), [updated, stock]),
        (lambda: shop.put(path, {"status": "completed"}), [updated]),
        (lambda: shop.post(f"{path}/refunds", {"api_refund": False, "amount": "1"}), [updated]),
        (lambda: shop.delete(f"{path}/refunds/{shop.get(f'{path}/refunds').json()[0]['id']}", force="true"), []),
        (lambda: shop.put(path, {"status": "refunded"}), [updated]),
        (lambda: shop.put(path, {"status": "cancelled"}), [updated, stock]),
        (lambda: shop.put(path, {"status": "nosuch"}), []),
        (lambda: shop.delete(path), [("order.deleted", number)]),
        (lambda: shop.put(path, {"status": "pending"}), []),
        (lambda: shop.delete(path, force="true"), []),
    ]
    for position, (step, expected) in enumerate(steps):
        step()
        assert (position, run(shop, post)) == (position, expected)


def test_post_storage_says_more(post: Receiver) -> None:
    with open_shop(queue_delay=-1, storage="posts") as shop:
        subscribe(shop, post, "order.updated", "order.deleted", "product.deleted")
        number = shop.order()["id"]
        run(shop, post)
        shop.delete(f"/orders/{number}")
        assert run(shop, post) == [("order.deleted", number), ("product.deleted", number)]
        shop.put(f"/orders/{number}", {"status": "pending"})
        assert run(shop, post) == [("order.updated", number)]


def test_events_of_customers_and_products(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post)
    customer = shop.post("/customers", {"email": "a@mail.example"}).json()["id"]
    assert run(shop, post) == [("customer.created", customer), ("customer.updated", customer)]
    order = shop.order(customer_id=customer, set_paid=True)["id"]
    assert run(shop, post) == [("customer.updated", customer), ("order.created", order), ("order.updated", order)]
    shop.delete(f"/customers/{customer}", force="true")
    assert run(shop, post) == [("customer.deleted", customer)]
    towel = shop.get("/products", sku="TOWEL").json()[0]
    child = towel["variations"][0]
    shop.put(f"/products/{towel['id']}/variations/{child}", {"regular_price": "13"})
    assert run(shop, post) == [("product.updated", child)]
    shop.delete(f"/products/{towel['id']}")
    assert run(shop, post) == [("product.deleted", towel["id"])]
    shop.delete(f"/products/{towel['id']}", force="true")
    assert run(shop, post) == []


def test_leaving_the_draft_is_the_creation(shop: OpenShop, post: Receiver) -> None:
    subscribe(shop, post, "order.created", "order.updated")
    number = shop.order(status="checkout-draft")["id"]
    run(shop, post)
    shop.put(f"/orders/{number}", {"status": "pending"})
    assert run(shop, post) == [("order.created", number)]


def test_from_the_checkout_updated_often_comes_first(post: Receiver) -> None:
    with open_shop(queue_delay=-1, seed=5) as shop:
        shop.hook("order.created", post.url)
        shop.hook("order.updated", post.url)
        shop.admin("place_orders", count=40, seed=1)
        topics = [shop.served.sandbox.state.hooks[hook].topic for hook, _ in shop.served.sandbox.state.queue]
        pairs = list(zip(topics[::2], topics[1::2], strict=True))
        assert {("order.created", "order.updated"), ("order.updated", "order.created")} == set(pairs)
        assert pairs.count(("order.updated", "order.created")) > 10


def test_the_queue_runs_by_itself_at_once_or_later(post: Receiver) -> None:
    for delay in (0, 0.2):
        with open_shop(queue_delay=delay) as shop:
            shop.hook("order.updated", post.url)
            post.got.clear()
            shop.order()
            wait_for(lambda: post.topics() == ["order.updated"])
