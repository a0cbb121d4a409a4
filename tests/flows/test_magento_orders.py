"""Magento orders in the books: what is posted, when, under which number; and what the bookkeeper reads when something is in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connectors.canonical.identity import ObjectType, Window
from connectors.kit.sandbox import Answer, Call, Sandbox, Served, serve
from connectors.registry import get_connector
from credentials.addresses import addresses_there
from credentials.models import Connection, Organization
from credentials.services import open_api
from credentials.vault import read_secrets, set_secrets
from flows.models import Flow, SyncJob, SyncRecord, ValueMapping
from flows.polling import poll_flow
from flows.reconcile import reconcile
from flows.subscriptions import ensure_subscriptions, inbox_url
from tests.flows.conftest import Town, connect
from tests.flows.crashing import settle

State = SyncJob.State
MakeShop = Callable[..., "Shop"]


@dataclass
class Shop(Town):
    """A Magento shop and the books; payments is the flow of orders too."""

    def buy(self, *rows: Any, **more: Any) -> dict[str, Any]:
        found = dict(self.ask(self.shop, "place_order", rows=list(rows) or [["LAMP-BRASS", 1]], **more))
        assert "error" not in found, found
        return found

    def shop_does(self, action: str, order: dict[str, Any], **body: Any) -> None:
        found = self.ask(self.shop, action, id=order["id"], **body)
        assert "error" not in found, found

    def exact(self, order: dict[str, Any]) -> None:
        """The invoice is the order less its refunds, its payments what was captured less them, by the shop's own summary."""
        now = next(one for one in self.ask(self.shop, "orders")["orders"] if one["id"] == order["id"])
        owed = Decimal(now["total"]) - Decimal(now["refunded"])
        if not owed:
            return
        invoice = self.invoice(now)
        paid = max(Decimal(now["captured"]) - Decimal(now["refunded"]), Decimal(0))
        assert (Decimal(invoice["amount"]), Decimal(invoice["paid"]), invoice["currency"]) == (owed, paid, now["currency"])
        assert SyncRecord.objects.get(flow=self.orders, source_id=order["id"]).exact

    def stopped(self, order: dict[str, Any], state: State, code: str) -> SyncJob:
        """Syncing it ends so, and nothing was written to the books."""
        with self.untouched(self.books):
            job = self.book(order)
        assert (job.state, job.reason_code) == (state, code), job.reason
        assert not self.ledger()["invoices"]
        return job


@pytest.fixture
def make_shop(transactional_db: None) -> Iterator[MakeShop]:
    with ExitStack() as stack:

        def make(switches: dict[str, Any] | None = None, **options: Any) -> Shop:
            served: list[Served] = []
            for name in ("magento", "freshbooks"):
                spec = get_connector(name).sandbox
                assert spec is not None
                served.append(serve(spec.build, {"seed": 7, **((switches or {}) if name == "magento" else {})}))
                stack.callback(served[-1].stop)
            organization = Organization.objects.create(name="Acme", slug="acme", contacts="books@acme.test")
            source = connect(served[0], "magento", organization)
            books = connect(served[1], "freshbooks", organization, settle_seconds=0.5)
            flow = Flow.objects.create(
                organization=organization, label="orders", source=source, destination=books, recipe="order_to_invoice", options=options
            )
            return Shop(served[0], served[1], flow, flow)

        yield make


# ---- what is posted ----------------------------------------------------------------------------------------


def test_the_increment_id_is_the_invoice_s_number_and_its_reference(make_shop: MakeShop) -> None:
    shop = make_shop(invoice_prefix="MAG-")
    first, second = shop.buy(paid=True), shop.buy(paid=True, store_id=2)
    for order, number in ((first, "000000001"), (second, "2000000001")):
        assert shop.book(order).state == State.DONE
        invoice = shop.invoice(order)
        assert (invoice["number"], invoice["reference"]) == (f"MAG-{number}", number)
        shop.exact(order)


def test_the_address_the_items_and_the_payment_arrive(make_shop: MakeShop) -> None:
    shop = make_shop()
    ValueMapping.objects.create(flow=shop.orders, kind="gateway", source="braintree", target="Credit Card")
    address = {"street": ["9 Mill Lane", "Unit 4", "Back door"], "region": "Quebec", "region_code": "QC", "postcode": "J1H 1A1"}
    order = shop.buy(["BULB/E27 40W", 3], ["GUIDE-PDF", 1], paid=True, method="braintree", txn="txn_77", address=address, shipping="5.00")
    assert shop.book(order).state == State.DONE
    (client,) = shop.ledger()["clients"]
    place = [client[name] for name in ("p_street", "p_street2", "p_city", "p_province", "p_code", "p_country")]
    assert place == ["9 Mill Lane", "Unit 4, Back door", "Hamilton", "QC", "J1H 1A1", "Canada"]
    assert [line["name"] for line in shop.invoice(order)["lines"]] == ["Bulb E27, 40 W", "Guide to rewiring (PDF)", "Flat Rate - Fixed"]
    again = shop.buy(["BULB/E27 40W", 1], paid=True)
    assert shop.book(again).state == State.DONE
    assert sorted(item["sku"] for item in shop.ledger()["items"]) == ["BULB/E27 40W", "GUIDE-PDF"]
    (payment,) = shop.invoice(order)["payments"]
    assert payment["type"] == "Credit Card"
    assert "txn_77" in payment["note"]
    (other,) = shop.invoice(again)["payments"]
    assert other["type"] == "Other"
    shop.exact(order)


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("new", "pending", State.NOTHING),
        ("pending_payment", "pending_payment", State.NOTHING),
        ("payment_review", "fraud", State.NOTHING),
        ("processing", "fraud", State.NOTHING),
        ("holded", "holded", State.NOTHING),
        ("canceled", "canceled", State.NOTHING),
        ("processing", "processing", State.DONE),
        ("complete", "complete", State.DONE),
        ("complete", "handed_over", State.DONE),
        ("new", "handed_over", State.NOTHING),
    ],
)
def test_what_each_status_makes(make_shop: MakeShop, state: str, status: str, expected: State) -> None:
    shop = make_shop()
    order = shop.buy(paid=True)
    shop.shop.sandbox.state.orders[int(order["id"])].update(state=state, status=status)
    job = shop.book(order)
    assert job.state == expected, job.reason
    assert len(shop.ledger()["invoices"]) == (expected == State.DONE)


def test_an_order_is_followed_through_its_life(make_shop: MakeShop) -> None:
    """Pending is left out, processing is sent and paid, on hold changes nothing, cancelled takes it back."""
    shop = make_shop(statuses="pending,processing,complete,closed")
    order = shop.buy()
    shop.book(order)
    assert (shop.invoice(order)["paid"], len(shop.invoice(order)["payments"])) == ("0.00", 0)
    shop.shop.sandbox.state.orders[int(order["id"])].update(state="holded", status="holded")
    assert shop.book(order).state == State.DONE
    shop.shop.sandbox.state.orders[int(order["id"])].update(state="new", status="pending")
    shop.shop_does("pay", order, amount="20.00")
    shop.book(order)
    assert shop.invoice(order)["paid"] == "20.00"
    shop.shop_does("pay", order)
    shop.book(order)
    shop.exact(order)
    unpaid = shop.buy()
    shop.book(unpaid)
    shop.shop_does("cancel", unpaid)
    assert shop.book(unpaid).state == State.DONE
    assert shop.invoice(unpaid)["vis_state"] != 0


# ---- refunds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("more", "less", "amount"), [("0", "0", "72.89"), ("1.50", "0.25", "74.14"), ("0", "2.00", "70.89")])
@pytest.mark.parametrize("policy", ["adjust", "credit_note", "ignore"])
def test_a_credit_memo_goes_by_the_flow_s_policy(make_shop: MakeShop, policy: str, more: str, less: str, amount: str) -> None:
    shop = make_shop(refunds=policy)
    order = shop.buy(["LAMP-BRASS", 2], paid=True, shipping="5.00")
    shop.book(order)
    item = shop.shop.sandbox.state.orders[int(order["id"])]["items"][0]["item_id"]
    shop.shop_does("refund", order, rows={str(item): 1}, positive=more, negative=less)
    assert shop.book(order).state == (State.NOTHING if policy == "ignore" else State.DONE)
    total, given = Decimal(order["total"]), Decimal(amount)
    left = total - given if policy == "adjust" else total
    invoice = shop.invoice(order)
    assert (Decimal(invoice["amount"]), Decimal(invoice["paid"])) == (left, left)
    assert [Decimal(credit["amount"]) for credit in shop.ledger()["credits"]] == ([given] if policy == "credit_note" else [])
    with shop.untouched(shop.books):
        assert shop.book(order).state == State.NOTHING


def test_a_refund_does_not_touch_the_payment_s_reference(make_shop: MakeShop) -> None:
    shop = make_shop()
    order = shop.buy(["LAMP-BRASS", 2], paid=True, method="braintree", txn="txn_1")
    shop.book(order)
    kept = shop.shop.sandbox.state.orders[int(order["id"])]
    for invoice in shop.shop.sandbox.state.invoices.values():
        invoice["transaction_id"] = None
    kept["payment"]["last_trans_id"] = "txn_1-refund"
    shop.shop_does("refund", order, rows={str(kept["items"][0]["item_id"]): 1})
    shop.book(order)
    (payment,) = [one for one in shop.invoice(order)["payments"] if one["vis_state"] == 0]
    assert payment["note"].endswith("| txn_1")
    shop.exact(order)


@pytest.mark.parametrize("switches", [{"release": "2.4.7"}, {"release": "2.4.8", "prices_include_tax": True}], ids=["2.4.7", "2.4.8"])
def test_a_busy_day_ties_out(make_shop: MakeShop, switches: dict[str, Any]) -> None:
    shop = make_shop(switches)
    placed = shop.place(25, seed=31)
    for order in placed:
        assert shop.book(order).state in (State.DONE, State.NOTHING)
    for order in placed:
        now = next(one for one in shop.ask(shop.shop, "orders")["orders"] if one["id"] == order["id"])
        if now["status"] != "pending":
            shop.exact(order)


def test_the_nightly_comparison_finds_nothing_after_a_day_and_every_change_afterwards(make_shop: MakeShop) -> None:
    shop = make_shop({"page_limit": 5})
    paid, unpaid, refunded = shop.buy(paid=True), shop.buy(), shop.buy(["LAMP-BRASS", 2], paid=True)
    for order in (paid, unpaid, refunded):
        shop.book(order)
    now = timezone.now() + timedelta(seconds=5)
    report = reconcile(shop.orders, now - timedelta(days=1), now)
    assert (report.compared, report.drifts) == (3, ())
    shop.shop_does("pay", unpaid)
    shop.shop_does("refund", refunded)
    with shop.untouched(shop.books):
        report = reconcile(shop.orders, now - timedelta(days=1), now)
    assert {drift.source_id for drift in report.drifts} == {unpaid["id"], refunded["id"]}
    reconcile(shop.orders, now - timedelta(days=1), now, repair=True)
    shop.work()
    for order in (paid, unpaid, refunded):
        shop.exact(order)
    assert reconcile(shop.orders, now - timedelta(days=1), now).drifts == ()


def test_polling_alone_brings_everything(make_shop: MakeShop) -> None:
    shop = make_shop({"page_limit": 4})
    placed = [shop.buy(["STAMP", 1], paid=True) for _ in range(9)]
    poll_flow(shop.orders.pk, timezone.now() + timedelta(seconds=10))
    shop.work()
    assert len(shop.ledger()["invoices"]) == 9
    for order in placed:
        shop.exact(order)
    later = timezone.now() + timedelta(seconds=5)  # change times are a second fine, and polls stay five behind the clock for that
    shop.ask(shop.shop, "clock", now=later.isoformat())
    shop.shop_does("refund", placed[0])
    poll_flow(shop.orders.pk, timezone.now() + timedelta(seconds=20))
    shop.work()
    assert shop.invoice(placed[0])["vis_state"] != 0


def test_a_flow_of_one_store_leaves_the_other_s_orders_alone(make_shop: MakeShop) -> None:
    shop = make_shop(store_ids="2")
    mine, other = shop.buy(paid=True, store_id=2), shop.buy(paid=True)
    assert shop.book(mine).state == State.DONE
    with shop.untouched(shop.books):
        job = shop.book(other)
    assert (job.state, job.reason_code) == (State.NOTHING, "other_store")


# ---- what is in the way ------------------------------------------------------------------------------------


def test_a_rate_limit_at_the_peak_waits_as_told_and_is_no_try(make_shop: MakeShop) -> None:
    shop = make_shop()
    order = shop.buy(paid=True)
    shop.ask(shop.shop, "faults", faults=[{"kind": "status", "status": 429, "times": 1, "headers": {"Retry-After": "30"}}])
    job = shop.stopped(order, State.WAITING, "rate_limited")
    assert "asked us to slow down" in job.reason
    assert job.attempts == 0


def test_a_sku_that_nobody_mapped_asks_with_its_name(make_shop: MakeShop) -> None:
    shop = make_shop(unknown_sku="attention")
    order = shop.buy(["BULB/E27 40W", 1], paid=True)
    job = shop.stopped(order, State.ATTENTION, "sku_unmapped")
    assert job.subject == "sku:BULB/E27 40W"
    assert "Choose it under Mappings, Unmapped SKUs" in job.reason


@pytest.mark.parametrize(
    "address",
    [
        {"country_id": "ZZ", "region": "", "region_code": "", "postcode": ""},
        {"street": [], "city": "", "telephone": ""},
        {"region": "Kent", "region_code": None, "country_id": "GB"},
        {"firstname": "", "lastname": "", "company": "Vahl Licht"},
    ],
)
def test_an_address_with_gaps_is_booked_as_it_is(make_shop: MakeShop, address: dict[str, Any]) -> None:
    """An order is money, whatever its address lacks; only a shop that takes a customer asks for a whole one."""
    shop = make_shop()
    order = shop.buy(paid=True, address=address)
    job = shop.book(order)
    assert job.state == State.DONE, job.reason
    shop.exact(order)


def test_a_network_that_is_down_is_tried_again_later(make_shop: MakeShop) -> None:
    shop = make_shop()
    order = shop.buy(paid=True)
    shop.ask(shop.shop, "faults", faults=[{"kind": "drop_before", "times": 3}])
    job = shop.stopped(order, State.WAITING, "connection_broke")
    assert "The connection to the platform broke" in job.reason
    shop.due_now()
    shop.work()
    shop.exact(order)


def test_an_answer_that_the_books_lost_is_looked_for_and_not_written_twice(make_shop: MakeShop) -> None:
    shop = make_shop()
    order = shop.buy(paid=True)
    shop.ask(shop.books, "faults", faults=[{"kind": "drop_after", "method": "POST", "path": "invoices/invoices", "times": 1}])
    assert shop.book(order).state == State.WAITING
    settle()
    shop.due_now()
    shop.work()
    assert SyncJob.objects.latest("pk").state == State.DONE
    assert len(shop.ledger()["invoices"]) == 1
    shop.exact(order)


def test_a_missing_permission_names_it_and_leaves_the_connection_alone(make_shop: MakeShop) -> None:
    shop = make_shop()
    order = shop.buy(paid=True)
    shop.ask(shop.shop, "permit", all_but=["Magento_Sales::sales_invoice"])
    job = shop.stopped(order, State.ATTENTION, "permission_missing")
    assert "Magento_Sales::sales_invoice" in job.reason
    assert Connection.objects.get(pk=shop.orders.source.pk).status == Connection.Status.ACTIVE
    shop.ask(shop.shop, "permit")
    assert shop.book(order).state == State.DONE


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        ({"access_token_secret": "wrong"}, Connection.Status.ACTIVE),
        ({"access_token": "wrong"}, Connection.Status.REAUTHORISE),
        ({"consumer_key": "wrong"}, Connection.Status.REAUTHORISE),
    ],
)
def test_only_dead_keys_ask_for_new_ones(make_shop: MakeShop, trouble: dict[str, str], status: Connection.Status) -> None:
    shop = make_shop()
    order = shop.buy(paid=True)
    source = shop.orders.source
    good = read_secrets(source)
    set_secrets(source, {**good, **trouble})
    with shop.untouched(shop.books):
        job = shop.book(order)
    assert job.state == (State.WAITING if status == Connection.Status.REAUTHORISE else State.ATTENTION)
    assert Connection.objects.get(pk=source.pk).status == status
    assert not shop.ledger()["invoices"]


def test_an_order_that_does_not_add_up_asks_and_writes_nothing(make_shop: MakeShop) -> None:
    shop = make_shop()
    order = shop.buy(paid=True)
    shop.shop.sandbox.state.orders[int(order["id"])]["grand_total"] += Decimal("4.90")
    job = shop.stopped(order, State.ATTENTION, "does_not_reconcile")
    assert "Book it by hand" in job.reason


# ---- connecting --------------------------------------------------------------------------------------------


def test_the_shop_hands_its_keys_over_and_orders_flow(make_shop: MakeShop) -> None:
    """Activate in Magento: it posts to us, the browser comes, tokens are exchanged, the connection is tested and works."""
    shop = make_shop()
    source = shop.orders.source
    source.settings = {**source.settings, "auth": "activation"}
    source.status = Connection.Status.NEW
    source.save()
    set_secrets(source, dict.fromkeys(read_secrets(source), ""))
    person = User.objects.create_superuser("ada", password="x")
    callback, identity = (url.removeprefix("http://127.0.0.1:8000") for url in addresses_there(source).values())
    came = shop.ask(shop.shop, "activate")
    client = Client()
    form = "application/x-www-form-urlencoded"
    assert client.post(callback, urlencode(came["posted"]), content_type=form).status_code == 200
    assert not any(read_secrets(source).get(name) for name in ("access_token", "access_token_secret"))
    client.force_login(person)
    query = {"oauth_consumer_key": came["oauth_consumer_key"], "success_call_back": came["success_call_back"]}
    answer = client.get(identity, query)
    assert came["success_call_back"] in answer.headers.get("Refresh", "")
    assert Connection.objects.get(pk=source.pk).status == Connection.Status.ACTIVE
    order = shop.buy(paid=True)
    assert shop.book(order).state == State.DONE
    shop.exact(order)


def adobe_s_cloud(asked: list[dict[str, str]]) -> Served:
    """Adobe's token endpoint and a tenant's API behind it; tokens are good for one hour and named one after the other."""

    def build(_url: str, _options: Any) -> Sandbox:
        sandbox = Sandbox(None)

        def token(call: Call) -> Answer:
            asked.append(call.form())
            return Answer.of({"access_token": f"ims-{len(asked)}", "token_type": "bearer", "expires_in": 3600})

        def orders(call: Call) -> Answer:
            if call.headers.get("authorization") != f"Bearer ims-{len(asked)}" or call.headers.get("x-api-key") != "client-1":
                return Answer.of({"error_code": "401013", "message": "Oauth token is not valid"}, 401)
            return Answer.of({"items": None, "total_count": 0})

        sandbox.route("POST", "/ims/token/v3", token)
        sandbox.route("GET", "/tenant-1/V1/orders", orders)
        return sandbox

    return serve(build)


def test_adobe_s_cloud_is_polled_with_a_token_of_its_own(db: None) -> None:
    """Client credentials: one token for many calls, another one when Adobe no longer takes it."""
    asked: list[dict[str, str]] = []
    cloud = adobe_s_cloud(asked)
    organization = Organization.objects.create(name="Acme", slug="acme")
    source = Connection.objects.create(
        organization=organization,
        platform="magento",
        label="cloud",
        base_url=f"{cloud.url}/tenant-1",
        urls={"token": f"{cloud.url}/ims/token/v3"},
        settings={"auth": "ims", "organization_id": "7A@AdobeOrg", "rate_per_second": 5000},
        status=Connection.Status.ACTIVE,
    )
    set_secrets(source, {"client_id": "client-1", "client_secret": "secret-1"})
    page_of = get_connector("magento").reads[ObjectType.ORDER].page
    assert page_of is not None
    window = Window(timezone.now() - timedelta(days=1), timezone.now())
    try:
        for _ in range(3):
            assert page_of(open_api(source), window, None).notices == ()
        assert len(asked) == 1
        asked.append({})  # Adobe lets the first one go
        assert page_of(open_api(source), window, None).notices == ()
    finally:
        cloud.stop()
    first = asked[0]
    assert (first["grant_type"], first["scope"].split(",")[0]) == ("client_credentials", "openid")
    assert first["scope"].endswith("commerce.accs")


# ---- the console -------------------------------------------------------------------------------------------


def test_the_connection_s_page_shows_where_webhooks_go_and_no_button_to_register_them(make_shop: MakeShop) -> None:
    shop = make_shop()
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password="x"))
    page = client.get(reverse("admin:credentials_connection_change", args=[shop.orders.source.pk])).content.decode()
    assert inbox_url(shop.orders.source) in page
    assert "Webhook URL" in page
    assert "Set up webhooks" not in page
    assert ensure_subscriptions(shop.orders.source) == []
    books = client.get(reverse("admin:credentials_connection_change", args=[shop.orders.destination.pk])).content.decode()
    assert "Webhook URL" not in books
