"""What the operator decides: which orders count, which item, tax and payment type stands for the shop's; and what waits for that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Alert, AuditRecord
from flows.models import FieldMapping, ItemMapping, SyncJob, ValueMapping
from flows.reconcile import reconcile
from flows.releasing import mapping_saved
from flows.selectors import ITEMS_AT_ONCE
from tests.flows.conftest import Town

MIXED = [{"sku": "TEA-EG-100", "quantity": 1}, {"sku": "CUP-PAIR", "quantity": 1}]


def names(town: Town, order: dict[str, Any]) -> list[str]:
    return [line["name"] for line in town.invoice(order)["lines"]]


def skus(town: Town) -> list[str]:
    return sorted(item["sku"] for item in town.ledger()["items"])


def left_out(town: Town, order: dict[str, Any], code: str) -> SyncJob:
    """Sync: nothing is written, the job ends with nothing to do."""
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("nothing", code), job.reason
    assert town.ledger()["invoices"] == town.ledger()["clients"] == []
    return job


# ---- items -------------------------------------------------------------------------------------------------


def test_unknown_skus_become_items_once(town: Town) -> None:
    town.book(town.order(line_items=MIXED))
    town.book(town.order(line_items=MIXED))
    assert skus(town) == ["CUP-PAIR", "TEA-EG-100"]


def test_a_mapped_sku_stands_under_the_mapped_name_and_makes_no_item(town: Town) -> None:
    ItemMapping.objects.create(flow=town.orders, sku="TEA-EG-100", item_id="7", item_name="Loose tea")
    order = town.order(line_items=MIXED)
    assert town.book(order).state == "done"
    assert names(town, order) == ["Loose tea", "Pair of cups"]
    assert town.invoice(order)["lines"][0]["description"] == "Earl Grey, 100 g; SKU TEA-EG-100"
    assert skus(town) == ["CUP-PAIR"]


def test_the_default_item_stands_for_unmapped_skus(make_town: Callable[..., Town]) -> None:
    town = make_town(unknown_sku="default_item", default_item="Web sales")
    order = town.order(line_items=MIXED)
    assert town.book(order).state == "done"
    assert names(town, order) == ["Web sales", "Web sales"]
    assert skus(town) == []
    assert town.invoice(order)["amount"] == order["total"]


def test_only_lines_no_items(make_town: Callable[..., Town]) -> None:
    town = make_town(unknown_sku="line")
    order = town.order(line_items=MIXED)
    assert town.book(order).state == "done"
    assert (names(town, order), skus(town)) == (["Earl Grey, 100 g", "Pair of cups"], [])


def test_an_unmapped_sku_waits_for_its_mapping_and_goes_on_with_it(make_town: Callable[..., Town]) -> None:
    town = make_town(unknown_sku="attention")
    ItemMapping.objects.create(flow=town.orders, sku="CUP-PAIR", item_id="8", item_name="Cups")
    waiting = [town.order(line_items=MIXED), town.order(line_items=MIXED[:1])]
    fine = town.order(line_items=MIXED[1:])
    with town.untouched(town.books):
        jobs = [town.book(order) for order in waiting]
    assert {(job.state, job.reason_code, job.subject) for job in jobs} == {("attention", "sku_unmapped", "sku:TEA-EG-100")}
    assert town.book(fine).state == "done"
    assert len(town.ledger()["invoices"]) == 1
    cause = f"{town.orders.pk}:sku_unmapped:sku:TEA-EG-100"
    assert Alert.objects.get(cause=cause).closed_at is None
    other = ItemMapping.objects.create(flow=town.orders, sku="OTHER", item_id="6", item_name="Other")
    assert mapping_saved(other, "kim") == 0
    mapped = ItemMapping.objects.create(flow=town.orders, sku="TEA-EG-100", item_id="7", item_name="Loose tea")
    assert mapping_saved(mapped, "kim") == 2
    town.work()
    assert [names(town, order) for order in waiting] == [["Loose tea", "Cups"], ["Loose tea"]]
    assert set(SyncJob.objects.filter(pk__in=[job.pk for job in jobs]).values_list("state", flat=True)) == {"superseded"}
    assert Alert.objects.get(cause=cause).closed_at is not None
    assert SyncJob.objects.filter(asked_by="kim", state="done").count() == 2


def test_many_records_looked_at_in_a_row_each_find_their_own_of_very_many_items(make_town: Callable[..., Town]) -> None:
    town = make_town(unknown_sku="attention")
    mapped = [ItemMapping(flow=town.orders, sku=f"X-{n}", item_id=str(n), item_name=f"Item {n}") for n in range(ITEMS_AT_ONCE)]
    mapped += [ItemMapping(flow=town.orders, sku=line["sku"], item_id="7", item_name=line["sku"].lower()) for line in MIXED]
    ItemMapping.objects.bulk_create(mapped)
    for line in MIXED:
        assert town.book(town.order(line_items=[line])).state == "done"
    now = timezone.now() + timedelta(minutes=1)
    report = reconcile(town.orders, now - timedelta(days=1), now)
    assert (report.compared, [drift.sentence for drift in report.drifts]) == (2, [])


# ---- taxes, payment types, charges, fields -----------------------------------------------------------------


def test_taxes_and_payment_types_go_by_their_mapped_names(town: Town) -> None:
    mapped = {("tax", "CA-ON-HST-1"): "HST (ON)", ("gateway", "stripe"): "Credit Card", ("account", "flat_rate"): "Freight"}
    for (kind, source), target in mapped.items():
        ValueMapping.objects.create(flow=town.orders, kind=kind, source=source, target=target)
    charge = {"method_id": "flat_rate", "method_title": "Courier", "total": "10.00"}
    order = town.order(shipping_lines=[charge])
    assert town.book(order).state == "done"
    tea, freight = town.invoice(order)["lines"]
    assert (tea["taxName1"], freight["name"], freight["taxName1"]) == ("HST (ON)", "Freight", "HST (ON)")
    assert town.invoice(order)["payments"][0]["type"] == "Credit Card"


@pytest.mark.parametrize("source", ["CA-ON-HST-1", "HST"], ids=["by its code", "by its name"])
def test_an_unmapped_tax_waits_if_the_flow_says_so(make_town: Callable[..., Town], source: str) -> None:
    town = make_town(tax_unmapped="attention")
    order = town.order()
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code, job.subject) == ("attention", "tax_unmapped", "tax:CA-ON-HST-1")
    mapped = ValueMapping.objects.create(flow=town.orders, kind="tax", source=source, target="HST")
    assert mapping_saved(mapped, "kim") == 1
    town.work()
    assert town.invoice(order)["lines"][0]["taxName1"] == "HST"
    assert not Alert.objects.filter(closed_at=None).exists()


def test_an_unmapped_gateway_has_the_flows_default(make_town: Callable[..., Town]) -> None:
    town = make_town(default_payment_type="Cash")
    order = town.order()
    town.book(order)
    assert town.invoice(order)["payments"][0]["type"] == "Cash"


def test_field_mappings_fill_notes(town: Town) -> None:
    FieldMapping.objects.create(flow=town.orders, target="invoice.notes", expression="note", transform="upper", default="none")
    order = town.order(customer_note="Ring twice")
    town.book(order)
    assert town.invoice(order)["notes"] == "RING TWICE"


def test_the_payment_is_dated_in_the_shops_time_zone(town: Town) -> None:
    """Half past nine in the evening in Toronto is the next day in UTC."""
    town.ask(town.shop, "clock", now="2026-11-06T02:30:00+00:00")
    order = town.order()
    town.ask(town.shop, "clock")
    town.book(order)
    invoice = town.invoice(order)
    assert (invoice["date"], invoice["payments"][0]["date"]) == ("2026-11-05", "2026-11-05")


# ---- which orders ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["pending", "on-hold"])
def test_unpaid_statuses_do_not_count_until_they_change(town: Town, status: str) -> None:
    order = town.order(status=status, set_paid=False)
    assert status in left_out(town, order, "left_out").reason
    town.change(order, status="processing")
    assert town.book(order).state == "done"
    assert town.invoice(order)["paid"] == "20.23"


def test_a_chosen_list_of_statuses(make_town: Callable[..., Town]) -> None:
    town = make_town(statuses="on-hold, completed")
    left_out(town, town.order(), "left_out")
    held = town.order(status="on-hold", set_paid=False, payment_method="bacs")
    assert town.book(held).state == "done"
    assert (town.invoice(held)["amount"], town.invoice(held)["paid"]) == ("20.23", "0.00")


def test_a_booked_order_is_followed_into_statuses_that_do_not_count(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.change(order, status="on-hold", shipping_lines=[{"method_title": "Courier", "total": "10.00"}])
    job = town.book(order)
    assert job.state == "done", job.reason
    assert (town.invoice(order)["amount"], town.invoice(order)["paid"]) == ("31.53", "20.23")


def test_orders_before_the_start_date_are_left_alone(make_town: Callable[..., Town]) -> None:
    town = make_town(start_date="2026-11-05")
    town.ask(town.shop, "clock", now="2026-11-05T03:00:00+00:00")  # the 4th in Toronto
    before = town.order()
    town.ask(town.shop, "clock", now="2026-11-05T05:00:00+00:00")
    first = town.order()
    town.ask(town.shop, "clock")
    assert "2026-11-04" in left_out(town, before, "left_out").reason
    assert town.book(first).state == "done"


@pytest.mark.parametrize("named", ["cod", "Credit / Debit Card", "bacs,stripe"])
def test_payment_methods_left_out(make_town: Callable[..., Town], named: str) -> None:
    town = make_town(skip_methods=named)
    order = town.order()
    if named == "cod":
        assert town.book(order).state == "done"
    else:
        left_out(town, order, "left_out")


def test_free_orders_are_left_out_or_booked(make_town: Callable[..., Town]) -> None:
    free = [{"sku": "TEA-EG-100", "quantity": 1, "subtotal": "0.00", "total": "0.00"}]
    town = make_town()
    left_out(town, town.order(line_items=free), "nothing_booked")
    town.orders.options = {"zero_orders": "book"}
    town.orders.save()
    order = town.order(line_items=free)
    assert town.book(order).state == "done"
    invoice = town.invoice(order)
    assert (invoice["amount"], invoice["paid"], invoice["payments"]) == ("0.00", "0.00", [])


def test_small_orders_and_baskets_are_left_out(make_town: Callable[..., Town]) -> None:
    town = make_town(minimum="20.24")
    left_out(town, town.order(), "left_out")
    left_out(town, town.order(status="checkout-draft", set_paid=False), "draft")
    big = town.order(line_items=[{"sku": "TEA-EG-100", "quantity": 3}])
    assert town.book(big).state == "done"
    assert Decimal(town.invoice(big)["amount"]) == Decimal("30.34")


def test_a_wrong_option_is_told_and_writes_nothing(make_town: Callable[..., Town]) -> None:
    town = make_town(start_date="yesterday")
    with town.untouched(town.books):
        job = town.book(town.order())
    assert (job.state, job.reason_code) == ("attention", "bad_option")
    assert "start_date" in job.reason


def test_of_very_many_mapped_items_a_job_reads_its_own(make_town: Callable[..., Town]) -> None:
    town = make_town(unknown_sku="attention")
    order = town.order(line_items=MIXED)
    others = [f"A-{n:04}" for n in range(300)]
    mapped = [*others, "CUP-PAIR", "TEA-EG-100"]
    ItemMapping.objects.bulk_create(ItemMapping(flow=town.orders, sku=sku, item_id="1", item_name=f"Mine {sku}") for sku in mapped)
    assert town.book(order).state == "done"
    assert names(town, order) == ["Mine TEA-EG-100", "Mine CUP-PAIR"]
    applied = AuditRecord.objects.filter(outcome="done", mapping__has_key="items").latest("pk")
    assert set(applied.mapping["items"]) == {"CUP-PAIR", "TEA-EG-100"}
