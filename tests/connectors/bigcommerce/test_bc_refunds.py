"""Refunds from the v3 endpoint: by line, by amount, declined, without a record."""

from decimal import Decimal

from bc_store import order_of, raw, store

from connectors.canonical.money import Money, total


def test_a_refund_of_pieces_names_its_line():
    found = raw("order__refund_of_pieces")
    order = order_of(found)
    (refund,) = order.refunds
    item = found["refunds"][0]["items"][0]
    (line,) = refund.lines
    assert (line.line_id, line.quantity) == (str(item["item_id"]), Decimal(item["quantity"]))
    assert refund.amount.amount == found["refunds"][0]["total_amount"]
    assert abs((line.total + line.tax - refund.amount).to_minor()) <= 5


def test_an_amount_off_the_order_has_no_lines():
    found = raw("order__refund_of_amount")
    (refund,) = order_of(found).refunds
    assert refund.lines == ()
    assert refund.amount.amount == found["refunds"][0]["total_amount"]


def test_the_order_s_own_refunded_amount_is_never_read():
    found = raw("order__refund_of_amount")
    assert found["order"]["refunded_amount"] == "0.0000"
    expected = order_of(found)
    found["order"]["refunded_amount"] = "999.0000"
    assert order_of(found) == expected


def test_a_declined_refund_is_none():
    found = raw("order__refund_declined")
    assert found["refunds"][0]["payments"][0]["is_declined"] is True
    order = order_of(found)
    assert order.refunds == ()
    assert not [one for one in order.transactions if one.id == found["refunds"][0]["payments"][0]["transaction_id"] and one.is_captured]


def test_of_a_refund_in_two_payments_the_declined_one_is_left_out():
    found = raw("order__refund_of_pieces")
    (pay,) = found["refunds"][0]["payments"]
    part = Decimal("0.40")
    found["refunds"][0]["payments"] = [{**pay, "amount": pay["amount"] - part}, {**pay, "id": 77, "amount": part, "is_declined": True}]
    (refund,) = order_of(found).refunds
    assert (refund.amount.amount, refund.lines) == (pay["amount"] - part, ())


def test_a_merchant_s_own_figure_goes_by_amount():
    found = raw("order__refund_of_pieces")
    made = found["refunds"][0]
    made["total_amount"] = made["payments"][0]["amount"] = Decimal("1.11")
    (refund,) = order_of(found).refunds
    assert (refund.amount.amount, refund.lines) == (Decimal("1.11"), ())


def test_a_tax_adjustment_has_no_items():
    found = raw("order__refund_of_pieces")
    found["refunds"][0]["items"] = []
    (refund,) = order_of(found).refunds
    assert refund.lines == ()


def test_a_refund_without_date_has_the_order_s_last_change():
    found = raw("order__refund_of_pieces")
    found["refunds"][0]["created"] = ""
    order = order_of(found)
    assert order.refunds[0].occurred_at == order.updated_at


def test_refunds_that_only_transactions_show():
    found = raw("order__refund_of_amount")
    amount = found["refunds"][0]["total_amount"]
    found["refunds"] = []
    order = order_of(found)
    assert [refund.amount.amount for refund in order.refunds] == [amount]


def test_refunded_by_hand_is_given_back_in_full():
    found = raw("order__bank_deposit_by_status")
    found["order"]["status_id"] = 4
    order = order_of(found)
    assert [refund.amount for refund in order.refunds] == [order.total]


def wrappings(order):
    wrapped = [line for line in order.lines if line.wrapping.gross]
    return [{"item_type": "GIFT_WRAPPING", "item_id": line.id, "quantity": line.quantity} for line in wrapped]


def charges(order):
    """Shipping, handling and fees in full: with tax where prices include it, else without."""
    places = [("FEE", fee.id, fee.cost) for fee in order.fees]
    places += [("SHIPPING", one.id, one.shipping) for one in order.addresses]
    places += [("HANDLING", one.id, one.handling) for one in order.addresses]
    asked = [(kind, key, cost.gross if order.inclusive else cost.net) for kind, key, cost in places]
    return [{"item_type": kind, "item_id": key, "amount": amount} for kind, key, amount in asked if amount]


def test_refunds_of_every_kind_come_to_their_amounts():
    """Shipping, handling, wrapping and fees by their own ids; inclusive and exclusive prices."""
    seen = set()
    with store() as town:
        for placed in town.place(120, seed=6):
            raw_order = town.ask("order", id=placed["id"])
            order = town.served.sandbox.state.orders[int(placed["id"])]
            if order.refunds:
                continue
            items = [*wrappings(order), *charges(order)]
            if not items:
                continue
            town.ask("refund", id=placed["id"], items=items)
            (refund,) = town.order(placed["id"]).refunds
            sum_of_lines = total((line.total + line.tax for line in refund.lines), refund.amount.currency)
            assert len(refund.lines) == len(items), raw_order["order"]["id"]
            assert sum_of_lines == refund.amount == Money.of(str(order.refunded), order.currency)
            seen |= {(item["item_type"], order.inclusive) for item in items}
    assert len(seen) == 8


def test_the_transaction_of_a_declined_refund_is_none_whatever_its_status():
    found = raw("order__refund_declined")
    (pay,) = found["refunds"][0]["payments"]
    given = next(one for one in found["transactions"] if one["event"] == "refund")
    assert pay["transaction_id"] == str(given["id"])
    given["status"] = "ok"
    assert order_of(found).refunds == ()
    found["transactions"].append({**given, "id": 9001})  # another one, made at the gateway
    assert [refund.id for refund in order_of(found).refunds] == ["t9001"]


def test_more_refunds_than_a_page_are_all_read():
    """The documented answer has an empty meta: nothing tells how many pages there are."""
    with store(noise=False) as town:
        placed = next(one for one in town.place(20) if float(one["total"]) > 100 and one["refunded"] == "0.00")
        item = {"item_type": "ORDER", "item_id": int(placed["id"]), "amount": "0.50"}
        for _ in range(120):
            town.ask("refund", id=placed["id"], items=[item])
        refunds = town.order(placed["id"]).refunds
        assert (len(refunds), sum(refund.amount.amount for refund in refunds)) == (120, Decimal(60))
        town.ask("forget")
        assert set(town.listed()) >= {placed["id"]}
