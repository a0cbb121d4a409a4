"""Reading from a platform's own sandbox: every change once, nothing that is missing, errors by class."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from conformance_world import connect, existing, lately, sample, walk

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.money import Money, total
from connectors.kit.errors import Gone, NeedsAttention, RateLimited, Rejected, Transient, Unauthorised

LEDGER_BOOKS = {
    ObjectType.CUSTOMER: lambda books: books["clients"],
    ObjectType.PRODUCT: lambda books: books["items"],
    ObjectType.INVOICE: lambda books: books["invoices"],
    ObjectType.PAYMENT: lambda books: [payment for invoice in books["invoices"] for payment in invoice["payments"]],
    ObjectType.CREDIT: lambda books: books["credits"],
}


def populate(world):
    """Enough objects for several pages, made within a second or two, so that many share their time of change."""
    if world.is_shop:
        world.admin("place_orders", {"count": 230, "seed": 3})
        return
    if world.role == "collector":
        world.admin("place_invoices", {"count": 130})
        return
    for kind in LEDGER_BOOKS:
        if kind in world.connector.writes:
            existing(world, kind)
    for _ in range(130):
        world.connector.writes[ObjectType.CUSTOMER].create(world.api, sample(world, ObjectType.CUSTOMER))


def known_ids(world, kind):
    """What the sandbox itself says there is; None where its admin port has no list of that type."""
    if world.is_shop:
        return {str(order["id"]) for order in world.admin("orders")["orders"]} if kind is ObjectType.ORDER else None
    if world.role == "collector":
        return {row["id"] for row in world.admin("everything")["invoices"]}
    return {str(row["id"]) for row in LEDGER_BOOKS[kind](world.admin("books"))} if kind in LEDGER_BOOKS else None


@pytest.fixture(scope="module")
def populated(shared_world):
    populate(shared_world)
    return shared_world


def paged(world):
    return [kind for kind, reads in world.connector.reads.items() if reads.page]


def test_every_changed_object_is_listed_exactly_once(populated):
    """Or once per stream: what changes without touching the object's change time (a refund) is listed without one, beside it."""
    for kind in paged(populated):
        notices = walk(populated, kind, lately())
        told = [(notice.source_id, notice.version) for notice in notices]
        assert len(told) == len(set(told)), f"{kind} listed twice"
        ids = [notice.source_id for notice in notices]
        assert ids, f"no {kind} listed"
        known = known_ids(populated, kind)
        assert known is None or set(ids) == known


def test_what_is_listed_can_be_fetched_and_normalised(populated):
    for kind in paged(populated):
        reads = populated.connector.reads[kind]
        for notice in walk(populated, kind, lately())[:20]:
            assert notice.object_type is kind
            found = reads.normalise(reads.fetch(populated.api, notice.source_id), populated.account)
            assert found.id == notice.source_id


def test_orders_add_up_and_agree_with_the_shop_s_own_figures(populated):
    if ObjectType.ORDER not in populated.connector.reads or not populated.is_shop:
        pytest.skip("reads no orders")
    reads = populated.connector.reads[ObjectType.ORDER]
    for summary in populated.admin("orders")["orders"][:60]:
        order = reads.normalise(reads.fetch(populated.api, str(summary["id"])), populated.account)
        parts = [line.total for line in order.lines] + [charge.total for charge in order.charges] + [order.total_tax]
        assert total(parts, order.currency) == order.total
        assert order.total == Money(Decimal(summary["total"]), summary["currency"])
        captured = total((payment.amount for payment in order.transactions if payment.is_captured), order.currency)
        assert captured.amount == Decimal(summary["captured"])
        assert total((refund.amount for refund in order.refunds), order.currency).amount == Decimal(summary["refunded"])
        assert (order.number, order.status) == (summary["number"], summary["status"])
        assert all(line.quantity > 0 and line.name for line in order.lines)


def test_a_window_holds_its_own_ends_and_nothing_far_from_them(populated):
    for kind in paged(populated):
        reads = populated.connector.reads[kind]
        source_id = walk(populated, kind, lately())[0].source_id
        changed = reads.normalise(reads.fetch(populated.api, source_id), populated.account).updated_at
        if changed is None:
            continue
        assert source_id in {notice.source_id for notice in walk(populated, kind, Window(changed, changed))}
        day = timedelta(days=1)
        for window in (Window(changed - day, changed - day / 2), Window(changed + day / 2, changed + day)):
            assert source_id not in {notice.source_id for notice in walk(populated, kind, window)}


def test_a_missing_object_is_gone(world):
    for reads in world.connector.reads.values():
        for missing in ("999999999", "no such id", ""):
            with pytest.raises(Gone):
                reads.fetch(world.api, missing)


def some_id(world, kind):
    notices = walk(world, kind, lately())
    return notices[0].source_id


def calls(world):
    """Each way of reading, ready to be called while something is wrong."""
    found = []
    for kind, reads in world.connector.reads.items():
        source_id = some_id(world, kind) if reads.page else "1"
        found.append(lambda reads=reads, source_id=source_id: reads.fetch(world.api, source_id))
        if reads.page:
            found.append(lambda reads=reads: reads.page(world.api, lately(), None))
    return found


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 401}, Unauthorised),
        ({"kind": "status", "status": 429, "headers": {"Retry-After": "7"}}, RateLimited),
        ({"kind": "status", "status": 500}, Transient),
        ({"kind": "status", "status": 503, "body": "busy"}, Transient),
        ({"kind": "html", "status": 502}, Transient),
        ({"kind": "html", "status": 200}, Transient),
        ({"kind": "drop_before"}, Transient),
        ({"kind": "status", "status": 301, "headers": {"Location": "https://elsewhere.example/"}}, NeedsAttention),
        ({"kind": "status", "status": 200, "body": "{}", "headers": {"Content-Type": "application/json"}}, Rejected),
    ],
    ids=["401", "429", "500", "503", "html-502", "html-200", "dropped", "redirect", "empty-object"],
)
def test_trouble_while_reading_has_its_class(populated, fault, kind):
    populated.faults()
    ready = calls(populated)
    populated.faults({**fault, "times": -1})
    try:
        for call in ready:
            with pytest.raises(kind) as caught:
                call()
            assert caught.value.message.endswith((".", ")")) or isinstance(caught.value, Rejected)
            if kind is RateLimited:
                assert caught.value.retry_after == 7
    finally:
        populated.faults()


def test_a_passing_trouble_is_retried(populated):
    for call in calls(populated):
        populated.faults({"kind": "status", "status": 500, "times": 1})
        call()
    populated.faults()


def test_probing_a_good_connection_finds_no_problem(world):
    found = world.connector.probe(world.api)
    assert found.problems == ()
    assert len(found.currency) == 3
    assert found.time_zone


def test_wrong_keys_are_refused_everywhere(populated):
    world = populated
    wrong = {name: "wrong-" + value for name, value in world.account.secrets.items()}
    api = connect(world.connector, replace(world.account, key=world.account.key + "-wrong", secrets=wrong))
    for kind, reads in world.connector.reads.items():
        source_id = some_id(world, kind) if reads.page else "1"
        with pytest.raises(Unauthorised):
            reads.fetch(api, source_id)
