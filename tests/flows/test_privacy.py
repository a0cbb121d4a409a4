"""Privacy requests: a person's data goes from everything that we keep, the chain still holds, and the books go on exactly as before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from audit.models import Alert, AuditRecord
from audit.services import seal, verify
from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Delivery, Event, PrivacyRequest
from connectors.registry import all_connectors
from credentials.models import Connection
from flows.inbox import receive
from flows.models import ExternalLink, Flow, InboundEvent, PrivacyCase, SyncJob, SyncRecord
from flows.privacy.cases import carry_out, carry_out_waiting, forget_old_exports, open_case
from flows.sweep import sweep
from tests import factories as make
from tests.admin.console_world import address
from tests.flows.conftest import Town
from tests.flows.inbox_caller import from_shop, post

IRIS, TOM = "iris@vahl.example", "tom@ruiz.example"


def all_we_keep() -> str:
    """Every row of every table of ours as text; what is encrypted as it can be read."""
    found = []
    for model in apps.get_models():
        if model._meta.app_label in ("flows", "audit", "credentials"):
            for row in model._default_manager.values():
                found.append(str([bytes(value) if isinstance(value, memoryview) else value for value in row.values()]))
    return "\n".join(found).lower().replace("%40", "@")


def order_of(town: Town, email: str, given: str, family: str) -> dict[str, Any]:
    person = {"first_name": given, "last_name": family, "email": email, "address_1": "9 Mill Lane", "city": "Hamilton", "state": "ON",
              "postcode": "L8P 1A1", "country": "CA"}  # fmt: skip
    order = town.order(billing=person)
    make.EventFactory(connection=town.orders.source, source_id=str(order["id"]), body=json.dumps(town.raw(order), default=str).encode())
    assert town.book(order).state == "done"
    return order


def asked(connection: Connection, request: PrivacyRequest) -> PrivacyCase:
    event = make.EventFactory(connection=connection, topic="privacy", source_id="", notices=[], body=str(request).encode(), state="ignored")
    return open_case(connection, request, event.dedupe_key, timezone.now())


def redaction(email: str = IRIS, *orders: dict[str, Any]) -> PrivacyRequest:
    objects = tuple((ObjectType.ORDER, str(order["id"])) for order in orders)
    return PrivacyRequest("redact_person", (email,), objects=objects, reference="RQ-1")


def test_a_person_is_gone_and_the_rest_stands(town: Town) -> None:
    iris, tom = order_of(town, IRIS, "Iris", "Vahl"), order_of(town, TOM, "Tom", "Ruiz")
    seal()
    head = verify().head
    before = all_we_keep()
    assert all(name in before for name in (IRIS, "iris", "vahl", TOM, "ruiz"))
    case = asked(town.orders.source, redaction(IRIS, iris))
    assert carry_out_waiting() == 1
    after = all_we_keep()
    assert [name for name in (IRIS, "iris", "vahl") if name in after] == []
    assert TOM in after
    assert "ruiz" in after
    case.refresh_from_db()
    assert (case.state, str(case.wanted), str(case.export)) == ("done", "", "")
    assert case.summary.startswith("Redacted: 2 events, ")
    assert case.summary.endswith("Invoices and clients in the books stay.")
    seal()
    found = verify(head=head)
    assert (found.ok, found.redacted > 3) == (True, True)
    record = SyncRecord.objects.get(source_id=str(iris["id"]))
    assert (record.exact, record.invoiced, record.paid, record.outcome) == (True, record.total, record.captured, "done")
    proofs = [r.evidence["redacted"].get("tie_out") for r in AuditRecord.objects.filter(action="sync order", source_id=str(iris["id"]))]
    assert [(proof["invoiced"], proof["paid"], proof["exact"]) for proof in proofs] == [("20.23 CAD", "20.23 CAD", "True")]
    untouched = AuditRecord.objects.filter(action="sync order", source_id=str(tom["id"])).get()
    assert "calls" in untouched.evidence
    with town.untouched(town.shop, town.books):
        assert carry_out_waiting() == 0
    assert sorted(invoice["amount"] for invoice in town.ledger()["invoices"]) == ["20.23", "20.23"]


def test_afterwards_the_order_can_be_synced_again_and_nothing_is_doubled(town: Town) -> None:
    iris = order_of(town, IRIS, "Iris", "Vahl")
    seal()
    asked(town.orders.source, redaction(IRIS, iris))
    carry_out_waiting()
    assert not ExternalLink.objects.filter(key__contains="@").exists()
    job = town.book(iris, force=True)
    assert job.state in ("done", "nothing"), job.reason
    books = town.ledger()
    assert (len(books["clients"]), len(books["invoices"]), len(town.invoice(iris)["payments"])) == (1, 1, 1)
    again = order_of(town, IRIS, "Iris", "Vahl")
    assert again["id"] != iris["id"]
    assert len(town.ledger()["clients"]) == 1


def test_another_connection_s_data_of_the_same_person_stays(town: Town) -> None:
    iris = order_of(town, IRIS, "Iris", "Vahl")
    other = make.FlowFactory()
    event = make.EventFactory(connection=other.source, body=f'{{"email": "{IRIS}"}}'.encode())
    theirs = make.audit_record(other.organization, flow_id=other.pk, message=f"client of {IRIS}")
    seal()
    asked(town.orders.source, redaction(IRIS, iris))
    carry_out_waiting()
    event.refresh_from_db()
    theirs.refresh_from_db()
    assert IRIS.encode() in bytes(event.body)
    assert IRIS in theirs.message


def test_a_request_that_names_nobody_redacts_nothing(town: Town) -> None:
    order_of(town, IRIS, "Iris", "Vahl")
    seal()
    case = asked(town.orders.source, PrivacyRequest("redact_person", emails=("",), telephones=("1",)))
    carry_out_waiting()
    case.refresh_from_db()
    assert (case.state, IRIS in all_we_keep(), verify().redacted) == ("done", True, 0)


def test_reasons_alerts_and_waiting_jobs(town: Town) -> None:
    flow = town.orders
    said = f"Two clients have the address {IRIS}. Choose one."
    job = make.JobFactory(flow=flow, source_id="99", state="attention", reason=said, subject=f"client:{IRIS}")
    waiting = make.JobFactory(flow=flow, source_id="98", state="waiting", reason="")
    alert = make.AlertFactory(organization_id=flow.organization_id, cause=f"{flow.pk}:several:", message=f"orders, order 99: {said}")
    other = make.AlertFactory(organization_id=flow.organization_id, cause=f"{flow.pk}:other:", message="orders, order 12: unmapped")
    asked(flow.source, redaction(IRIS))
    carry_out_waiting()
    for row in (job, waiting, alert, other):
        row.refresh_from_db()
    assert (job.state, job.reason, job.subject) == ("attention", "Redacted on request.", "")
    assert (waiting.state, waiting.reason) == ("waiting", "")
    assert (alert.message, other.message) == ("Redacted on request.", "orders, order 12: unmapped")


def test_a_link_in_doubt_keeps_its_key(town: Town) -> None:
    link = make.LinkFactory(flow=town.orders, key=f"email:{IRIS}", object_type="customer", state="intended")
    asked(town.orders.source, redaction(IRIS))
    carry_out_waiting()
    link.refresh_from_db()
    assert link.key == f"email:{IRIS}"


# ---- all of a connection -----------------------------------------------------------------------------------


def test_all_of_a_connection_that_was_ended_is_redacted(town: Town) -> None:
    shop = town.orders.source
    orders = [order_of(town, IRIS, "Iris", "Vahl"), order_of(town, TOM, "Tom", "Ruiz")]
    seal()
    Connection.objects.filter(pk=shop.pk).update(status="ended")
    case = asked(shop, PrivacyRequest("redact_account", reference="shop"))
    carry_out_waiting()
    case.refresh_from_db()
    after = all_we_keep()
    assert (case.state, [name for name in (IRIS, "iris", "vahl", TOM, "ruiz") if name in after]) == ("done", [])
    seal()
    assert verify().ok
    assert set(SyncRecord.objects.values_list("source_id", "exact")) >= {(str(order["id"]), True) for order in orders}


def test_a_connection_that_is_in_use_again_is_left_to_a_person(town: Town) -> None:
    shop = town.orders.source
    order_of(town, IRIS, "Iris", "Vahl")
    seal()
    case = asked(shop, PrivacyRequest("redact_account"))
    carry_out_waiting()
    case.refresh_from_db()
    assert (case.state, IRIS in all_we_keep(), verify().redacted) == ("held", True, 0)
    assert "in use again" in Alert.objects.get(cause=f"privacy:{case.pk}").message
    assert carry_out_waiting() == 0
    carry_out(case, actor="ada", decided=True)
    assert (case.state, IRIS in all_we_keep()) == ("done", False)
    assert Alert.objects.get(cause=f"privacy:{case.pk}").closed_at is not None
    assert AuditRecord.objects.filter(action="carry out privacy request").values_list("actor", flat=True).last() == "ada"


# ---- exports -----------------------------------------------------------------------------------------------


def test_a_data_request_gathers_what_we_hold(town: Town) -> None:
    iris, tom = order_of(town, IRIS, "Iris", "Vahl"), order_of(town, TOM, "Tom", "Ruiz")
    seal()
    objects = ((ObjectType.ORDER, str(iris["id"])),)
    case = asked(town.orders.source, PrivacyRequest("export_person", (IRIS,), objects=objects, reference="RQ-9"))
    carry_out_waiting()
    case.refresh_from_db()
    document = json.loads(str(case.export))
    assert (document["request"], document["from"]) == ("RQ-9", town.orders.source.label)
    assert [json.loads(event["body"])["id"] for event in document["events"]] == [int(iris["id"])]
    assert [(row["source_id"], row["total"]) for row in document["records"]] == [(str(iris["id"]), "20.230")]
    assert [link["key"] for link in document["links"]] == [f"email:{IRIS}"]
    assert len(document["history"]) > 3
    assert (TOM in str(case.export), str(tom["id"]) in [row["source_id"] for row in document["records"]]) == (False, False)
    assert IRIS in all_we_keep()  # nothing was redacted
    alert = Alert.objects.get(cause=f"privacy:{case.pk}")
    assert "hand it over within thirty days" in alert.message
    assert IRIS not in alert.message
    with database.cursor() as cursor:
        cursor.execute("SELECT wanted, export FROM flows_privacycase")
        assert [bytes(column).startswith(b"gAAAA") for column in cursor.fetchone()] == [True, True]
    assert forget_old_exports(timezone.now() + timedelta(days=59)) == 0
    assert forget_old_exports(timezone.now() + timedelta(days=61)) == 1
    case.refresh_from_db()
    assert (str(case.export), str(case.wanted)) == ("", "")
    alert.refresh_from_db()
    assert alert.closed_at is not None, "nothing is left to hand over"


@pytest.mark.django_db
def test_the_owner_downloads_it_and_that_is_on_record() -> None:
    organization = make.OrganizationFactory()
    shop = make.ShopFactory(organization=organization)
    case = PrivacyCase.objects.create(
        connection=shop, kind="export_person", state="done", export='{"a": 1}', received_at=timezone.now(), summary="ready"
    )
    at = address(case, "export", case.pk)
    people = {name: make.person(name, organization, roles=(name,)) for name in ("owner", "support", "bookkeeper")}
    people["neighbour"] = make.person("neighbour", make.OrganizationFactory(), roles=("owner",))

    def client(name: str) -> Any:
        found = Client()
        found.force_login(people[name])
        return found

    assert [client(name).post(at).status_code for name in ("support", "bookkeeper", "neighbour")] == [403, 403, 404]
    assert client("owner").get(at).status_code == 404
    assert not AuditRecord.objects.filter(action="download privacy export").exists()
    page = client("owner").get(address(case, "change", case.pk))
    assert "Download the export" in page.content.decode()
    answer = client("owner").post(at)
    assert (answer.status_code, answer.content) == (200, b'{"a": 1}')
    assert answer.headers["Content-Disposition"] == f'attachment; filename="privacy-export-{case.pk}.json"'
    assert "no-store" in answer.headers["Cache-Control"]
    assert AuditRecord.objects.get(action="download privacy export").actor == "owner"


# ---- from the webhook to the sweep -------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_webhook_is_stored_once_answered_and_carried_out_by_the_sweep(flow: Flow, bell: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(delivery: Delivery) -> Event:
        asked_for = PrivacyRequest("redact_person", (json.loads(delivery.body)["email"],), reference="RQ-3")
        return Event("rq:3", "customers/redact", (), privacy=asked_for)

    hooks = all_connectors()["woocommerce"].webhooks
    assert hooks is not None
    ours = replace(hooks, parse=parse, secrets=lambda _secrets: ("app-secret",))
    known = {**all_connectors(), "woocommerce": replace(all_connectors()["woocommerce"], webhooks=ours)}
    monkeypatch.setattr(receive, "all_connectors", lambda: known)
    make.EventFactory(connection=flow.source, body=f'{{"email": "{IRIS}"}}'.encode())
    path = f"/in/woocommerce/{flow.source.inbox_token}/"
    assert post(path, from_shop("wrong", {"email": IRIS})).status_code == 401
    assert not PrivacyCase.objects.exists()
    assert [post(path, from_shop("app-secret", {"email": IRIS})).status_code for _ in range(2)] == [200, 200]
    case = PrivacyCase.objects.get()
    assert (case.state, case.reference, case.event, IRIS in str(case.wanted)) == ("waiting", "RQ-3", InboundEvent.objects.last(), True)
    sweep()
    case.refresh_from_db()
    assert (case.state, IRIS in all_we_keep()) == ("done", False)
    assert SyncJob.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_one_that_fails_is_tried_again_later(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    case = asked(flow.source, redaction())
    monkeypatch.setattr("flows.privacy.cases.redact", Mock(side_effect=RuntimeError("the database is full")))
    assert carry_out_waiting() == 1
    case.refresh_from_db()
    assert (case.state, case.retry_at is not None) == ("waiting", True)
    assert carry_out_waiting() == 0
    monkeypatch.undo()
    PrivacyCase.objects.update(retry_at=timezone.now())
    assert carry_out_waiting() == 1
    case.refresh_from_db()
    assert case.state == "done"
