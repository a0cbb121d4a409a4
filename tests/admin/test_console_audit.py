"""The audit's pages: narrowed by person, connection, object, outcome and period; exported with their proof; verified by a worker."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from audit import triggers
from audit.exporting.checking import check_export
from audit.models import AuditCheck, AuditRecord
from audit.services import seal
from flows.verifying import verify_asked
from tests import factories as make
from tests.admin.console_world import PEOPLE, World, address

NIGHT = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)


def listed(world: World, who: str = "owner", **query: Any) -> set[str]:
    answer = world.client(who).get(address(AuditRecord, "changelist"), query)
    assert answer.status_code == 200
    return {row.message for row in answer.context["cl"].result_list}


@pytest.fixture
def records(world: World) -> World:
    mine, shop = world.rows["organization"], world.rows["connection"]
    make.audit_record(mine, actor="ada", message="by ada", source_id="727", at=NIGHT)
    make.audit_record(mine, actor="bob", message="by bob", outcome="failed", connection=shop, target_id="1001", job_id=4711)
    make.audit_record(world.theirs["organization"], actor="ada", message="theirs", source_id="727", at=NIGHT)
    return world


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"person": "ada"}, {"by ada"}),
        ({"person": "nobody"}, set()),
        ({"outcome": "failed"}, {"by bob"}),
        ({"outcome": "nonsense"}, set()),
        ({"connection": "mine"}, {"by bob"}),
        ({"connection": "theirs"}, set()),
        ({"connection": "x"}, set()),
        ({"q": "727"}, {"by ada"}),
        ({"q": "#1001"}, {"by bob"}),
        ({"q": "4711"}, {"by bob"}),
        ({"until": "2026-10-31"}, {"by ada"}),
        ({"since": "2026-10-31", "until": "2026-10-31"}, {"by ada"}),
        ({"since": "2026-10-31", "until": "2026-10-30"}, set()),
        ({"since": "yesterday"}, set()),
        ({"since": "9999-12-31", "until": "9999-12-31"}, set()),
        ({"until": "0001-01-01"}, set()),
        ({"person": "bob", "outcome": "failed", "q": "1001"}, {"by bob"}),
    ],
)
def test_filters(records: World, query: dict[str, str], found: set[str]) -> None:
    places = {"mine": str(records.rows["connection"].pk), "theirs": str(records.theirs["connection"].pk)}
    asked = {name: places.get(value, value) for name, value in query.items()}
    assert listed(records, **asked) == found


def test_superusers_choose_the_organization(records: World) -> None:
    page = records.client("root").get(address(AuditRecord, "changelist")).content.decode()
    assert 'name="organization"' in page
    assert listed(records, "root", organization=records.theirs["organization"].pk, person="ada") == {"theirs"}
    page = records.client("owner").get(address(AuditRecord, "changelist")).content.decode()
    assert 'name="organization"' not in page
    assert "neighbour" not in page


def export_of(world: World, who: str, kind: str, query: str = "") -> Any:
    return world.client(who).post(reverse("admin:audit_auditrecord_export", args=[kind]) + query)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_the_export_is_what_the_list_shows(records: World, tmp_path: Path, kind: str) -> None:
    seal()
    answer = export_of(records, "support", kind, "?person=ada")
    assert answer["Content-Type"] == "application/zip"
    file = tmp_path / "a.zip"
    file.write_bytes(b"".join(answer.streaming_content))
    with zipfile.ZipFile(file) as made:
        text = made.read(f"records.{kind}").decode()
        assert '"filters": {"person": "ada"}' in made.read("proof.jsonl").decode()
    assert "by ada" in text
    assert "by bob" not in text
    assert "theirs" not in text
    assert check_export(file).ok
    told = AuditRecord.objects.get(action="export audit")
    name = {"csv": "CSV", "jsonl": "JSON Lines"}[kind]
    assert (told.actor, told.organization_id) == ("support", records.rows["organization"].pk)
    assert told.message == f"Audit records were exported as {name} (person ada)."


@pytest.mark.parametrize("person", PEOPLE)
def test_who_may_export_and_verify(world: World, person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.verifying.ask_for_check", lambda *_: True)
    before, allowed = AuditRecord.objects.count(), person in ("support", "owner", "root", "neighbour")
    client = world.client(person)
    export, verify = reverse("admin:audit_auditrecord_export", args=["csv"]), reverse("admin:audit_auditseal_verify")
    status = 200 if allowed else 302 if person == "anonymous" else 403
    assert client.post(export).status_code == status
    assert client.post(verify).status_code == (302 if allowed else status)
    assert (AuditCheck.objects.count(), AuditRecord.objects.count() - before) == ((1, 1) if allowed else (0, 0))
    if allowed:
        assert (client.get(export).status_code, client.get(verify).status_code) == (405, 405)
        assert client.post(reverse("admin:audit_auditrecord_export", args=["exe"])).status_code == 404
        assert "Export as CSV" in client.get(address(AuditRecord, "changelist")).content.decode()
        assert AuditCheck.objects.count() == 1


def test_without_the_permission_there_is_no_button(world: World) -> None:
    group = world.people["support"].groups.get()
    group.permissions.remove(*group.permissions.filter(codename__in=["export_auditrecord", "verify_auditseal"]))
    client = world.client("support")
    assert "Export as" not in client.get(address(AuditRecord, "changelist")).content.decode()
    assert "Verify the audit" not in client.get(reverse("admin:audit_auditseal_changelist")).content.decode()
    assert client.post(reverse("admin:audit_auditrecord_export", args=["csv"])).status_code == 403
    assert not AuditRecord.objects.filter(action="export audit").exists()


def verified(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """Press the button, let the worker do it, look at the page."""
    asked: list[int] = []
    monkeypatch.setattr("flows.verifying.ask_for_check", lambda check: asked.append(check) or True)
    client, url = world.client("support"), reverse("admin:audit_auditseal_changelist")
    client.post(reverse("admin:audit_auditseal_verify"))
    assert "under way" in client.get(url).content.decode()
    assert "is under way already" in client.post(reverse("admin:audit_auditseal_verify"), follow=True).content.decode()
    assert len(asked) == 1
    verify_asked(asked[0])
    return str(client.get(url).content.decode())


def chained(world: World) -> None:
    """Honest seals in place of the world's made-up one."""
    triggers.drop(connection)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditseal")
    triggers.install(connection)
    seal(batch=1)


def test_a_verification_that_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    chained(world)
    page = verified(world, monkeypatch)
    assert "All 2 seals hold" in page
    check = AuditCheck.objects.get()
    assert f"The last seal that was verified is {check.last_good}" in page
    assert check.head in page
    told = AuditRecord.objects.get(action="verify audit")
    assert (told.actor, told.outcome, told.organization_id) == ("support", "done", world.rows["organization"].pk)


def test_a_verification_that_finds_something(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    chained(world)
    forged = AuditRecord.objects.order_by("-id")[0]
    triggers.drop(connection)
    AuditRecord.objects.filter(pk=forged.pk).update(message="forged")
    triggers.install(connection)
    page = verified(world, monkeypatch)
    assert f"The first broken seal is {forged.seal_id}" in page
    assert AuditRecord.objects.get(action="verify audit").outcome == "failed"


def test_a_verification_that_nobody_finished_may_be_asked_for_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    AuditCheck.objects.create(asked_at=datetime(2026, 1, 1, tzinfo=UTC), asked_by="ada")
    assert "never came to its end" in world.client("support").get(reverse("admin:audit_auditseal_changelist")).content.decode()
    monkeypatch.setattr("flows.verifying.ask_for_check", lambda *_: False)
    page = world.client("support").post(reverse("admin:audit_auditseal_verify"), follow=True).content.decode()
    assert "The workers could not be reached" in page
    assert AuditCheck.objects.count() == 1
    assert AuditCheck.objects.get().asked_at < timezone.now()
