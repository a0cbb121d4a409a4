"""Reconciliation in the console: asked for, watched, repaired by those who may, taken along as a sheet, and told by mail."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from importlib import import_module
from typing import Any

import openpyxl
import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditRecord
from connectors.kit.errors import Transient
from flows.asking import walk_comparisons
from flows.comparisons import runs
from flows.comparisons.results import KINDS
from flows.models import Comparison, ComparisonMail, Difference, SyncJob, SyncRecord
from tests import factories as make
from tests.admin.console_world import World, address
from tests.admin.test_console_pages import assert_clean
from tests.admin.test_console_queries import queries


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the broker was asked for."""
    found: list[str] = []
    monkeypatch.setattr("flows.asking._send", lambda task, *_arguments: found.append(task) or True)
    monkeypatch.setattr("flows.comparisons.repairing.ring", lambda: found.append("bell"))
    return found


def made(world: World, **fields: Any) -> Comparison:
    """A finished comparison of our own flow with three differences."""
    comparison = make.ComparisonFactory(flow=world.rows["flow"], differing=3, kinds={"missing": 2, "double": 1}, **fields)
    for source_id, kind in (("801", "missing"), ("802", "missing"), ("803", "double")):
        make.DifferenceFactory(
            comparison=comparison, kinds=kind, source_id=source_id, number=f"1{source_id}", sentence=f"About {source_id}"
        )
    return comparison


def waiting() -> list[tuple[str, str, str]]:
    return list(SyncJob.objects.filter(state="waiting").order_by("source_id").values_list("source_id", "trigger", "asked_by"))


def repair(client: Client, comparison: Comparison, **posted: Any) -> Any:
    return client.post(address(comparison, "repair", comparison.pk), posted)


# ---- asking for one ----------------------------------------------------------------------------------------


def test_a_comparison_is_asked_of_the_workers(world: World, asked: list[str]) -> None:
    flow, client = world.rows["flow"], world.client("bookkeeper")
    url = address(Comparison, "add")
    page = client.get(url, {"flow": flow.pk}).content.decode()
    assert f'<option value="{flow.pk}" selected>' in page
    assert str(world.theirs["flow"]) not in page
    assert client.post(url, {"flow": flow.pk, "since": "2025-01-01", "until": "2025-12-31"}).status_code == 200
    assert client.post(url, {"flow": world.theirs["flow"].pk, "since": "2025-11-01", "until": "2025-11-01"}).status_code == 200
    assert (asked, Comparison.objects.count()) == ([], 2)
    answer = client.post(url, {"flow": flow.pk, "since": "2025-11-01", "until": "2025-11-01"})
    made = Comparison.objects.latest("pk")
    assert answer.url == address(made, "change", made.pk)
    assert (made.since.isoformat(), made.until.isoformat()) == ("2025-11-01T00:00:00+00:00", "2025-11-02T00:00:00+00:00")
    assert (made.asked_by, made.repair, made.finished_at, asked) == ("bookkeeper", False, None, ["walk_comparisons"])
    assert AuditRecord.objects.get(action="ask for reconciliation").actor == "bookkeeper"
    page = client.get(answer.url).content.decode()
    assert "Waiting for a worker to begin." in page
    assert 'id="live" data-live' in page


def test_one_that_cannot_be_made_says_why_on_its_page_and_in_the_audit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise Transient("The shop does not answer.")

    monkeypatch.setattr("flows.reconcile.open_workbench", fail)
    comparison = runs.ask(world.rows["flow"], timezone.now(), timezone.now(), asked_by="bookkeeper")
    walk_comparisons()
    record = AuditRecord.objects.get(action="reconcile")
    assert (record.actor, record.outcome, record.flow_id) == ("bookkeeper", "failed", comparison.flow_id)
    page = world.client("bookkeeper").get(address(comparison, "change", comparison.pk)).content.decode()
    assert "It could not be finished: The shop does not answer." in page
    assert runs.unfinished() == []


def test_stopping(world: World) -> None:
    comparison = runs.ask(world.rows["flow"], timezone.now(), timezone.now(), asked_by="bookkeeper")
    url = address(comparison, "stop", comparison.pk)
    assert world.client("support").post(url).status_code == 403
    assert world.client("owner").get(url).status_code == 405
    assert Comparison.objects.get(pk=comparison.pk).finished_at is None
    page = world.client("owner").post(url, follow=True).content.decode()
    assert "Stopped by owner after 0 of 0." in page
    assert AuditRecord.objects.get(action="stop reconciliation").actor == "owner"
    assert "It was over already." in world.client("owner").post(url, follow=True).content.decode()


# ---- what is shown -----------------------------------------------------------------------------------------


def test_the_page_tells_amounts_of_both_sides_and_sums(world: World) -> None:
    sums = [{"currency": "CAD", "records": "3", "sold": "37.50", "invoiced": "12.500", "captured": "37.50", "paid": "12.50"}]
    comparison = made(world, sums=sums)
    page = world.client("bookkeeper").get(address(comparison, "change", comparison.pk)).content.decode()
    assert "3 compared, 3 differ: 1 in the books twice, 2 missing in the books." in page
    for text in ("1801", "About 801", "12.50 CAD", "0.00 CAD", "-25.00 CAD",
                 "Only a person can mend this, in the books.", "Repair all 2"):  # fmt: skip
        assert text in page
    assert "data-live" not in page
    only = world.client("bookkeeper").get(address(comparison, "change", comparison.pk), {"kind": "double"}).content.decode()
    assert "About 803" in only
    assert "About 801" not in only


def test_one_record_is_one_row_however_many_things_differ(world: World) -> None:
    comparison, client = made(world), world.client("bookkeeper")
    comparison.differences.filter(source_id="801").update(kinds="amount,payment")
    comparison.differences.filter(source_id="803").update(kinds="amount,double")
    url = address(comparison, "change", comparison.pk)
    page = client.get(url).text
    assert "<strong>Amount differs, payment differs</strong>" in page
    assert page.count("Part of this only a person can mend, in the books.") == 1
    assert "Repair all 3" in page  # a sync mends the amount of what is there twice
    for kind, listed in (("amount", {"801", "803"}), ("payment", {"801"}), ("double", {"803"}), ("missing", {"802"})):
        shown = client.get(url, {"kind": kind}).text
        assert {one for one in ("801", "802", "803") if f"About {one}" in shown} == listed, kind
    lines = list(csv.DictReader(io.StringIO(client.get(address(comparison, "export", comparison.pk, "csv")).content.decode("utf-8-sig"))))
    assert [line["Difference"] for line in lines] == [
        "amount differs, payment differs", "missing in the books", "amount differs, in the books twice",
    ]  # fmt: skip
    question = repair(client, comparison, one=comparison.differences.get(source_id="801").pk).text
    assert "1801: amount differs, payment differs. About 801" in question


def test_no_name_of_a_kind_is_part_of_another() -> None:
    assert [(one, other) for one in KINDS for other in KINDS if one != other and one in other] == []


def test_rows_of_one_record_become_one_when_the_database_is_brought_up_to_date(world: World) -> None:
    comparison = made(world)
    for kind in ("payment", "status"):
        make.DifferenceFactory(comparison=comparison, kinds=kind, source_id="801", sentence=f"The {kind}")
    Comparison.objects.update(differing=0)
    import_module("flows.migrations.0013_differences_of_one_record").merge(apps, None)
    assert list(comparison.differences.order_by("source_id").values_list("source_id", "kinds", "sentence")) == [
        ("801", "missing,payment,status", "About 801; The payment; The status"),
        ("802", "missing", "About 802"),
        ("803", "double", "About 803"),
    ]
    comparison.refresh_from_db()
    assert comparison.differing == 3


def test_nothing_inline(world: World) -> None:
    comparison, client = made(world), world.client("owner")
    for url in (address(comparison, "change", comparison.pk), address(Comparison, "add"), reverse("admin:flows_comparison_mail")):
        assert_clean(client, url)


def test_a_repaired_row_is_shown_exact_with_the_amounts_of_now(world: World) -> None:
    comparison = made(world)
    rows = comparison.differences.filter(source_id="801")
    rows.update(repair_asked_at=timezone.now(), repair_asked_by="bookkeeper")
    client, url = world.client("bookkeeper"), address(comparison, "change", comparison.pk)
    assert "being repaired" in client.get(url).content.decode()
    flow = world.rows["flow"]
    job = make.JobFactory(flow=flow, source_id="801", event=None)
    record = make.RecordFactory(flow=flow, source_id="801", number="1801", total=Decimal("20.00"), refunded=Decimal("7.50"), job_id=job.pk)
    page = client.get(url).content.decode()
    assert "exact now" in page
    assert page.count("12.50 CAD") == 4 + 2 * 2  # the repaired row on both sides, the others should be
    SyncRecord.objects.filter(pk=record.pk).update(exact=False)
    assert "exact now" not in client.get(url).content.decode()
    SyncJob.objects.filter(pk=job.pk).update(state="attention", reason="The invoice is locked.")
    page = client.get(url).content.decode()
    assert "The invoice is locked." in page
    assert "Try again" in page


def test_a_page_of_many_asks_as_much_as_one_of_few(world: World) -> None:
    comparison = made(world)
    client, url = world.client("owner"), address(comparison, "change", comparison.pk)
    queries(client, url)
    few = queries(client, url)
    for number in range(60):
        row = make.DifferenceFactory(comparison=comparison, source_id=f"9{number}", repair_asked_at=timezone.now())
        make.JobFactory(flow=comparison.flow, source_id=row.source_id, event=None)
        make.RecordFactory(flow=comparison.flow, source_id=row.source_id)
    many = queries(client, url)
    assert len(few) == len(many) <= 30
    assert "Page 1 of 2" in client.get(url).content.decode()


# ---- repairing ---------------------------------------------------------------------------------------------


def test_one_chosen_and_all_are_repaired_after_a_question(world: World, asked: list[str], django_capture_on_commit_callbacks: Any) -> None:
    comparison, client = made(world), world.client("bookkeeper")
    first = comparison.differences.get(source_id="801")
    question = repair(client, comparison, one=first.pk).content.decode()
    assert "Repair 1 record?" in question
    assert "1801: missing in the books. About 801" in question
    assert (waiting(), AuditRecord.objects.filter(action="repair differences").count()) == ([], 0)
    with django_capture_on_commit_callbacks(execute=True):
        answer = repair(client, comparison, row=[first.pk], sure="yes")
    assert answer.url == address(comparison, "change", comparison.pk)
    assert (waiting(), asked) == ([("801", "reconcile", "bookkeeper")], ["bell"])
    record = AuditRecord.objects.get(action="repair differences")
    assert (record.actor, record.flow_id, record.source_id) == ("bookkeeper", comparison.flow_id, "801")
    assert "2 records" not in repair(client, comparison, all="yes").content.decode()
    repair(client, comparison, all="yes", sure="yes")
    assert [source_id for source_id, *_ in waiting()] == ["801", "802"]
    assert list(Difference.objects.filter(comparison=comparison, repair_asked_by="").values_list("kinds", flat=True)) == ["double"]


def test_doubles_and_rows_of_others_are_never_repaired(world: World) -> None:
    comparison, client = made(world), world.client("bookkeeper")
    double = comparison.differences.get(kinds="double")
    theirs = make.DifferenceFactory(comparison=world.theirs["comparison"])
    page = client.post(
        address(comparison, "repair", comparison.pk), {"row": [double.pk, theirs.pk, "x"], "sure": "yes"}, follow=True
    ).content.decode()
    assert "Nothing was chosen that a sync can mend." in page
    assert client.post(address(comparison, "repair", theirs.comparison_id), {"row": [theirs.pk], "sure": "yes"}).status_code == 404
    assert waiting() == []


@pytest.mark.parametrize(
    ("person", "status"), [("anonymous", 302), ("stranger", 404), ("neighbour", 404), ("bookkeeper", 200), ("support", 200)]
)
def test_who_may_repair(world: World, person: str, status: int) -> None:
    comparison = made(world)
    client = world.client(person)
    assert repair(client, comparison, all="yes").status_code == status
    assert client.get(address(comparison, "repair", comparison.pk)).status_code == (405 if status == 200 else status)
    assert waiting() == []


def test_who_only_reads_sees_no_button_and_repairs_nothing(world: World) -> None:
    reader = make.person("reader", world.rows["organization"])
    reader.user_permissions.set(Permission.objects.filter(codename="view_flow"))
    comparison, client = made(world), Client()
    client.force_login(reader)
    page = client.get(address(comparison, "change", comparison.pk)).content.decode()
    assert "About 801" in page
    assert "<button" not in page.partition('id="live"')[2]
    assert "Compare both sides" not in client.get(address(Comparison, "changelist")).content.decode()
    for url in (address(comparison, "repair", comparison.pk), address(comparison, "stop", comparison.pk), address(Comparison, "add"),
                reverse("admin:flows_comparison_mail")):  # fmt: skip
        assert client.post(url, {"all": "yes", "sure": "yes"}).status_code == 403
    assert (waiting(), AuditRecord.objects.filter(actor="reader").count()) == ([], 0)


# ---- sheets ------------------------------------------------------------------------------------------------


def test_sheets_hold_numbers_and_no_formulas(world: World) -> None:
    comparison, client = made(world), world.client("support")
    comparison.differences.filter(source_id="801").update(number="=cmd|'/c calc'!A0", sentence="  @SUM(A1)\x01", paid=Decimal("-5.00"))
    answer = client.get(address(comparison, "export", comparison.pk, "csv"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="reconciliation-orders-of-mine-2026-10-26-to-2026-11-02.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [line["Id at the source"] for line in lines] == ["801", "802", "803"]
    assert (lines[0]["Number"], lines[0]["In words"]) == ("'=cmd|'/c calc'!A0", "'  @SUM(A1)\ufffd")
    assert (lines[0]["Should be invoiced"], lines[0]["Invoiced"], lines[0]["Paid"], lines[0]["Currency"]) == (
        "12.50",
        "0.00",
        "-5.00",
        "CAD",
    )
    book = openpyxl.load_workbook(io.BytesIO(client.get(address(comparison, "export", comparison.pk, "xlsx")).content))
    head, first, *_ = book.active.iter_rows(values_only=True)
    assert dict(zip(head, first, strict=True))["Should be invoiced"] == 12.5
    assert dict(zip(head, first, strict=True))["Number"] == "'=cmd|'/c calc'!A0"
    assert client.get(address(comparison, "export", comparison.pk, "pdf")).status_code == 404
    assert world.client("neighbour").get(address(comparison, "export", comparison.pk, "csv")).status_code == 404


# ---- the summary by mail -----------------------------------------------------------------------------------


def test_an_organization_chooses_how_often_it_is_mailed(world: World) -> None:
    url, mine, theirs = reverse("admin:flows_comparison_mail"), world.rows["organization"], world.theirs["organization"]
    client = world.client("bookkeeper")
    page = client.get(url).content.decode()
    assert "Mine" in page
    assert "Nobody would get it" in page
    assert "Other<" not in page
    assert client.post(url, {"organization": theirs.pk, "every": "day"}).status_code == 404
    assert world.client("support").post(url, {"organization": mine.pk, "every": "day"}).status_code == 403
    client.post(url, {"organization": mine.pk, "every": "hourly"})
    assert ComparisonMail.objects.count() == 0
    client.post(url, {"organization": mine.pk, "every": "week"})
    assert list(ComparisonMail.objects.values_list("organization_id", "every")) == [(mine.pk, "week")]
    record = AuditRecord.objects.get(action="choose reconciliation mail")
    assert (record.actor, record.organization_id) == ("bookkeeper", mine.pk)
