"""A bookkeeper writes a field rule, sees on a real order what it would do, saves it, and brings an old version back."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from audit.models import AuditRecord
from flows.models import FieldMapping, FieldMappingVersion, SyncJob
from tests.flows.bookkeeper import _send
from tests.flows.conftest import Town
from tests.flows.test_choosing_items import people, people_of_another

TRY, ADD, VERSIONS = (reverse(f"admin:flows_fieldmapping_{name}") for name in ("try", "add", "versions"))


@pytest.fixture(autouse=True)
def no_old_lists() -> None:
    cache.clear()


@pytest.fixture
def booked(town: Town) -> tuple[Town, dict[str, Any]]:
    """An order with a note, in the books."""
    order = town.order(customer_note="Ring twice")
    assert town.book(order).state == "done"
    return town, order


def tried(client: Client, town: Town, **asked: Any) -> Any:
    answer = client.get(TRY, {"flow": town.orders.pk, "target": "invoice.notes", "expression": "note", **asked})
    assert answer.status_code == 200
    return answer.context["tried"]


def test_a_rule_is_tried_on_a_real_order_and_nothing_is_written(booked: tuple[Town, dict[str, Any]]) -> None:
    town, order = booked
    client = people(town)
    rows = SyncJob.objects.count(), AuditRecord.objects.count()
    with town.untouched(town.shop, town.books):
        found = tried(client, town, transform="upper")
        assert (found.record, found.found, found.answer, found.becomes) == (order["number"], "Ring twice", "RING TWICE", "RING TWICE")
        assert found.there.endswith(f"order {order['number']}")
        kept = tried(client, town, mode="new", record=order["number"])
        assert (kept.becomes, kept.stays) == (found.there, True)
        default = tried(client, town, expression="url.missing", default="none")
        assert (default.found, default.answer) == ("", "none")
        client_phone = tried(client, town, target="client.company", expression="customer.family_name", mode="empty")
        assert (client_phone.there, client_phone.becomes) == ("", "Vahl")
        assert 'no field "custmer"' in tried(client, town, expression="custmer").problem
        assert tried(client, town, record="99999").problem
    assert (SyncJob.objects.count(), AuditRecord.objects.count()) == rows
    assert not FieldMapping.objects.exists()


def test_a_note_that_is_the_bookkeepers_stays_when_the_order_changes(booked: tuple[Town, dict[str, Any]]) -> None:
    town, _ = booked
    client = people(town)
    posted = {"flow": town.orders.pk, "target": "invoice.notes", "source": "note", "transform": "upper", "mode": "new"}
    assert client.post(ADD, posted).status_code == 302
    second = town.order(customer_note="Leave it at the door")
    town.book(second)
    assert town.invoice(second)["notes"] == "LEAVE IT AT THE DOOR"
    invoice = town.invoice(second)
    _send(town, "PUT", f"invoices/invoices/{invoice['id']}", "invoice", {"notes": "Agreed by phone"})
    town.change(second, customer_note="Ring once")
    assert town.book(second, force=True).state == "done"
    town.refund(second, amount="5.00")
    assert town.book(second, force=True).state in ("done", "attention")
    assert town.invoice(second)["notes"] == "Agreed by phone"


def test_a_field_is_chosen_from_the_catalogue_or_written_as_an_expression(booked: tuple[Town, dict[str, Any]]) -> None:
    town, _ = booked
    client = people(town)
    form = client.get(ADD, {"flow": town.orders.pk}).context["adminform"].form
    assert [name for name, _ in form.fields["target"].choices if name.startswith("item")] == []
    assert ("customer.billing.city", "city (customer.billing.city)") in dict(form.fields["source"].choices)["customer, billing"]
    posted = {"flow": town.orders.pk, "target": "client.company", "source": "customer.family_name", "expression": "", "mode": "empty"}
    assert client.post(ADD, posted).status_code == 302
    row = FieldMapping.objects.get()
    assert (row.expression, row.mode) == ("customer.family_name", "empty")
    change = reverse("admin:flows_fieldmapping_change", args=[row.pk])
    shown = client.get(change).context["adminform"].form
    assert (shown.initial["source"], shown.initial["expression"]) == ("customer.family_name", "")
    client.post(change, {"source": "", "expression": "join(' ', [number, status])", "mode": "overwrite"})
    row.refresh_from_db()
    assert row.expression == "join(' ', [number, status])"
    neither = client.post(change, {"source": "", "expression": " ", "mode": "new"})
    assert "Choose a field above, or write an expression." in neither.content.decode()


def test_versions_are_shown_and_an_old_one_comes_back(booked: tuple[Town, dict[str, Any]]) -> None:
    town, _ = booked
    client = people(town)
    client.post(ADD, {"flow": town.orders.pk, "target": "invoice.notes", "expression": "note"})
    row = FieldMapping.objects.get()
    change = reverse("admin:flows_fieldmapping_change", args=[row.pk])
    client.post(change, {"expression": "number", "default": "x", "mode": "new"})
    versions = client.get(change).context["versions"]
    assert [(one.number, one.expression, one.by) for one in versions] == [(2, "number", "bookkeeper"), (1, "note", "bookkeeper")]
    client.post(reverse("admin:flows_fieldmapping_delete", args=[row.pk]), {"post": "yes"})
    assert not FieldMapping.objects.exists()
    page = client.get(VERSIONS)
    assert [one.what for one in page.context["versions"]] == ["deleted", "changed", "made"]
    first = FieldMappingVersion.objects.get(number=1)
    restore = reverse("admin:flows_fieldmapping_restore", args=[first.pk])
    assert client.get(restore).status_code == 405
    told = client.post(restore, follow=True).content.decode()
    assert "Version 1 of invoice.notes counts again." in told
    assert FieldMapping.objects.get().expression == "note"
    assert AuditRecord.objects.filter(action="change field mapping", actor="bookkeeper").exists()


def test_others_can_neither_try_nor_see_nor_restore(booked: tuple[Town, dict[str, Any]]) -> None:
    town, order = booked
    people(town).post(ADD, {"flow": town.orders.pk, "target": "invoice.notes", "expression": "note"})
    FieldMapping.objects.get().delete()
    version = FieldMappingVersion.objects.get()
    restore = reverse("admin:flows_fieldmapping_restore", args=[version.pk])
    stranger, support = people_of_another(town), people(town, "support")
    asked = {"flow": town.orders.pk, "target": "invoice.notes", "expression": "note", "record": order["number"]}
    assert (stranger.get(TRY, asked).status_code, support.get(TRY, asked).status_code) == (404, 403)
    assert stranger.post(restore).status_code == 404
    assert support.post(restore).status_code == 403
    assert list(stranger.get(VERSIONS).context["versions"]) == []
    page = support.get(VERSIONS).content.decode()
    assert "invoice.notes" in page
    assert "Restore" not in page
    assert not FieldMapping.objects.exists()
    assert FieldMappingVersion.objects.count() == 1
