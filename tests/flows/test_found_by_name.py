"""Orders are found by the e-mail, the SKU and the payment that they came with; erasing a person erases that, too."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from flows.finding import find_everywhere
from flows.known_by import digest_of
from flows.models import BulkItem, BulkRun, PrivacyCase, RecordName, SyncRecord
from flows.privacy.cases import carry_out
from tests.flows.conftest import Town


def found(town: Town, text: str) -> set[str]:
    return {record.source_id for record in find_everywhere([town.orders], text).records}


def test_all_orders_of_a_client_by_the_address_and_all_with_a_sku(town: Town) -> None:
    first, second = town.order(), town.order(transaction_id="txn_2")
    other = town.order(billing={"first_name": "Ada", "email": "ada@shop.example", "country": "CA"}, transaction_id="txn_3")
    for order in (first, second, other):
        town.book(order)
    mine = {str(first["id"]), str(second["id"])}
    assert found(town, " Iris@Vahl.example ") == mine
    assert found(town, "ada@shop.example") == {str(other["id"])}
    assert found(town, "tea-eg-100") == mine | {str(other["id"])}
    assert found(town, "txn_2") == {str(second["id"])}
    assert found(town, "nobody@vahl.example") == set()
    assert find_everywhere([town.payments], "iris@vahl.example").records == ()


def test_no_name_can_be_read_from_what_is_kept(town: Town) -> None:
    town.book(town.order())
    digests = set(RecordName.objects.values_list("digest", flat=True))
    assert digest_of("iris@vahl.example") in digests
    assert all(len(digest) == 32 and set(digest) <= set("0123456789abcdef") for digest in digests)


def test_a_repeated_run_adds_nothing(town: Town) -> None:
    order = town.order()
    town.book(order)
    before = sorted(RecordName.objects.values_list("pk", flat=True))
    town.book(order, force=True)
    assert sorted(RecordName.objects.values_list("pk", flat=True)) == before


@pytest.mark.parametrize("named", ["email", "object"])
def test_an_erased_person_is_found_no_more(town: Town, named: str) -> None:
    order, other = town.order(), town.order(billing={"first_name": "Ada", "email": "ada@shop.example", "country": "CA"})
    town.book(order)
    town.book(other)
    emails, objects = (["Iris@Vahl.example"], []) if named == "email" else ([], [["order", str(order["id"])]])
    wanted = json.dumps({"emails": emails, "telephones": [], "objects": objects})
    case = PrivacyCase.objects.create(connection=town.orders.source, kind="redact_person", wanted=wanted, received_at=timezone.now())
    carry_out(case, actor="worker")
    assert found(town, "iris@vahl.example") == set()
    assert found(town, "ada@shop.example") == {str(other["id"])}
    assert SyncRecord.objects.filter(source_id=order["id"]).exists()


def test_what_a_time_travel_showed_and_why_somebody_skipped_it_are_erased_too(town: Town) -> None:
    order = town.order()
    town.book(order)
    record = SyncRecord.objects.get(source_id=order["id"])
    SyncRecord.objects.filter(pk=record.pk).update(hold="skip", hold_by="bo", hold_reason="iris@vahl.example asked for it.")
    run = BulkRun.objects.create(organization=town.orders.organization, kind="look", asked_by="bo", total=2)
    same = {"run": run, "flow": town.orders, "object_type": "order", "state": "differs"}
    hers = BulkItem.objects.create(
        **same, source_id="991", changes=[{"title": "Update client", "rows": [["E-mail", "-", "iris@vahl.example"]]}]
    )
    other = BulkItem.objects.create(**same, source_id="992", changes=[{"title": "Update invoice", "rows": []}])
    wanted = json.dumps({"emails": ["iris@vahl.example"], "telephones": [], "objects": []})
    case = PrivacyCase.objects.create(connection=town.orders.source, kind="redact_person", wanted=wanted, received_at=timezone.now())
    carry_out(case, actor="worker")
    hers.refresh_from_db()
    other.refresh_from_db()
    record.refresh_from_db()
    assert (hers.changes, record.hold, "iris" in record.hold_reason) == ([], "skip", False)
    assert other.changes == [{"title": "Update invoice", "rows": []}]


def test_erasing_a_connection_erases_all_names(town: Town) -> None:
    town.book(town.order())
    town.orders.source.status = "revoked"
    case = PrivacyCase.objects.create(connection=town.orders.source, kind="redact_account", received_at=timezone.now())
    carry_out(case, actor="worker", decided=True)
    assert not RecordName.objects.exists()
