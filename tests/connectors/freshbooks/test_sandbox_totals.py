"""The arithmetic of the FreshBooks sandbox, in figures worked out by hand."""

from decimal import Decimal as D

import pytest

from connectors.platforms.freshbooks.sandbox.numbers import next_number
from connectors.platforms.freshbooks.sandbox.totals import TaxedLine, compute_totals

GST = ("GST", D(5))
PST = ("PST", D(7))


def test_percent_discount_comes_before_tax() -> None:
    totals = compute_totals([TaxedLine(D(1), D("30"), (("HST", D(15)),)), TaxedLine(D(2), D("10"))], D(20), 2)
    assert (totals.subtotal, totals.discount, totals.amount) == (D("50.00"), D("10.00"), D("43.60"))
    assert totals.taxes == {("HST", D(15)): D("3.60")}


def test_line_amounts_are_without_tax_and_rounded_half_up() -> None:
    totals = compute_totals([TaxedLine(D("1.5"), D("0.33"), (GST,)), TaxedLine(D(3), D("0.335"))], D(0), 2)
    assert totals.lines == (D("0.50"), D("1.01"))


def test_a_tax_is_rounded_once_over_the_invoice_or_on_each_line() -> None:
    lines = [TaxedLine(D(1), D("0.10"), (GST,))] * 3  # 0.005 each, 0.015 together
    assert compute_totals(lines, D(0), 2).amount == D("0.32")
    assert compute_totals(lines, D(0), 2, per_line=True).amount == D("0.33")


def test_the_same_name_with_another_rate_is_another_tax() -> None:
    lines = [TaxedLine(D(1), D("0.10"), (("VAT", D(5)),)), TaxedLine(D(1), D("0.10"), (("VAT", D(4)),))]
    assert compute_totals(lines, D(0), 2).taxes == {("VAT", D(5)): D("0.01"), ("VAT", D(4)): D("0.00")}


def test_a_compound_tax_is_on_top_of_the_first() -> None:
    plain = compute_totals([TaxedLine(D(1), D(100), (GST, PST))], D(0), 2)
    compound = compute_totals([TaxedLine(D(1), D(100), (GST, PST), compound=True)], D(0), 2)
    assert (plain.amount, compound.amount) == (D("112.00"), D("112.35"))


@pytest.mark.parametrize(("places", "amount"), [(0, "107"), (2, "106.59"), (3, "106.586")])
def test_totals_have_the_decimals_of_the_currency(places: int, amount: str) -> None:
    line = TaxedLine(D(1), D("101.51") if places else D("101.5"), (GST,))
    assert compute_totals([line], D(0), places).amount == D(amount)


def test_negative_lines_take_their_tax_along() -> None:
    lines = [TaxedLine(D(1), D(100), (GST,)), TaxedLine(D(1), D(-40), (GST,))]
    assert compute_totals(lines, D(0), 2).amount == D("63.00")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("0041", "0042"),
        ("00AF", "00AG"),
        ("9", "10"),
        ("0099", "0100"),
        ("000Z", "001A"),
        ("zz", "aaa"),
        ("TB-109", "TB-110"),
        ("A-", "A-1"),
    ],
)
def test_the_next_number(before: str, after: str) -> None:
    assert next_number(before) == after
