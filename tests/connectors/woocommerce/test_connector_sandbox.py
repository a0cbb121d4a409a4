"""The connector against the sandbox shop in several set-ups: figures agree to the last unit, every way of signing in works."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.ledger import OrderNote, OrderStatusChange
from connectors.canonical.money import total
from connectors.canonical.order import OrderState
from connectors.kit.account import Account
from connectors.kit.errors import Unauthorised
from connectors.kit.http import Plumbing
from connectors.kit.sandbox import serve
from connectors.platforms.woocommerce import CONNECTOR

ORDERS = CONNECTOR.reads[ObjectType.ORDER]


class Shop:
    def __init__(self, name, options, settings=None):
        self.served = serve(CONNECTOR.sandbox.build, options)
        facts = CONNECTOR.sandbox.connection(self.served.url)
        self.account = Account(f"sandbox-{name}", facts["base_url"], settings=settings or {}, secrets=facts["secrets"])
        self.api = CONNECTOR.open(self.account, Plumbing(allow_private=True, sleep=lambda _seconds: None))

    def admin(self, action, **body):
        return self.served.sandbox.command(action, body)

    def order(self, order_id):
        return ORDERS.normalise(ORDERS.fetch(self.api, order_id), self.account)


@pytest.fixture
def open_shop(request):
    opened = []

    def build(settings=None, **options):
        opened.append(Shop(f"{request.node.name}-{len(opened)}", {"seed": 4, **options}, settings))
        return opened[-1]

    yield build
    for shop in opened:
        shop.served.stop()


SET_UPS = [
    {},
    {"prices_include_tax": True},
    {"round_at_subtotal": True},
    {"prices_include_tax": True, "round_at_subtotal": True, "storage": "posts"},
    {"currency": "JPY", "currencies": ["JPY"]},
    {"currency": "KWD", "currencies": ["KWD"], "decimals": 3},
    {"decimals": 4, "number_format": "INV-{id}"},
]


@pytest.mark.parametrize("options", SET_UPS, ids=lambda options: "-".join(options) or "plain")
def test_every_order_of_the_mix_adds_up_and_agrees_with_the_shop(open_shop, options):
    shop = open_shop(**options)
    placed = shop.admin("place_orders", count=80, seed=9)["orders"]
    for summary in placed[::9]:
        if Decimal(summary["captured"]) > 0 and Decimal(summary["refunded"]) == 0:
            shop.admin("refund", id=summary["id"], amount=str(Decimal(summary["captured"]).quantize(Decimal(1)) - 1))
    for summary in shop.admin("orders")["orders"]:
        order = shop.order(summary["id"])
        parts = [line.total for line in order.lines] + [charge.total for charge in order.charges] + [order.total_tax]
        apart = abs(total(parts, order.currency) - order.total).to_minor()
        # Rounding at subtotal keeps lines unrounded inside; each shows a rounded figure, at most half a unit off.
        assert apart <= (-(-len(parts) // 2) if options.get("round_at_subtotal") else 0)
        assert order.total.amount == Decimal(summary["total"])
        received = total((payment.amount for payment in order.transactions), order.currency)
        assert received.amount == Decimal(summary["captured"])
        assert total((refund.amount for refund in order.refunds), order.currency).amount == Decimal(summary["refunded"])
        assert (order.number, order.status, order.customer.email) == (summary["number"], summary["status"], summary["email"])


@pytest.mark.parametrize(
    ("options", "settings", "works"),
    [
        ({"basic_over_http": True}, {"auth": "basic"}, True),
        ({"basic_over_http": True}, {"auth": "query"}, True),
        ({"basic_over_http": False}, {}, True),  # auto over http signs with OAuth 1.0a
        ({"basic_over_http": False}, {"auth": "oauth1"}, True),
        ({"basic_over_http": False}, {"auth": "basic"}, False),
        ({"basic_over_http": False}, {"auth": "query"}, False),
    ],
)
def test_ways_of_signing_in(open_shop, options, settings, works):
    shop = open_shop(settings, **options)
    if works:
        assert CONNECTOR.probe(shop.api).problems == ()
        return
    with pytest.raises(Unauthorised):
        ORDERS.fetch(shop.api, "1")


def test_a_trashed_order_is_told_as_deleted_and_read_as_deleted(open_shop):
    shop = open_shop()
    order_id = shop.admin("place_orders", count=1, seed=2)["orders"][0]["id"]
    shop.admin("trash", id=order_id)
    now = datetime.now(UTC)
    page = ORDERS.page(shop.api, Window(now - timedelta(hours=1), now), "trash:1:0")
    assert [(notice.source_id, notice.deleted) for notice in page.notices] == [(order_id, True)]
    assert shop.order(order_id).state is OrderState.DELETED


def test_paying_an_order_on_hold_gives_it_a_payment_date_and_a_note(open_shop):
    shop = open_shop()
    placed = shop.admin("place_orders", count=80, seed=5)["orders"]
    number = next(order["id"] for order in placed if order["status"] == "on-hold")
    assert shop.order(number).transactions == ()
    made = CONNECTOR.writes[ObjectType.ORDER_STATUS].create(shop.api, OrderStatusChange(number, "processing", "FB-77"))
    assert made == OrderStatusChange(number, "processing", "FB-77")
    (payment,) = shop.order(number).transactions
    assert (payment.amount, payment.reference) == (shop.order(number).total, "FB-77")
    CONNECTOR.writes[ObjectType.ORDER_NOTE].create(shop.api, OrderNote(number, "[tb 1] Paid", "[tb 1]"))
    notes = [note for note in shop.admin("order", id=number)["notes"] if note["note"] == "[tb 1] Paid"]
    assert [note["customer_note"] for note in notes] == [False]
