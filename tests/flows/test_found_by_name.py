"""Orders are found by the e-mail, the SKU and the payment that they came with; erasing a person erases that, too."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from audit.models import AuditRecord
from audit.services import seal
from flows.bulk.starting import start
from flows.finding import find_everywhere
from flows.known_by import digest_of
from flows.models import BulkItem, BulkRun, Comparison, Difference, PrivacyCase, RecordName, SyncRecord
from flows.privacy.cases import carry_out
from tests import factories as make
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


def test_what_comparisons_found_and_what_people_searched_for_are_erased_too(town: Town) -> None:
    order = town.order()
    town.book(order)
    now, flow = timezone.now(), town.orders
    comparison = Comparison.objects.create(flow=flow, since=now, until=now, asked_by="bo", created_at=now)
    of_order = comparison.differences.create(kinds="amount", source_id=order["id"], number="1", sentence="Update client Iris Vahl")
    named = comparison.differences.create(kinds="attention", source_id="7", sentence="Two clients have the address IRIS@vahl.example.")
    other = comparison.differences.create(kinds="amount", source_id="8", sentence="Update client Tom Ruiz")
    searched = [f"all 1 that match the search {term}" for term in ("iris@vahl.example", "1")]
    hers, all_rows = (start(BulkRun.Kind.REPLAY, SyncRecord.objects.all(), about, "bo")[0] for about in searched)
    seal()
    wanted = json.dumps({"emails": ["Iris@Vahl.example"], "telephones": [], "objects": [["order", str(order["id"])]]})
    case = PrivacyCase.objects.create(connection=flow.source, kind="redact_person", wanted=wanted, received_at=now)
    carry_out(case, actor="worker")
    for row in (of_order, named, other, hers, all_rows):
        row.refresh_from_db()
    assert [row.sentence for row in (of_order, named, other)] == ["Redacted on request.", "Redacted on request.", "Update client Tom Ruiz"]
    assert (of_order.number, hers.about, all_rows.about) == ("1", "Redacted on request.", "all 1 that match the search 1")
    told = AuditRecord.objects.filter(action="start replay of many").order_by("id").values_list("message", flat=True)
    assert list(told) == ["Redacted on request.", "1 records: all 1 that match the search 1"]


def test_erasing_a_connection_erases_its_comparisons_and_runs(town: Town) -> None:
    town.book(town.order())
    now = timezone.now()
    customers = make.FlowFactory(
        organization=town.orders.organization, source=town.orders.source, destination=town.orders.destination, recipe="customer_to_client"
    )
    for flow in (town.orders, customers):
        comparison = Comparison.objects.create(flow=flow, since=now, until=now, asked_by="bo", created_at=now)
        comparison.differences.create(kinds="missing", source_id="1", number="Iris Vahl", sentence="Find or create client Iris Vahl")
    start(BulkRun.Kind.REPLAY, SyncRecord.objects.all(), "all 1 that match the search iris", "bo")
    case = PrivacyCase.objects.create(connection=town.orders.source, kind="redact_account", received_at=now)
    carry_out(case, actor="worker", decided=True)
    assert list(Difference.objects.order_by("pk").values_list("number", "sentence")) == [
        ("Iris Vahl", "Redacted on request."),  # of an order it is the order's number
        ("", "Redacted on request."),
    ]
    assert list(BulkRun.objects.values_list("about", flat=True)) == ["Redacted on request."]
    assert not AuditRecord.objects.filter(message__contains="search iris").exists()


def test_erasing_a_connection_erases_all_names(town: Town) -> None:
    town.book(town.order())
    town.orders.source.status = "revoked"
    case = PrivacyCase.objects.create(connection=town.orders.source, kind="redact_account", received_at=timezone.now())
    carry_out(case, actor="worker", decided=True)
    assert not RecordName.objects.exists()
