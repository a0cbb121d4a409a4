"""What a shop charged and what the books know: rates that differ and currencies that are not taken need a person, and write nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceTax
from connectors.registry import get_connector
from credentials.services import open_api
from flows.models import SyncRecord
from tests.flows.conftest import Town

MakeTown = Callable[..., Town]


def know(town: Town, name: str, percent: str) -> InvoiceTax:
    """A tax that somebody keeps in the books."""
    ledger = town.orders.destination
    found: InvoiceTax = get_connector(ledger.platform).writes[ObjectType.TAX].create(open_api(ledger), InvoiceTax(name, Decimal(percent)))
    return found


def taxes(town: Town) -> list[tuple[str, str]]:
    ledger = town.orders.destination
    find = get_connector(ledger.platform).writes[ObjectType.TAX].find
    return [(tax.name, str(tax.percent)) for tax in find(open_api(ledger), InvoiceTax("HST", Decimal(13)))]


@pytest.mark.parametrize("policy", ["match", "create"])
def test_another_rate_names_both_and_writes_nothing(make_town: MakeTown, policy: str) -> None:
    town = make_town(tax_rates=policy)
    know(town, "HST", "12.5")
    order = town.order()
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "tax_rate_differs")
    assert '"HST" at 13 %' in job.reason
    assert "12.5 %" in job.reason
    assert town.ledger()["invoices"] == []


def test_a_missing_tax_is_asked_for_or_created_once(make_town: MakeTown) -> None:
    town = make_town(tax_rates="match")
    order = town.order()
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, "no tax of that name" in job.reason) == ("attention", True)
    town.orders.options = {"tax_rates": "create"}
    town.orders.save()
    assert town.book(order).state == "done"
    assert town.book(town.order()).state == "done"
    assert taxes(town) == [("HST", "13")]
    assert [invoice["amount"] for invoice in town.ledger()["invoices"]] == ["20.23", "20.23"]


def test_the_same_rate_is_used_as_it_stands(make_town: MakeTown) -> None:
    town = make_town(tax_rates="match")
    know(town, "HST", "12.5")
    know(town, "HST", "13")
    job = town.book(town.order())
    assert job.state == "done", job.reason
    assert sorted(taxes(town)) == [("HST", "12.5"), ("HST", "13")]
    assert SyncRecord.objects.get(flow=town.orders).outcome == "done"


def test_by_default_the_shop_s_rates_count_and_taxes_are_not_looked_at(town: Town) -> None:
    know(town, "HST", "12.5")
    town.ask(town.books, "forget")
    assert town.book(town.order()).state == "done"
    assert not [name for name in town.calls(town.books) if "taxes" in name]


def test_a_currency_that_the_books_do_not_take_needs_a_person(make_town: MakeTown) -> None:
    town = make_town(currencies="USD, EUR")
    order = town.order()
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "currency_not_taken")
    assert "is in CAD, but the books take USD, EUR only" in job.reason
    town.orders.options = {"currencies": "cad,usd"}
    town.orders.save()
    assert town.book(order, force=True).state == "done"
