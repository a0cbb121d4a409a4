"""Percentages, folded discounts, the rounding line: each rule by an example that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from recipe_books import Books, context, ledger_amount
from recipe_shop import charge, line, money, order, tax

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceLine, InvoiceTax
from connectors.canonical.money import Money
from connectors.canonical.order import ChargeKind, Order
from connectors.kit.errors import NeedsAttention
from flows.recipes.arithmetic import EXPECTED, RULES, RoundingRule, is_certain, predict, predictions
from flows.recipes.contract import Mappings
from flows.recipes.fitting import RoundingPolicy, adjust, cautious, fit
from flows.recipes.order_to_invoice import RECIPE
from flows.recipes.parts import fold_negatives, parts_of

POLICY = RoundingPolicy("Rounding", Decimal("0.05"))


def one(amount: str, *percents: str, quantity: str = "1", currency: str = "CAD", compound: bool = False, name: str = "Mug") -> InvoiceLine:
    taxes = tuple(InvoiceTax(f"T{i}", Decimal(percent)) for i, percent in enumerate(percents))
    return InvoiceLine(name, "", Decimal(quantity), money(amount, currency), taxes, compound)


def desired_lines(placed: Order, mappings: Mappings | None = None, **options: Any) -> tuple[InvoiceLine, ...]:
    invoice = RECIPE.desire(placed, context(mappings=mappings, **options)).invoice
    assert invoice is not None
    return invoice.lines


# ---- forecast ----------------------------------------------------------------------------------------------------


def test_each_rounding_rule_by_hand() -> None:
    lines = (one("0.50", "5"), one("0.50", "5"))  # 0.025 of tax each
    assert {(rule.per, rule.halves[6:]): predict(lines, "CAD", rule).text() for rule in RULES if not rule.stacked} == {
        ("bucket", "HALF_UP"): "1.05",
        ("line", "HALF_UP"): "1.06",
        ("invoice", "HALF_UP"): "1.05",
        ("bucket", "HALF_EVEN"): "1.05",
        ("line", "HALF_EVEN"): "1.04",
    }
    assert not is_certain(lines, money("1.05"))
    assert is_certain((one("1.00", "5"),), money("1.05"))


def test_compound_taxes_stand_on_the_first() -> None:
    assert predict((one("100", "5", "9.975", compound=True),), "CAD") == money("115.47")
    assert predict((one("100", "5", "9.975"),), "CAD") == money("114.98")
    stacked = RoundingRule("line", stacked=True)
    assert predict((one("0.50", "5", "100", compound=True),), "CAD", stacked) == money("1.06")


@pytest.mark.parametrize(("currency", "amount", "expected"), [("JPY", "105", "116"), ("KWD", "1.005", "1.106"), ("CAD", "1.05", "1.16")])
def test_currencies_round_at_their_own_unit(currency: str, amount: str, expected: str) -> None:
    assert predict((one(amount, "10", currency=currency),), currency) == money(expected, currency)


def test_the_forecast_agrees_with_the_books_of_these_tests() -> None:
    lines = (one("0.50", "5", "7"), one("3.33", "5", quantity="3"), one("9.99", "5", "9.975", compound=True))
    assert predict(lines, "CAD", EXPECTED) == ledger_amount(lines, "CAD", per_line=False)
    assert predict(lines, "CAD", RoundingRule("line")) == ledger_amount(lines, "CAD", per_line=True)


# ---- the rounding line -------------------------------------------------------------------------------------------


def test_a_small_gap_goes_on_the_rounding_line() -> None:
    lines = fit([(one("10", "13"),)], money("11.33"), POLICY)
    assert lines[1:] == (InvoiceLine("Rounding", "", Decimal(1), money("0.03")),)


def test_too_much_lowers_a_price_and_never_makes_a_negative_line() -> None:
    lines = fit([(one("10", "13"),)], money("11.27"), POLICY)
    assert [(each.name, each.unit_price.text()) for each in lines] == [("Mug", "9.97")]
    assert predict(lines, "CAD") == money("11.27")


def test_the_finest_line_gives_and_several_pieces_become_one() -> None:
    assert [each.unit_price.text() for each in fit([(one("50", quantity="2"), one("5"))], money("104.99"), POLICY)] == ["50.00", "4.99"]
    [whole] = fit([(one("50", quantity="3"),)], money("149.98"), POLICY)
    assert (whole.name, whole.quantity, whole.unit_price) == ("3 x Mug", Decimal(1), money("149.98"))


@pytest.mark.parametrize(
    ("currency", "unit", "least", "beyond"),
    [("CAD", "10.00", "10.05", "10.06"), ("JPY", "1000", "1005", "1006"), ("KWD", "1.000", "1.050", "1.051")],
)
def test_the_bound_is_five_hundredths_or_five_minor_units(currency: str, unit: str, least: str, beyond: str) -> None:
    lines = (one(unit, currency=currency),)
    assert predict(fit([lines], money(least, currency), POLICY), currency) == money(least, currency)
    with pytest.raises(NeedsAttention) as raised:
        fit([lines], money(beyond, currency), POLICY)
    assert raised.value.code == "rounding_beyond_bound"


def test_effective_rates_help_where_declared_ones_do_not_reach() -> None:
    declared, effective = (one("100", "5"),), (one("100", "5.1"),)
    assert fit([declared, effective], money("105.10"), POLICY) == effective


def test_a_candidate_that_holds_under_every_rule_goes_first() -> None:
    fragile = tuple(one("0.50", "5") for _ in range(20))  # 10.50 by bucket, 10.60 by line
    firm = tuple(one("0.50", "6") for _ in range(20))  # 10.60 under all of them but for halves
    assert fit([fragile, firm], money("10.55"), POLICY)[0].taxes != fragile[0].taxes or is_certain(fragile, money("10.55"))


def test_only_a_free_invoice_needs_a_negative_line_and_only_where_it_is_taken() -> None:
    free = (one("0"),)
    allowed = replace(POLICY, negative=True)
    assert fit([free], money("-0.01"), allowed)[-1].unit_price == money("-0.01")
    with pytest.raises(NeedsAttention):
        fit([free], money("-0.01"), POLICY)


# ---- after reading back ------------------------------------------------------------------------------------------


def test_a_shortfall_is_added_and_an_excess_taken_off_the_rounding_line() -> None:
    lines = (one("10", "13"), InvoiceLine("Rounding", "", Decimal(1), money("0.02")))
    more, less = (adjust(lines, money(shown), money("11.32"), POLICY) for shown in ("11.31", "11.33"))
    assert more[1].unit_price == money("0.03")
    assert less[1].unit_price == money("0.01")
    assert adjust(lines, money("11.34"), money("11.32"), POLICY) == lines[:1]


def test_a_larger_excess_lowers_a_price_and_stays_at_or_above_the_target() -> None:
    lines = tuple(one("0.50", "5") for _ in range(3))
    lowered = adjust(lines, money("1.59"), money("1.58"), POLICY)
    falls = [predict(lines, "CAD", rule) - predict(lowered, "CAD", rule) for rule in RULES]
    assert max(falls) <= money("0.01")


@pytest.mark.parametrize("shown", ["11.24", "11.36"])
def test_a_correction_beyond_the_bound_asks(shown: str) -> None:
    with pytest.raises(NeedsAttention, match=f"{shown} CAD but the order says 11.30 CAD"):
        adjust((one("10", "13"),), money(shown), money("11.30"), POLICY)


def test_cautious_lines_are_never_short_under_any_rule() -> None:
    lines = (one("0.50", "5"), one("0.50", "5"))
    assert min(predictions(lines, "CAD")) == money("1.04")
    assert min(predictions(cautious(lines, money("1.05"), POLICY), "CAD")) == money("1.05")


def test_books_that_round_by_line_end_exact_too() -> None:
    lines = [line(str(i), "0.50", tax("GST", "0.03" if i < 2 else "0.02", "5")) for i in range(4)]
    placed = order("2.10", *lines)
    books = Books(per_line=True)
    plans = books.sync(RECIPE, placed, context())
    assert books.the(ObjectType.INVOICE).amount == money("2.10")
    assert [[c.verb for c in plan] for plan in plans][1] == ["update"]


# ---- taxes -------------------------------------------------------------------------------------------------------


def test_declared_rates_stand_where_they_explain_the_amount() -> None:
    [first, second] = desired_lines(
        order("23.62", line("1", "10.00", tax("HST", "1.31", "13")), line("2", "10.90", tax("HST", "1.41", "13")))
    )
    assert (first.taxes, second.taxes) == ((InvoiceTax("HST", Decimal(13)),),) * 2


def test_effective_rates_where_they_do_not() -> None:
    [only] = desired_lines(order("11.00", line("1", "10.00", tax("HST", "1.00", "13"))))
    assert only.taxes == (InvoiceTax("HST", Decimal(10)),)


@pytest.mark.parametrize(("amount", "percent"), [("1.31", "13"), ("1.32", "13.2"), ("1.29", "13"), ("1.28", "12.8")])
def test_a_declared_rate_explains_within_one_minor_unit(amount: str, percent: str) -> None:
    first = desired_lines(order(str(10 + Decimal(amount)), line("1", "10.00", tax("HST", amount, "13"))))[0]
    assert first.taxes == (InvoiceTax("HST", Decimal(percent)),)


def test_undeclared_rates_are_found_from_all_lines() -> None:
    lines = desired_lines(order("113.06", line("1", "0.05", tax("HST", "0.01")), line("2", "100.00", tax("HST", "13.00"))))
    assert {each.taxes for each in lines} == {(InvoiceTax("HST", Decimal(13)),)}


def test_a_rate_has_at_most_three_decimals() -> None:
    [only] = desired_lines(order("107.12", line("1", "100.00", tax("T", "7.12", "7.12345"))))
    assert only.taxes == (InvoiceTax("T", Decimal("7.123")),)


def test_a_third_tax_joins_the_second() -> None:
    [only] = desired_lines(order("114.00", line("1", "100.00", tax("A", "5.00", "5"), tax("B", "7.00", "7"), tax("C", "2.00", "2"))))
    assert only.taxes == (InvoiceTax("A", Decimal(5)), InvoiceTax("B + C", Decimal(9)))


def test_exactly_two_taxes_may_compound() -> None:
    [only] = desired_lines(order("115.47", line("1", "100.00", tax("QST", "10.47", "9.975", compound=True), tax("GST", "5.00", "5"))))
    assert only.compound
    assert only.taxes == (InvoiceTax("GST", Decimal(5)), InvoiceTax("QST", Decimal("9.975")))


def test_three_taxes_with_a_compound_one_are_effective() -> None:
    taxes = (tax("A", "5.00", "5"), tax("B", "7.00", "7"), tax("C", "11.20", "10", compound=True))
    [only] = desired_lines(order("123.20", line("1", "100.00", *taxes)))
    assert not only.compound
    assert only.taxes == (InvoiceTax("A", Decimal(5)), InvoiceTax("B + C", Decimal("18.2")))


def test_taxes_of_nothing_are_left_out_and_tax_on_nothing_is_a_line() -> None:
    lines = desired_lines(order("11.00", line("1", "10.00", tax("Z", "0.00", "0")), line("2", "0.00", tax("HST", "1.00"), name="Gift")))
    assert [(each.name, each.unit_price.text(), each.taxes) for each in lines] == [
        ("Mug", "10.00", ()),
        ("Gift", "0.00", ()),
        ("HST", "1.00", ()),
    ]


def test_taxes_are_named_by_code_then_by_name() -> None:
    placed = order("24.00", line("1", "10.00", tax("HST", "1.00", "10", code="ON")), line("2", "10.00", tax("VAT", "3.00", "30", code="X")))
    lines = desired_lines(placed, Mappings(values={("tax", "ON"): "Harmonised", ("tax", "VAT"): "Value"}))
    assert [each.taxes[0].name for each in lines] == ["Harmonised", "Value"]


# ---- discounts as negative charges -------------------------------------------------------------------------------


def off(amount: str, *taxes: Any) -> Any:
    return charge("9", amount, *taxes, kind=ChargeKind.FEE, name="Club discount")


def test_a_negative_charge_folds_into_lines_with_the_same_taxes() -> None:
    gst = tax("GST", "1.00", "5", code="G")
    placed = order(
        "52.00",
        line("1", "20.00", gst),
        line("2", "20.00", gst),
        line("3", "15.00", name="Book"),
        charges=(off("-4.76", tax("GST", "-0.24", "5", code="G")),),
    )
    lines = desired_lines(replace(placed, total=money("52.00")))
    assert [(each.unit_price.text(), [str(t.percent) for t in each.taxes]) for each in lines] == [
        ("17.62", ["5"]),
        ("17.62", ["5"]),
        ("15.00", []),
    ]
    assert lines[0].description == '2.38 taken off for "Club discount"'


def test_an_untaxed_discount_on_taxed_lines_keeps_the_tax_amount() -> None:
    lines = desired_lines(order("10.30", line("1", "10.00", tax("HST", "1.30", "13")), charges=(off("-1.00"),)))
    assert [(each.unit_price.text(), each.taxes[0].percent) for each in lines] == [("9.00", Decimal("14.444"))]
    assert predict(lines, "CAD") == money("10.30")


def test_what_a_taxed_discount_saves_on_an_untaxed_line_comes_off_the_price() -> None:
    lines = desired_lines(order("8.87", line("1", "10.00"), charges=(off("-1.00", tax("HST", "-0.13", "13")),)))
    assert [(each.unit_price.text(), each.taxes) for each in lines] == [("8.87", ())]


def test_more_discount_than_goods_needs_a_negative_line_or_a_person() -> None:
    placed = order("0.50", line("1", "1.00", tax("HST", "1.00", "13")), charges=(off("-1.50"),))
    parts = fold_negatives(parts_of(placed))
    assert [part.net.text() for part in parts] == ["0.00", "-0.50"]
    books = Books()
    books.sync(RECIPE, placed, context())
    assert min(each.unit_price for each in books.the(ObjectType.INVOICE).lines) == money("-0.50")
    with pytest.raises(NeedsAttention) as raised:
        RECIPE.desire(placed, context({"negative_lines": "refused"}))
    assert raised.value.code == "negative_line"


def test_folding_keeps_the_sum_to_the_last_unit() -> None:
    for units in range(1, 60):
        placed = order("1", *[line(str(i), "0.33", tax("G", "0.02", "5")) for i in range(3)], charges=(off(f"-{units / 100:.2f}"),))
        parts = fold_negatives(parts_of(placed))
        assert sum((part.net.to_minor() for part in parts), 0) == 99 - units
        assert sum((part.tax.amount for part in parts), Decimal(0)) == Decimal("0.06")
        assert all(isinstance(part.net, Money) and part.net.is_exact and part.net.amount >= 0 for part in parts)
