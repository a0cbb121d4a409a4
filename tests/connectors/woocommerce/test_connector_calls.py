"""What the connector sends to a shop: fetching aggregates, status changes, notes, registrations, the connection test."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import OrderNote, OrderStatusChange
from connectors.kit.account import Account
from connectors.kit.errors import Gone, NeedsAttention, Transient, Unclear
from connectors.kit.http import Plumbing
from connectors.platforms.woocommerce import CONNECTOR

V3 = "https://shop.example/wp-json/wc/v3"
SITE = "https://shop.example/wp-json/"
STATUS, NOTE = CONNECTOR.writes[ObjectType.ORDER_STATUS], CONNECTOR.writes[ObjectType.ORDER_NOTE]
MISSING = {"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}


class Pauses:
    def __init__(self):
        self.seconds = []

    def acquire(self):
        return None

    def pause(self, seconds):
        self.seconds.append(seconds)


@pytest.fixture
def web():
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def limiter():
    return Pauses()


@pytest.fixture
def shop(limiter):
    account = Account("calls", "https://shop.example", secrets={"consumer_key": "ck_1", "consumer_secret": "cs_1"})
    return CONNECTOR.open(account, Plumbing(limiter=limiter, sleep=lambda _seconds: None))


def sent(web, method):
    return [json.loads(call.request.body) for call in web.calls if call.request.method == method]


def test_an_order_without_refunds_takes_one_call(web, shop):
    web.get(f"{V3}/orders/5", json={"id": 5, "refunds": []})
    assert CONNECTOR.reads[ObjectType.ORDER].fetch(shop, "5") == {"order": {"id": 5, "refunds": []}, "refunds": []}


def test_an_order_with_refunds_brings_all_their_details_oldest_first(web, shop):
    details = [{"id": n, "amount": "1.00"} for n in range(1, 121)]

    def page(request):
        asked = dict(parse_qsl(urlsplit(request.url).query))
        at = (int(asked["page"]) - 1) * 100
        return 200, {"X-WP-TotalPages": "2", "X-WP-Total": "120"}, json.dumps(details[at : at + 100])

    web.get(f"{V3}/orders/5", json={"id": 5, "refunds": [{"id": 1}]})
    web.add_callback("GET", f"{V3}/orders/5/refunds", callback=page)
    raw = CONNECTOR.reads[ObjectType.ORDER].fetch(shop, "5")
    assert [refund["id"] for refund in raw["refunds"]] == list(range(1, 121))


@pytest.mark.parametrize("kind", list(CONNECTOR.reads))
@pytest.mark.parametrize("missing", ["", "x", "5/../7", "٣", "-1"])
def test_an_id_that_is_none_is_gone_without_a_call(kind, missing, shop):
    with responses.RequestsMock() as web, pytest.raises(Gone):
        CONNECTOR.reads[kind].fetch(shop, missing)
    assert len(web.calls) == 0


def order(web, status, reference=""):
    web.get(f"{V3}/orders/5", json={"id": 5, "status": status, "transaction_id": reference})


def test_a_status_is_written_with_its_reference_and_without_set_paid(web, shop):
    order(web, "on-hold")
    web.put(f"{V3}/orders/5", json={"id": 5, "status": "processing", "transaction_id": "FB-9"})
    wanted = OrderStatusChange("5", "processing", "FB-9")
    assert STATUS.create(shop, wanted) == wanted
    assert sent(web, "PUT") == [{"status": "processing", "transaction_id": "FB-9"}]


def test_the_gateway_s_own_reference_is_kept(web, shop):
    order(web, "on-hold", "ch_1")
    web.put(f"{V3}/orders/5", json={"id": 5, "status": "completed", "transaction_id": "ch_1"})
    assert STATUS.create(shop, OrderStatusChange("5", "completed", "FB-9")).reference == "ch_1"
    assert sent(web, "PUT") == [{"status": "completed"}]


@pytest.mark.parametrize("status", ["trash", "refunded", "cancelled"])
def test_a_closed_order_is_not_touched(web, shop, status):
    order(web, status)
    with pytest.raises(NeedsAttention, match=r"Order 5 is .* so it was not set to processing"):
        STATUS.create(shop, OrderStatusChange("5", "processing"))
    assert sent(web, "PUT") == []


def test_a_status_is_found_only_if_it_is_the_wanted_one(web, shop):
    order(web, "processing", "ch_1")
    assert STATUS.find(shop, OrderStatusChange("5", "processing")) == (OrderStatusChange("5", "processing", "ch_1"),)
    assert STATUS.find(shop, OrderStatusChange("5", "completed")) == ()
    assert STATUS.get(shop, "5").status == "processing"


def test_writing_to_an_order_that_vanished_meanwhile_is_gone(web, shop):
    order(web, "on-hold")
    web.put(f"{V3}/orders/5", status=400, json=MISSING)
    with pytest.raises(Gone):
        STATUS.create(shop, OrderStatusChange("5", "processing"))


def test_a_note_is_private(web, shop):
    web.post(f"{V3}/orders/5/notes", status=201, json={"id": 1, "note": "[tb 9] Paid &amp; done", "customer_note": False})
    made = NOTE.create(shop, OrderNote("5", "[tb 9] Paid & done", "[tb 9]"))
    assert made == OrderNote("5", "[tb 9] Paid & done", "[tb 9]")
    assert sent(web, "POST") == [{"note": "[tb 9] Paid & done", "customer_note": False}]


@pytest.mark.parametrize(
    ("marker", "texts"),
    [("pay 1", ["pay 1: done"]), ("pay 12", ["pay 12: done"]), ("pay 3", []), ("[tb & co]", ["[tb & co] yes"]), ("", [])],
)
def test_a_note_is_found_by_its_whole_marker(web, shop, marker, texts):
    notes = ["pay 12: done", "pay 1: done", "see pay 3: done", "[tb &amp; co] yes"]
    web.get(f"{V3}/orders/5/notes", json=[{"id": n, "note": text} for n, text in enumerate(notes)])
    assert [note.text for note in NOTE.find(shop, OrderNote("5", "", marker))] == texts


@pytest.mark.parametrize(("status", "body"), [(200, "<html>"), (201, "{broken"), (500, "{}"), (502, "<html>"), (503, "")])
def test_a_note_whose_answer_is_no_answer_is_in_doubt_and_sent_once(web, shop, status, body):
    web.post(f"{V3}/orders/5/notes", status=status, body=body)
    with pytest.raises(Unclear):
        NOTE.create(shop, OrderNote("5", "[tb] x", "[tb]"))
    assert len(web.calls) == 1


def test_retry_after_of_an_overloaded_host_is_honoured(web, shop, limiter):
    web.get(f"{V3}/orders/5", status=503, headers={"Retry-After": "40"}, body="busy")
    with pytest.raises(Transient):
        CONNECTOR.reads[ObjectType.ORDER].fetch(shop, "5")
    assert limiter.seconds == [40.0] * 3


def hook(number, status="active", **more):
    return {
        "id": number, "topic": "order.created", "delivery_url": "https://t/in", "status": status,
        "date_modified_gmt": None, **more,
    }  # fmt: skip


def test_registrations(web, shop):
    subscriptions = CONNECTOR.webhooks.subscriptions
    web.get(f"{V3}/webhooks", json=[hook(1), hook(2, "disabled"), hook(3, "paused")])
    web.post(f"{V3}/webhooks", status=201, json=hook(4))
    web.put(f"{V3}/webhooks/2", json=hook(2))
    web.delete(f"{V3}/webhooks/2", json=hook(2))
    web.delete(f"{V3}/webhooks/9", status=404, json={**MISSING, "code": "woocommerce_rest_shop_webhook_invalid_id"})
    assert [(one.id, one.status) for one in subscriptions.list(shop)] == [("1", "active"), ("2", "disabled"), ("3", "paused")]
    assert subscriptions.create(shop, "order.created", "https://t/in", "aa11").id == "4"
    assert sent(web, "POST") == [
        {"name": "Tillbridge order.created", "topic": "order.created", "delivery_url": "https://t/in", "secret": "aa11"}
    ]
    assert subscriptions.enable(shop, "2").status == "active"
    assert sent(web, "PUT") == [{"status": "active"}]
    subscriptions.delete(shop, "2")
    subscriptions.delete(shop, "9")
    assert next(call.request.url for call in web.calls if call.request.method == "DELETE").endswith("/webhooks/2?force=true")


INDEX = {"name": "Harbour Lane", "timezone_string": "", "gmt_offset": -8, "namespaces": ["wp/v2", "wc/v3"]}
SYSTEM = {
    "environment": {"version": "11.0.1", "wp_version": "7.0.4"},
    "settings": {"currency": "CAD", "number_of_decimals": 2, "HPOS_enabled": True},
}
DENIED = {"code": "woocommerce_rest_cannot_view", "message": "No.", "data": {"status": 403}}


def shop_answers(web, **changes):
    answers = {
        "index": (200, INDEX), "orders": (200, []), "status": (200, SYSTEM), "tax": (200, {"value": "yes"}),
        "write": (400, MISSING), "hooks": (200, []), **changes,
    }  # fmt: skip
    places = {
        "index": ("GET", SITE), "orders": ("GET", f"{V3}/orders"), "status": ("GET", f"{V3}/system_status"),
        "tax": ("GET", f"{V3}/settings/tax/woocommerce_prices_include_tax"), "write": ("PUT", f"{V3}/orders/0"),
        "hooks": ("GET", f"{V3}/webhooks"), "currency": ("GET", f"{V3}/data/currencies/current"),
    }  # fmt: skip
    web.assert_all_requests_are_fired = False
    for name, (status, body) in answers.items():
        web.add(*places[name], status=status, json=body)


def test_a_healthy_shop(web, shop):
    shop_answers(web)
    found = CONNECTOR.probe(shop)
    assert found.ok
    assert (found.currency, found.time_zone) == ("CAD", "Etc/GMT+8")
    assert found.ids == {"order_tables": "yes", "prices_include_tax": "yes"}
    assert found.facts == {
        "shop": "Harbour Lane", "time zone": "Etc/GMT+8", "WooCommerce": "11.0.1", "WordPress": "7.0.4", "decimals": "2",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "zone"),
    [(0, "UTC"), ("5.5", "Asia/Kolkata"), (3, "Etc/GMT-3"), ("-9.5", "Pacific/Marquesas"), ("13.75", "")],
)
def test_zones_of_bare_offsets(web, shop, offset, zone):
    shop_answers(web, index=(200, {**INDEX, "gmt_offset": offset}))
    assert CONNECTOR.probe(shop).time_zone == zone


def test_a_named_zone_wins(web, shop):
    shop_answers(web, index=(200, {**INDEX, "timezone_string": "America/Vancouver"}))
    assert CONNECTOR.probe(shop).time_zone == "America/Vancouver"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"write": (401, {**DENIED, "code": "woocommerce_rest_authentication_error"})}, "may read orders but not change them"),
        ({"hooks": (403, DENIED)}, "may not look after webhooks"),
        ({"orders": (403, DENIED)}, "The user that the key belongs to may not do this"),
        ({"index": (404, {"code": "rest_no_route", "message": "No."})}, "no WooCommerce REST API at this address"),
        ({"index": (200, {**INDEX, "namespaces": ["wp/v2"]})}, "WooCommerce 3.5 or later is not active"),
    ],
)
def test_each_missing_permission_is_named(web, shop, changes, words):
    shop_answers(web, **changes)
    (problem,) = CONNECTOR.probe(shop).problems
    assert words in problem


def test_the_currency_is_read_alone_where_the_system_status_is_closed(web, shop):
    shop_answers(web, status=(403, DENIED), currency=(200, {"code": "EUR"}))
    found = CONNECTOR.probe(shop)
    assert (found.currency, found.problems) == ("EUR", ())


def test_a_shop_that_tells_no_currency_is_a_problem(web, shop):
    shop_answers(web, status=(403, DENIED), currency=(403, DENIED))
    assert "did not tell its currency" in CONNECTOR.probe(shop).problems[0]


def test_trouble_on_the_way_is_no_verdict_on_the_connection(web, shop):
    shop_answers(web, index=(502, {}))
    with pytest.raises(Transient):
        CONNECTOR.probe(shop)
