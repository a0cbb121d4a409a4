"""A bookkeeper maps a SKU by choosing among the books' items: suggestions say why, and the waiting orders go on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.registry import get_connector
from credentials.services import open_api
from flows.models import Flow, ItemMapping, SyncJob
from flows.suggesting import matching, suggest
from tests import factories as make
from tests.flows.conftest import Town

UNMAPPED = "/admin/flows/itemmapping/unmapped/"
CHOOSE = "/admin/flows/itemmapping/choose/"


@pytest.fixture(autouse=True)
def no_old_lists() -> None:
    cache.clear()


@pytest.fixture
def waiting(make_town: Callable[..., Town]) -> Town:
    """A flow that takes mapped items only, with an order that waits for the mapping of its tea."""
    town = make_town(unknown_sku="attention")
    assert town.book(town.order()).state == "attention"
    return town


def people(town: Town, role: str = "bookkeeper") -> Client:
    client = Client()
    client.force_login(make.person(role, town.orders.organization, roles=(role,)))
    return client


def stock(town: Town, name: str, sku: str = "") -> str:
    """An item that the bookkeeper has in the books already."""
    writes = get_connector("freshbooks").writes[ObjectType.PRODUCT]
    return str(writes.create(open_api(town.orders.destination), Product("", sku, name)).id)


def test_the_best_reason_comes_first_and_what_is_unlike_is_left_out() -> None:
    items = [
        Product("1", "TEA-EG-100", "Tea"), Product("2", "", "Earl Grey, 100 g"), Product("3", "", "Earl Grey 100 g"),
        Product("4", "TEA-EG-10", "Sample"), Product("5", "SAW", "Band saw"), Product("6", "", "House blend"),
    ]  # fmt: skip
    found = suggest(items, "tea-eg-100", "Earl Grey, 100 g", {"6": "Web shop"})
    assert [(one.item.id, one.reason) for one in found] == [
        ("1", "the same SKU"), ("6", "chosen for this SKU in Web shop"), ("2", "the same name"),
        ("3", "a similar name"), ("4", "a similar SKU"),
    ]  # fmt: skip
    assert found[0].confidence == 100
    assert all(one.confidence < 100 for one in found[1:])


def test_items_are_searched_by_all_words_of_name_sku_or_number() -> None:
    items = [Product("71", "TEA-EG", "Earl Grey"), Product("72", "TEA-GR", "Green tea")]
    assert [item.id for item in matching(items, "tea gr")] == ["71", "72"]
    assert [item.id for item in matching(items, "green TEA")] == ["72"]
    assert [item.id for item in matching(items, "72")] == ["72"]
    assert matching(items, "coffee") == []


def test_choosing_an_item_lets_the_waiting_order_go_on(waiting: Town) -> None:
    town, client = waiting, people(waiting)
    stock(town, "Oolong")
    item = stock(town, "Earl Grey tea, 100 g")
    page = client.get(CHOOSE, {"flow": town.orders.pk, "sku": "TEA-EG-100"})
    assert [one.item.name for one in page.context["suggestions"]] == ["Earl Grey tea, 100 g"]
    found = client.get(CHOOSE, {"flow": town.orders.pk, "sku": "TEA-EG-100", "q": "oolong"}).context["items"]
    assert [product.name for product in found] == ["Oolong"]
    done = client.post(CHOOSE, {"flow": town.orders.pk, "sku": "TEA-EG-100", "item": item}, follow=True).content.decode()
    assert "TEA-EG-100 is Earl Grey tea, 100 g from now on." in done
    assert "1 waiting job(s) go on with it now." in done
    town.work()
    assert {job.state for job in SyncJob.objects.filter(flow=town.orders)} <= {"done", "superseded"}
    (invoice,) = town.ledger()["invoices"]
    assert invoice["lines"][0]["name"] == "Earl Grey tea, 100 g"


def test_a_sku_that_is_too_long_for_a_mapping_is_refused_and_never_cut(waiting: Town) -> None:
    town, client, sku = waiting, people(waiting), "TEA-" + "X" * 120
    item = stock(town, "Earl Grey tea, 100 g")
    page = client.get(CHOOSE, {"flow": town.orders.pk, "sku": sku})
    said = f"SKU {sku[:30]}... is longer than the 120 letters that a mapping takes. Give it a shorter one in the shop, then retry."
    assert (page.context["sku"], page.context["problem"], page.context["typed"]) == (sku, said, "")
    assert said in client.post(CHOOSE, {"flow": town.orders.pk, "sku": sku, "item": item}, follow=True).content.decode()
    client.post(UNMAPPED, {"accept": [f"{town.orders.pk}:{item}:{sku}"]})
    assert not ItemMapping.objects.exists()


def test_several_suggestions_are_accepted_at_once(waiting: Town) -> None:
    town, client = waiting, people(waiting)
    assert town.book(town.order(line_items=[{"sku": "CUP-PAIR", "quantity": 1}])).state == "attention"
    tea, cup = stock(town, "Anything", "TEA-EG-100"), stock(town, "Anything else", "CUP-PAIR")
    rows = client.get(UNMAPPED).context["rows"]
    assert {(row.sku, row.best.item.id, row.best.reason) for row in rows} == {
        ("TEA-EG-100", tea, "the same SKU"), ("CUP-PAIR", cup, "the same SKU"),
    }  # fmt: skip
    accepted = [f"{town.orders.pk}:{tea}:TEA-EG-100", f"{town.orders.pk}:{cup}:CUP-PAIR"]
    client.post(UNMAPPED, {"accept": accepted})
    assert set(ItemMapping.objects.values_list("sku", "item_id")) == {("TEA-EG-100", tea), ("CUP-PAIR", cup)}
    town.work()
    assert len(town.ledger()["invoices"]) == 2


def test_what_the_books_do_not_list_is_not_mapped(waiting: Town) -> None:
    client = people(waiting)
    done = client.post(CHOOSE, {"flow": waiting.orders.pk, "sku": "TEA-EG-100", "item": "999999"}, follow=True).content.decode()
    assert "The books do not list that item." in done
    assert not ItemMapping.objects.exists()


def test_books_that_do_not_answer_leave_typing(waiting: Town) -> None:
    waiting.books.stop()
    page = people(waiting).get(CHOOSE, {"flow": waiting.orders.pk, "sku": "TEA-EG-100"})
    assert page.status_code == 200
    assert page.context["problem"]
    assert "Type the item&#x27;s id instead" in page.content.decode() or "Type the item's id instead" in page.content.decode()


def test_others_can_neither_look_nor_map(waiting: Town) -> None:
    asked = {"flow": waiting.orders.pk, "sku": "TEA-EG-100", "item": stock(waiting, "Tea")}
    assert people(waiting, "support").get(UNMAPPED).status_code == 403
    assert people_of_another(waiting).get(CHOOSE, asked).status_code == 404
    assert people_of_another(waiting).post(CHOOSE, asked).status_code == 404
    other = people_of_another(waiting)
    assert other.post(UNMAPPED, {"accept": [f"{waiting.orders.pk}:{asked['item']}:TEA-EG-100", "x", "1:2"]}).status_code == 302
    assert not ItemMapping.objects.exists()
    assert Flow.objects.filter(pk=waiting.orders.pk).exists()


def people_of_another(town: Town) -> Client:
    client = Client()
    other = make.OrganizationFactory()
    client.force_login(make.person(f"of {other.slug}", other, roles=("bookkeeper", "owner")))
    return client
