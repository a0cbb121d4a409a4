"""Transactions first, the status second: which money counts, and which order is paid."""

from decimal import Decimal

import pytest
from bc_store import order_of, raw

from connectors.canonical.money import total
from connectors.canonical.order import OrderState


def captured(order):
    return total((one.amount for one in order.transactions if one.is_captured), order.currency)


@pytest.mark.parametrize(
    ("name", "paid", "state"),
    [
        ("store_credit_and_card", True, OrderState.OPEN),
        ("gift_certificate", True, OrderState.OPEN),
        ("captured_after_authorisation", True, OrderState.OPEN),
        ("bank_deposit_by_status", True, OrderState.OPEN),
        ("held_for_review_but_paid", True, OrderState.OPEN),
    ],
)
def test_paid_orders_have_their_whole_total(name, paid, state):
    order = order_of(raw(f"order__{name}"))
    assert (order.paid, order.state) == (paid, state)
    assert captured(order) == order.total


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("authorised_only", OrderState.OPEN),
        ("awaiting_payment", OrderState.OPEN),
        ("declined", OrderState.CANCELLED),
        ("incomplete", OrderState.DRAFT),
    ],
)
def test_unpaid_orders_have_nothing(name, state):
    order = order_of(raw(f"order__{name}"))
    assert (order.paid, order.state, captured(order).amount) == (False, state, 0)


def test_an_authorisation_is_not_added_to_its_capture():
    found = raw("order__captured_after_authorisation")
    assert [one["event"] for one in found["transactions"]] == ["authorization", "capture"]
    order = order_of(found)
    assert captured(order) == order.total


def test_a_settlement_of_what_was_counted_is_not_counted_again():
    found = raw("order__captured_after_authorisation")
    capture = found["transactions"][-1]
    found["transactions"].append({**capture, "id": 999, "event": "settled", "reference_transaction_id": capture["id"]})
    assert captured(order_of(found)) == order_of(found).total
    found["transactions"][-1]["reference_transaction_id"] = None
    assert captured(order_of(found)) == order_of(found).total, "one that names nothing settles what its gateway took"
    found["transactions"].remove(capture)
    assert captured(order_of(found)) == order_of(found).total, "a settlement alone is money"


def test_test_money_is_no_money():
    found = raw("order__test_gateway")
    order = order_of(found)
    assert (order.test, captured(order).amount) == (True, 0)
    found["transactions"].append({**found["transactions"][0], "id": 998, "test": False})
    assert (order_of(found).test, captured(order_of(found))) == (False, order.total)


def test_failed_and_voided_payments_do_not_count():
    found = raw("order__held_for_review_but_paid")
    paid = found["transactions"][0]
    found["transactions"].append({**paid, "id": 997, "event": "void", "reference_transaction_id": paid["id"]})
    assert (order_of(found).paid, captured(order_of(found)).amount) == (False, 0)
    found["transactions"] = [{**paid, "status": "error"}]
    assert (order_of(found).paid, captured(order_of(found)).amount) == (False, 0)


def test_an_offline_payment_waits_for_the_status():
    """BigCommerce records it when the order is placed, whether the money has come or not."""
    found = raw("order__awaiting_payment")
    total_inc = Decimal(found["order"]["total_inc_tax"])
    model = raw("order__held_for_review_but_paid")["transactions"][0]
    found["transactions"] = [{**model, "method": "offline", "gateway": "bankdeposit", "amount": total_inc,
                              "currency": found["order"]["default_currency_code"]}]  # fmt: skip
    assert (order_of(found).paid, captured(order_of(found)).amount) == (False, 0)
    found["order"]["status_id"] = 11
    order = order_of(found)
    assert (order.paid, captured(order)) == (True, order.total)
    assert [one.id for one in order.transactions if one.is_captured] == [str(model["id"])]


def test_a_payment_that_only_the_status_tells_of_is_dated_by_the_last_change():
    order = order_of(raw("order__bank_deposit_by_status"))
    (only,) = order.transactions
    assert (only.id, only.gateway, only.amount, only.occurred_at) == ("status", "Bank Deposit", order.total, order.updated_at)


def test_store_credit_without_a_transaction_is_a_tender():
    found = raw("order__bank_deposit_by_status")
    found["order"]["store_credit_amount"] = "1.5000"
    order = order_of(found)
    assert [(tender.kind, tender.amount.amount) for tender in order.tenders] == [("store_credit", Decimal("1.5000"))]
    assert captured(order) + order.tenders[0].amount == order.total


def test_store_credit_with_a_transaction_is_counted_once():
    order = order_of(raw("order__store_credit_and_card"))
    assert order.tenders == ()
    assert {one.gateway for one in order.transactions if one.is_captured} == {"storecredit", "stripe"}


@pytest.mark.parametrize(("status_id", "state"), [(5, OrderState.CANCELLED), (6, OrderState.CANCELLED)])
def test_a_cancelled_order_without_money_is_cancelled(status_id, state):
    found = raw("order__awaiting_payment")
    found["order"]["status_id"] = status_id
    assert order_of(found).state is state


def test_money_that_was_taken_keeps_a_cancelled_or_archived_order_open():
    for change in ({"status_id": 5}, {"status_id": 0}, {"is_deleted": True}):
        found = raw("order__held_for_review_but_paid")
        found["order"].update(change)
        assert (order_of(found).state, order_of(found).paid) == (OrderState.OPEN, True)


def test_an_archived_order_paid_by_status_alone_is_deleted():
    found = raw("order__bank_deposit_by_status")
    found["order"]["is_deleted"] = True
    assert order_of(found).state is OrderState.DELETED


def test_a_declined_attempt_does_not_stand_against_a_person_who_moved_the_order_on():
    found = raw("order__declined")
    found["order"]["status_id"] = 11
    order = order_of(found)
    assert (order.paid, captured(order)) == (True, order.total)


def test_what_store_credit_leaves_is_paid_as_the_status_says():
    """A bank deposit beside store credit: no transaction tells of it."""
    found = raw("order__bank_deposit_by_status")
    model = raw("order__store_credit_and_card")["transactions"][0]
    assert model["method"] == "store_credit"
    found["order"]["store_credit_amount"] = "1.5000"
    found["transactions"] = [{**model, "amount": Decimal("1.5"), "currency": found["order"]["default_currency_code"]}]
    order = order_of(found)
    assert (order.paid, captured(order)) == (True, order.total)
    found["order"]["status_id"] = 7
    waiting = order_of(found)
    assert (waiting.paid, captured(waiting).amount) == (False, Decimal("1.5"))


def test_a_card_that_paid_a_part_is_not_made_whole_by_the_status():
    found = raw("order__held_for_review_but_paid")
    found["order"]["status_id"] = 11
    found["transactions"][0]["amount"] = Decimal(1)
    assert captured(order_of(found)).amount == 1


def test_an_offline_payment_after_a_try_with_test_money_is_money():
    found = raw("order__test_gateway")
    offline = {**found["transactions"][0], "id": 996, "test": False, "method": "offline", "gateway": "bankdeposit"}
    found["transactions"].append(offline)
    order = order_of(found)
    assert (order.test, order.paid, captured(order)) == (False, True, order.total)
