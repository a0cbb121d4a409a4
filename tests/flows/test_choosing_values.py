"""Taxes, ways to pay and charges are mapped by choosing among what the books offer; what waited goes on, what did not is shown too."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client

from audit.models import AuditRecord
from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceTax
from connectors.registry import get_connector
from credentials.services import open_api
from flows.mapping.values import UnmappedValue
from flows.models import SyncJob, ValueMapping
from flows.suggesting import Target, suggest_values
from tests.flows.conftest import Town
from tests.flows.test_choosing_items import people, people_of_another

UNMAPPED = "/admin/flows/valuemapping/unmapped/"
CHOOSE = "/admin/flows/valuemapping/choose/"
TAX = "CA-ON-HST-1"


@pytest.fixture(autouse=True)
def no_old_lists() -> None:
    cache.clear()


@pytest.fixture
def waiting(make_town: Callable[..., Town]) -> Town:
    """A flow that asks for unmapped taxes, with one order that waits, and two taxes in the books."""
    town = make_town(tax_unmapped="attention")
    for name, percent in (("Ontario HST", "13"), ("Luxury", "25")):
        writes = get_connector("freshbooks").writes[ObjectType.TAX]
        writes.create(open_api(town.orders.destination), InvoiceTax(name, Decimal(percent)))
    assert town.book(town.order()).subject == f"tax:{TAX}"
    return town


def rows(client: Client, **asked: object) -> dict[str, UnmappedValue]:
    return {f"{row.seen.kind}:{row.seen.source}": row for row in client.get(UNMAPPED, asked).context["found"].rows}


def test_reasons_for_values() -> None:
    targets = [Target("Credit Card"), Target("Cash"), Target("Bank Transfer"), Target("GST 5", "GST 5 (5 %)", Decimal(5)), Target("Other")]
    reasons = lambda *names, **more: [(one.target.name, one.confidence, one.reason) for one in suggest_values(targets, names, **more)]  # noqa: E731
    assert reasons("cash") == [("Cash", 100, "the same name")]
    assert reasons("bacs") == [("Bank Transfer", 80, "usual for this way to pay")]
    assert reasons("xyz", rate=Decimal("5.000")) == [("GST 5", 85, "the same rate, 5 %")]
    assert reasons("xyz", chosen={"Other": "Web shop"}) == [("Other", 95, "chosen for this in Web shop")]
    assert reasons("zzz") == []


def test_a_tax_that_orders_wait_for_is_chosen_and_they_go_on(waiting: Town) -> None:
    client = people(waiting)
    row = rows(client)[f"tax:{TAX}"]
    assert row.cause is not None
    assert (row.cause.records, row.cause.amounts, row.seen.rate) == (1, ("20.23 CAD",), Decimal(13))
    assert row.best is not None
    assert (row.best.target.name, row.best.reason) == ("Ontario HST", "the same rate, 13 %")
    done = client.post(UNMAPPED, {"flow": waiting.orders.pk, "only": f"tax:{TAX}", f"target:tax:{TAX}": "Ontario HST"}, follow=True)
    assert "1 waiting job(s) go on with it now." in done.content.decode()
    assert AuditRecord.objects.get(action="add value mapping").actor == "bookkeeper"
    waiting.work()
    (invoice,) = waiting.ledger()["invoices"]
    assert invoice["lines"][0]["taxName1"] == "Ontario HST"


def test_what_records_carry_is_listed_though_nothing_waits_and_accepted_in_bulk(waiting: Town) -> None:
    client = people(waiting)
    assert list(rows(client)) == [f"tax:{TAX}"]
    found = rows(client, look="1")
    gateway = found["gateway:stripe"]
    assert (gateway.cause, gateway.now, gateway.seen.records) == (None, "Other", 1)
    assert gateway.best is not None
    assert gateway.best.target.name == "Credit Card"
    accepted = {"accept": [f"tax:{TAX}", "gateway:stripe"], f"target:tax:{TAX}": "Luxury", "target:gateway:stripe": "Credit Card"}
    client.post(UNMAPPED, {"flow": waiting.orders.pk, **accepted})
    mapped = set(ValueMapping.objects.values_list("kind", "source", "target"))
    assert mapped == {("tax", TAX, "Luxury"), ("gateway", "stripe", "Credit Card")}
    assert set(rows(client, look="1")) & {f"tax:{TAX}", "gateway:stripe"} == set()


def test_a_value_that_is_too_long_for_a_mapping_is_refused_and_never_cut(waiting: Town) -> None:
    client, source = people(waiting), "HST " + "x" * 120
    asked = {"flow": waiting.orders.pk, "kind": "tax", "source": source}
    page = client.get(CHOOSE, asked)
    said = f"Tax {source[:30]}... is longer than the 120 letters that a mapping takes. Give it a shorter one in the shop, then retry."
    assert (page.context["source"], page.context["problem"], page.context["typed"]) == (source, said, "")
    assert said in client.post(CHOOSE, {**asked, "target": "Luxury"}, follow=True).content.decode()
    client.post(UNMAPPED, {"flow": waiting.orders.pk, "only": f"tax:{source}", f"target:tax:{source}": "Luxury"})
    assert not ValueMapping.objects.exists()


def test_one_value_is_chosen_from_all_that_the_books_offer(waiting: Town) -> None:
    client = people(waiting)
    asked = {"flow": waiting.orders.pk, "kind": "tax", "source": TAX}
    page = client.get(CHOOSE, {**asked, "q": "lux"})
    assert [target.name for target in page.context["targets"]] == ["Luxury"]
    assert page.context["suggestions"][0].target.name == "Ontario HST"
    client.post(CHOOSE, {**asked, "target": "Luxury"})
    assert ValueMapping.objects.get().target == "Luxury"


def test_a_charge_may_be_any_item_and_a_payment_only_what_the_books_know(waiting: Town) -> None:
    client, flow = people(waiting), waiting.orders
    items = get_connector("freshbooks").writes[ObjectType.PRODUCT]
    items.create(open_api(flow.destination), Product("", "", "Freight"))
    page = client.get(CHOOSE, {"flow": flow.pk, "kind": "account", "source": "Courier"})
    assert [target.name for target in page.context["targets"]] == ["Freight"]
    refused = client.post(CHOOSE, {"flow": flow.pk, "kind": "gateway", "source": "stripe", "target": "Bitcoin"}, follow=True)
    assert "does not know &quot;Bitcoin&quot;" in refused.content.decode()
    assert not ValueMapping.objects.exists()


def test_others_can_neither_look_nor_map_values(waiting: Town) -> None:
    asked = {"flow": waiting.orders.pk, "kind": "tax", "source": TAX, "target": "Luxury"}
    support, other = people(waiting, "support"), people_of_another(waiting)
    assert support.get(UNMAPPED).status_code == support.post(CHOOSE, asked).status_code == 403
    assert other.get(UNMAPPED, {"flow": waiting.orders.pk}).context["found"] is None
    assert other.get(CHOOSE, asked).status_code == 404
    assert other.post(CHOOSE, asked).status_code == 404
    assert other.post(UNMAPPED, {"flow": waiting.orders.pk, "only": f"tax:{TAX}", f"target:tax:{TAX}": "Luxury"}).status_code == 404
    assert not ValueMapping.objects.exists()
    assert not SyncJob.objects.filter(state="waiting").exists()


def test_books_that_do_not_answer_are_told_and_typing_is_left(waiting: Town) -> None:
    waiting.books.stop()
    page = people(waiting).get(UNMAPPED)
    assert page.status_code == 200
    assert page.context["found"].problems
    assert people(waiting, "owner").get(CHOOSE, {"flow": waiting.orders.pk, "kind": "tax", "source": TAX}).context["problem"]
