"""Walking the listings, calling within the quota, what errors mean, and what the probe finds."""

from datetime import timedelta

import pytest
from bc_store import store, wide, with_token

from connectors.canonical.identity import ObjectType, Window
from connectors.kit.errors import Conflict, Gone, NeedsAttention, RateLimited, Refused, Rejected, Transient, Unauthorised
from connectors.kit.http import Response
from connectors.platforms.bigcommerce import CONNECTOR
from connectors.platforms.bigcommerce.answers import classify
from connectors.platforms.bigcommerce.quota import rest_after


def answer(status, body=b"", **headers):
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, "https://x.example")


# ---- listings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("switches", [{}, {"page_cap": 50}, {"largest_page": 50}])
def test_every_order_is_listed_whatever_page_size_the_store_takes(switches):
    """A store may refuse 250 rows (413), or answer with fewer than asked without saying so."""
    with store(**switches, noise=False) as town:
        placed = {order["id"] for order in town.place(130)}
        refunded = [order["id"] for order in town.ask("orders")["orders"] if town.ask("order", id=order["id"])["refunds"]]
        listed = town.listed()
        assert set(listed) == placed
        assert town.order(listed[0]).lines
        assert len(listed) == len(placed) + len(refunded)  # refunds are a stream of their own


@pytest.mark.parametrize("kind", [ObjectType.CUSTOMER, ObjectType.PRODUCT])
def test_customers_and_products_are_listed_whatever_page_size_the_store_takes(kind):
    with store(noise=False) as town, store(noise=False, largest_page=50) as strict:
        for each in (town, strict):
            each.place(200, seed=8)
        found = town.listed(kind)
        assert len(found) > (50 if kind is ObjectType.CUSTOMER else 8)
        assert strict.listed(kind) == found
        assert strict.api.get("/v3/orders/payment_actions/refunds").status == 200
        assert CONNECTOR.webhooks.subscriptions.list(strict.api) == ()


def test_an_order_that_leaves_the_window_hides_no_other():
    with store(noise=False, page_cap=50) as town:
        placed = [order["id"] for order in town.place(120)]
        page_of = CONNECTOR.reads[ObjectType.ORDER].page
        window = Window(wide(town).since, wide(town).until - timedelta(days=2))
        first = page_of(town.api, window, None)
        seen = {notice.source_id for notice in first.notices}
        town.ask("clock", advance=3 * 86400)
        town.ask("touch", id=placed[0])
        cursor = first.next
        while cursor:
            page = page_of(town.api, window, cursor)
            seen |= {notice.source_id for notice in page.notices}
            cursor = page.next
        assert seen == set(placed)


def test_a_refund_is_found_though_its_order_did_not_change():
    with store(noise=False) as town:
        placed = next(one for one in town.place(20) if one["refunded"] == "0.00")
        before = town.order(placed["id"]).updated_at
        town.ask("clock", advance=86400)
        item = {"item_type": "ORDER", "item_id": int(placed["id"]), "amount": "1.00"}
        town.ask("refund", id=placed["id"], items=[item])
        assert town.order(placed["id"]).updated_at == before
        later = Window(before + timedelta(hours=20), before + timedelta(hours=30))
        assert town.listed(ObjectType.ORDER, later) == [placed["id"]]


def test_abandoned_checkouts_are_not_listed_unless_money_came():
    with store() as town:
        left, stuck = (town.ask("place_unpaid", way="abandoned", seed=seed)["id"] for seed in (1, 2))
        town.ask("transaction", id=stuck, event="purchase")
        town.served.sandbox.state.orders[int(stuck)].payment_status = "captured"
        assert town.listed() == [stuck]
        assert town.order(stuck).paid is True
        assert left != stuck


@pytest.mark.parametrize("cursor", ["orders", "orders:x:1", "refunds:1", "7"])
def test_a_cursor_that_we_did_not_give_out_is_refused(cursor):
    with store() as town, pytest.raises(Rejected):
        CONNECTOR.reads[ObjectType.ORDER].page(town.api, wide(town), cursor)


def test_customers_are_walked_by_cursor():
    with store(page_cap=50, noise=False) as town:
        town.place(300, seed=8)
        known = {str(one) for one in town.served.sandbox.state.customers}
        assert len(known) > 50
        town.ask("forget")
        listed = town.listed(ObjectType.CUSTOMER)
        assert sorted(listed) == sorted(known)
        queries = [dict(entry["query"]) for entry in town.served.sandbox.log]
        assert "after" not in queries[0]
        assert all("after" in query for query in queries[1:])
        assert len(queries) > 2


def test_products_and_variants_are_found_by_sku():
    with store() as town:
        reads = CONNECTOR.reads[ObjectType.PRODUCT]
        found = [reads.normalise(reads.fetch(town.api, key), town.account) for key in town.listed(ObjectType.PRODUCT)]
        by_sku = {product.sku: product for product in found if product.active}
        assert by_sku["SOCKS-L"].name == "Wool socks (41-46)"
        assert by_sku["TENT-2P"].description == "Two-person tent & more"
        assert "SOCKS" not in by_sku, "a product with sizes is sold as one of them"
        assert by_sku["SOCKS-L"].unit_price is None, "whether prices include tax is not known before the probe"


# ---- the quota ---------------------------------------------------------------------------------------------


def read_all(town, placed):
    for one in placed:
        town.order(one["id"])


def test_what_is_left_of_the_quota_slows_everybody_down():
    with store(quota=40, noise=False) as town:
        placed = town.place(12)
        with pytest.raises(RateLimited) as caught:
            read_all(town, placed)
        assert 0 < caught.value.retry_after <= 60
        resting = [seconds for seconds in town.rests.seconds if seconds]
        assert resting, "nobody was asked to rest before the quota was spent"
        assert max(resting) <= 30
        left = 40 - len(town.served.sandbox.log)
        assert left <= 4


def test_a_throttled_answer_says_how_long_in_its_own_header():
    headers = {"x_rate_limit_requests_left": "0", "x_rate_limit_requests_quota": "150", "x_rate_limit_time_reset_ms": "21500"}
    assert rest_after(answer(429, **headers)) == 21.5
    assert rest_after(answer(429, x_retry_after="9")) == 9
    assert rest_after(answer(200, **headers)) == 21.5
    assert rest_after(answer(200, **{**headers, "x_rate_limit_requests_left": "90"})) == 0
    assert rest_after(answer(429)) is None
    assert rest_after(answer(200)) is None
    assert rest_after(answer(200, x_rate_limit_requests_left="many", x_rate_limit_time_reset_ms="-1")) is None


def test_an_overloaded_platform_sends_no_headers_and_we_wait_on_our_own_clock():
    with store(quota_headers=False, quota=0) as town:
        with pytest.raises(RateLimited) as caught:
            town.order("101")
        assert 1 <= caught.value.retry_after <= 9
        assert town.rests.seconds


# ---- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, b"", Unauthorised, "Authorise"),
        (403, b'{"status":403,"title":"no"}', Unauthorised, "scope"),
        (404, b'[{"status":404,"message":"gone"}]', Gone, ""),
        (409, b'[{"status":409,"message":"taken","details":{}}]', Conflict, "taken"),
        (413, b"", Refused, ""),
        (422, b'{"status":422,"title":"bad limit","errors":{"limit":"too big"}}', Refused, "bad limit"),
        (422, b'{"data":[{"order_id":1,"status":422,"error":"in progress"}],"meta":{}}', Refused, "in progress"),
        (400, b'[{"status":404,"message":"inner status differs"}]', Refused, "inner status differs"),
        (400, b"<html>no</html>", Refused, ""),
        (423, b"", Transient, ""),
        (499, b"", Transient, ""),
        (500, b"", Transient, ""),
        (503, b"<html>maintenance</html>", Transient, ""),
        (507, b"", NeedsAttention, "plan"),
        (200, b"<html>hello</html>", Transient, ""),
    ],
)
def test_errors_have_their_class_in_list_object_empty_and_html(status, body, kind, said):
    problem = classify(answer(status, body))
    assert type(problem) is kind
    assert said in problem.message


def test_the_refused_field_is_named():
    assert classify(answer(422, b'{"errors":{"limit":"too big"}}')).field == "limit"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}"])
def test_success_may_be_empty(body):
    assert classify(answer(204 if not body else 200, body)) is None


# ---- the probe ---------------------------------------------------------------------------------------------


def test_a_good_connection():
    with store() as town:
        found = CONNECTOR.probe(town.api)
        assert (found.problems, found.currency, found.time_zone) == ((), "CAD", "America/Toronto")
        assert found.ids == {"prices_include_tax": "no"}


@pytest.mark.parametrize(
    ("scope", "named"),
    [("orders", "Orders"), ("transactions", "Order transactions"), ("customers", "Customers"), ("products", "Products"),
     ("information", "Information & settings")],
)  # fmt: skip
def test_each_missing_scope_is_named(scope, named):
    scopes = [one for one in ("orders", "transactions", "customers", "products", "information") if one != scope]
    with store(scopes=scopes) as town:
        (problem,) = CONNECTOR.probe(town.api).problems
        assert named in problem


def test_a_wrong_token_is_one_problem():
    with store() as town:
        (problem,) = CONNECTOR.probe(with_token(town, "nonsense")).problems
        assert "does not accept our access token" in problem


def test_a_connection_without_a_store_says_what_to_enter():
    with store() as town:
        account = type(town.account)("k", "https://x.example", secrets={"access_token": "t"})
        with pytest.raises(NeedsAttention, match="store hash"):
            CONNECTOR.open(account, town.api.plumbing)
