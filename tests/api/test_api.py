"""The API: what it tells, what it does, and to whom; every refusal in one shape and without a trace."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditRecord
from credentials.models import ApiToken
from flows.models import FieldMapping, FieldMappingVersion, ItemMapping, SyncJob, ValueMapping
from flows.preview import Preview
from flows.recipes.contract import Plan
from tests import factories as make
from tests.admin.console_world import CANARY, World, build

LISTS = {
    "flows": "flow", "jobs": "syncjob", "records": "syncrecord", "links": "externallink", "audit": "auditrecord",
    "mappings/items": "itemmapping", "mappings/values": "valuemapping", "mappings/fields": "fieldmapping",
}  # fmt: skip
WRITES = {
    ("post", "flows/{flow}/plan"): {"bookkeeper", "support", "owner"}, ("post", "jobs/{syncjob}/replay"): {"support", "owner"},
    ("post", "jobs/{syncjob}/retry"): {"support", "owner"},
    ("post", "mappings/items"): {"bookkeeper", "owner"}, ("patch", "mappings/items/{itemmapping}"): {"bookkeeper", "owner"},
    ("post", "mappings/values"): {"bookkeeper", "owner"}, ("patch", "mappings/values/{valuemapping}"): {"bookkeeper", "owner"},
    ("post", "mappings/fields"): {"bookkeeper", "owner"}, ("patch", "mappings/fields/{fieldmapping}"): {"bookkeeper", "owner"},
    ("delete", "mappings/items/{itemmapping}"): {"bookkeeper", "owner"},
    ("delete", "mappings/values/{valuemapping}"): {"bookkeeper", "owner"},
    ("delete", "mappings/fields/{fieldmapping}"): {"bookkeeper", "owner"},
}  # fmt: skip
PROBLEM = {"type", "title", "status", "code", "detail", "errors"}


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("flows.api.planning.preview", lambda flow, source_id: Preview(source_id, Plan(), "Nothing to do."))
    made = build()
    made.rows["fieldmapping"].delete()
    made.rows["fieldmapping"] = make.FieldMappingFactory(flow=made.rows["flow"], target="invoice.notes", expression="number")
    return made


class Program:
    """Something that has a token."""

    def __init__(self, text: str) -> None:
        self.client, self.text = Client(), text

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        sent = {"data": body or {}, "content_type": "application/json"} if method != "get" else {"data": query}
        return getattr(self.client, method)(f"/api/v1/{path}", headers={"Authorization": f"Bearer {self.text}"}, **sent)


def program(world: World, who: str = "owner", *scopes: str) -> Program:
    place = world.theirs if who == "neighbour" else world.rows
    return Program(make.api_token(world.people[who], place["organization"], *scopes)[1])


def filled(path: str, rows: dict[str, Any]) -> str:
    return path.format(**{name: row.pk for name, row in rows.items()})


def body_for(path: str, rows: dict[str, Any]) -> dict[str, Any]:
    flow = rows["flow"].pk
    return {
        "mappings/items": {"flow": flow, "sku": "NEW", "item_id": "5", "item_name": "Cup"},
        "mappings/values": {"flow": flow, "kind": "tax", "source": "VAT", "target": "GST"},
        "mappings/fields": {"flow": flow, "target": "client.note", "expression": "number"},
    }.get(path, {"record": "1001"} if path.endswith("plan") else {"item_name": "Cup", "target": "X"})


def assert_problem(answer: Any, status: int, code: str = "") -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert set(told) == PROBLEM
    assert told["status"] == status
    assert not code or told["code"] == code
    return told


# ---- reading -----------------------------------------------------------------------------------------------


def test_each_list_tells_ones_own_and_nothing_else(world: World) -> None:
    for path, name in LISTS.items():
        for who, mine, other in (("owner", world.rows, world.theirs), ("neighbour", world.theirs, world.rows)):
            asking = program(world, who)
            answer = asking.ask("get", path)
            assert answer.status_code == 200, answer.content
            ids = {row["id"] for row in answer.json()["results"]}
            assert (mine[name].pk in ids, other[name].pk in ids) == (True, False), (path, who)
            assert asking.ask("get", f"{path}/{mine[name].pk}").json()["id"] == mine[name].pk
            hidden, absent = (asking.ask("get", f"{path}/{pk}") for pk in (other[name].pk, 10**9))
            assert assert_problem(hidden, 404, "not_found") == assert_problem(absent, 404)
            assert CANARY not in answer.content.decode()


def test_lists_can_be_narrowed(world: World) -> None:
    asking = program(world)
    flow, job = world.rows["flow"], world.rows["syncjob"]
    done = make.JobFactory(flow=flow, source_id="900")

    def ids(path: str, **query: Any) -> list[int]:
        return [row["id"] for row in asking.ask("get", path, **query).json()["results"]]

    assert ids("jobs") == [done.pk, job.pk]
    assert ids("jobs", state="attention") == [job.pk]
    assert ids("jobs", reason_code="sku_unmapped", flow=flow.pk) == [job.pk]
    assert ids("jobs", find="1001") == [job.pk]
    assert ids("jobs", flow=world.theirs["flow"].pk) == []
    assert ids("records", number="1001") == [world.rows["syncrecord"].pk]
    assert ids("records", number="1002") == []
    assert ids("links", key="727") == [world.rows["externallink"].pk]
    assert ids("mappings/items", sku=world.rows["itemmapping"].sku) == [world.rows["itemmapping"].pk]
    assert ids("flows", enabled="false") == []
    assert world.rows["auditrecord"].pk in ids("audit", job_id=job.pk)
    assert ids("audit", until="2001-01-01T00:00:00Z") == []
    told = assert_problem(asking.ask("get", "jobs", state="sleeping", flow="x"), 400, "invalid")
    assert {error["field"] for error in told["errors"]} == {"state", "flow"}


def test_pages_follow_a_cursor_and_ask_as_often_for_many_as_for_few(world: World, django_assert_num_queries: Any) -> None:
    asking = program(world)
    for _ in range(7):
        make.JobFactory(flow=world.rows["flow"])
    asking.ask("get", "jobs")
    first = asking.ask("get", "jobs", limit=3).json()
    assert len(first["results"]) == 3
    seen, page = [row["id"] for row in first["results"]], first
    while page["next"]:
        page = asking.client.get(page["next"], headers={"Authorization": f"Bearer {asking.text}"}).json()
        seen += [row["id"] for row in page["results"]]
    assert seen == sorted(SyncJob.objects.filter(flow=world.rows["flow"]).values_list("pk", flat=True), reverse=True)
    assert_problem(asking.ask("get", "jobs", cursor="bogus"), 404)


def test_amounts_are_exact_texts(world: World) -> None:
    row = program(world).ask("get", f"records/{world.rows['syncrecord'].pk}").json()
    assert (row["total"], row["refunded"], row["currency"], row["exact"]) == ("12.500", "0.000", "CAD", True)


# ---- who may -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["viewer", "bookkeeper", "support", "owner", "neighbour"])
def test_what_each_role_may_do(world: World, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only role has no address that writes; a neighbour does not learn what is there."""
    asking = program(world, who)
    for (method, path), allowed in WRITES.items():
        before = [list(model.objects.order_by("pk").values()) for model in (ItemMapping, ValueMapping, FieldMapping, SyncJob)]
        records = AuditRecord.objects.count()
        answer = asking.ask(method, filled(path, world.rows), body_for(path, world.rows))
        if who in allowed:
            assert answer.status_code in (200, 201, 202, 204), (method, path, answer.content)
            assert path.endswith("plan") or AuditRecord.objects.count() > records, (method, path)
            continue
        creates = who == "neighbour" and path in LISTS
        assert_problem(answer, 400 if creates else 404 if who == "neighbour" else 403)
        after = [list(model.objects.order_by("pk").values()) for model in (ItemMapping, ValueMapping, FieldMapping, SyncJob)]
        assert (after, AuditRecord.objects.count()) == (before, records), (method, path)


def test_the_viewer_reads_all_and_the_bookkeeper_no_audit(world: World) -> None:
    for path in LISTS:
        assert program(world, "viewer").ask("get", path).status_code == 200, path
    assert_problem(program(world, "bookkeeper").ask("get", "audit"), 403, "permission_denied")


@pytest.mark.parametrize("scope", ["read", "mappings", "operate"])
def test_a_token_does_only_what_it_is_made_for(world: World, scope: str) -> None:
    asking = program(world, "owner", scope)
    needed = dict.fromkeys(LISTS, "read")
    for path, wanted in needed.items():
        assert asking.ask("get", path).status_code == (200 if scope == wanted else 403), path
    for method, path in WRITES:
        answer = asking.ask(method, filled(path, world.rows), body_for(path, world.rows))
        wanted = "mappings" if path.startswith("mappings") else "operate"
        assert (answer.status_code == 403) == (scope != wanted), (method, path, answer.content)


def test_a_token_follows_its_persons_roles_and_ends_with_them(world: World) -> None:
    asking, owner = program(world), world.people["owner"]
    assert asking.ask("get", "audit").status_code == 200
    owner.groups.set(Group.objects.filter(name="bookkeeper"))
    assert_problem(asking.ask("get", "audit"), 403)
    owner.memberships.all().delete()
    assert_problem(asking.ask("get", "flows"), 401)


@pytest.mark.parametrize("how", ["expired", "revoked", "inactive", "unknown", "none", "basic", "session"])
def test_who_is_not_let_in(world: World, how: str) -> None:
    token, text = make.api_token(world.people["owner"], world.rows["organization"])
    asking, now = Program(text), timezone.now()
    if how == "revoked":
        ApiToken.objects.filter(pk=token.pk).update(revoked_at=now)
    if how == "inactive":
        world.people["owner"].is_active = False
        world.people["owner"].save()
    if how == "unknown":
        asking = Program("tbk_" + "x" * 43)
    with time_machine.travel(now + timedelta(days=31) if how == "expired" else now):
        answer = asking.ask("get", "flows")
        if how == "none":
            answer = Client().get("/api/v1/flows")
        if how == "basic":
            answer = Client().get("/api/v1/flows", headers={"Authorization": "Basic b3duZXI6eA=="})
        if how == "session":
            answer = world.client("owner").get("/api/v1/flows")
    told = assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert text not in str(told)


def test_a_required_second_factor_counts_for_tokens(world: World) -> None:
    asking, organization = program(world), world.rows["organization"]
    organization.require_second_factor = True
    organization.save()
    assert "requires a second factor" in assert_problem(asking.ask("get", "flows"), 401)["detail"]


def test_use_is_noted(world: World) -> None:
    token, text = make.api_token(world.people["owner"], world.rows["organization"])
    Program(text).ask("get", "flows")
    token.refresh_from_db()
    assert token.used_at is not None


def test_too_many_requests_are_told_when_to_come_again(world: World, settings: Any) -> None:
    settings.API_CALLS_PER_MINUTE = 1
    asking, other = program(world), program(world)
    answers = [asking.ask("get", "flows") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert_problem(answers[-1], 429, "throttled")
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61
    assert other.ask("get", "flows").status_code == 200


# ---- writing -----------------------------------------------------------------------------------------------


def test_replay_and_retry_leave_the_person_and_the_token(world: World) -> None:
    asking, job = program(world, "support"), world.rows["syncjob"]
    answer = asking.ask("post", f"jobs/{job.pk}/retry")
    again = SyncJob.objects.get(pk=answer.json()["id"])
    assert (again.state, again.source_id, again.asked_by) == ("waiting", "727", "support (token script)")
    assert AuditRecord.objects.get(action="replay job").actor == "support (token script)"
    told = assert_problem(asking.ask("post", f"jobs/{again.pk}/retry"), 409, "conflict")
    assert "It is waiting" in told["detail"] or "it is waiting" in told["detail"]


def test_a_mapping_lets_waiting_jobs_go_on(world: World) -> None:
    asking, flow = program(world, "bookkeeper"), world.rows["flow"]
    body = {"flow": flow.pk, "sku": "MUG-XL", "item_id": "5", "item_name": "Mug"}
    answer = asking.ask("post", "mappings/items", body)
    assert (answer.status_code, answer.json()["released"]) == (201, 1)
    assert SyncJob.objects.filter(flow=flow, state="waiting", trigger="mapping", asked_by="bookkeeper (token script)").count() == 1
    record = AuditRecord.objects.get(action="add item mapping")
    assert (record.actor, record.message) == (
        "bookkeeper (token script)",
        "MUG-XL -> Mug: added over the API. 1 waiting job(s) go on with it.",
    )
    told = assert_problem(asking.ask("post", "mappings/items", body), 400, "invalid")
    assert ItemMapping.objects.filter(sku="MUG-XL").count() == 1, told


def test_what_identifies_a_mapping_stays(world: World) -> None:
    asking, row = program(world), world.rows["itemmapping"]
    sku = row.sku
    answer = asking.ask("patch", f"mappings/items/{row.pk}", {"sku": "OTHER", "flow": world.theirs["flow"].pk, "item_name": "Cup"})
    row.refresh_from_db()
    assert (answer.status_code, row.sku, row.item_name, row.flow) == (200, sku, "Cup", world.rows["flow"])


def test_a_foreign_flow_cannot_be_written_to(world: World) -> None:
    body = {**body_for("mappings/items", world.theirs)}
    told = assert_problem(program(world).ask("post", "mappings/items", body), 400)
    assert [error["field"] for error in told["errors"]] == ["flow"]
    assert not ItemMapping.objects.filter(sku="NEW").exists()


def test_field_rules_are_checked_and_versioned(world: World) -> None:
    asking, flow = program(world), world.rows["flow"]
    wrong = asking.ask("post", "mappings/fields", {"flow": flow.pk, "target": "client.note", "expression": "no_such_field"})
    assert "no_such_field" in assert_problem(wrong, 400)["detail"]
    assert not FieldMapping.objects.filter(flow=flow, target="client.note").exists()
    made = asking.ask("post", "mappings/fields", {"flow": flow.pk, "target": "client.note", "expression": "number"}).json()
    asking.ask("patch", f"mappings/fields/{made['id']}", {"expression": "currency"})
    asking.ask("delete", f"mappings/fields/{made['id']}")
    versions = FieldMappingVersion.objects.filter(flow=flow, target="client.note").order_by("number")
    assert [(version.what, version.expression, version.by) for version in versions] == [
        ("made", "number", "owner (token script)"),
        ("changed", "currency", "owner (token script)"),
        ("deleted", "currency", "owner (token script)"),
    ]


def test_a_plan_writes_nothing_and_tells_when_a_side_is_silent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.kit.errors import Transient

    asking, flow = program(world, "bookkeeper"), world.rows["flow"]
    assert asking.ask("post", f"flows/{flow.pk}/plan", {"record": "1001"}).json() == {
        "number": "727", "sentence": "Nothing to do.", "code": "", "changes": [], "notes": [], "proof": None,
    }  # fmt: skip

    def silent(*_args: Any) -> None:
        raise Transient("The shop did not answer.")

    monkeypatch.setattr("flows.api.planning.preview", silent)
    told = assert_problem(asking.ask("post", f"flows/{flow.pk}/plan", {"record": "1001"}), 424, "other_side")
    assert told["detail"] == "The shop did not answer."


def test_bodies_that_are_none(world: World) -> None:
    asking = program(world)
    headers = {"Authorization": f"Bearer {asking.text}"}
    address = "/api/v1/mappings/items"
    assert_problem(asking.client.post(address, "{", content_type="application/json", headers=headers), 400, "parse_error")
    assert_problem(asking.client.post(address, "a=b", content_type="application/x-www-form-urlencoded", headers=headers), 415)
    assert_problem(asking.client.put(f"{address}/1", "{}", content_type="application/json", headers=headers), 405)
    assert_problem(asking.client.get("/api/v1/nowhere", headers=headers), 404)
    assert_problem(asking.client.get("/api/v1/jobs/nonsense", headers=headers), 404)


def test_the_description_names_every_address(world: World) -> None:
    told = program(world, "viewer", "operate").ask("get", "schema").json()
    assert {path.removeprefix("/api/v1/") for path in told["paths"]} >= set(LISTS)
    assert told["components"]["securitySchemes"] == {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of your account's page in the console."}
    }
    assert all(operation["security"] == [{"token": []}] for path in told["paths"].values() for operation in path.values())


def test_the_description_is_for_whoever_is_let_in_and_worked_out_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    address = reverse("api:schema")
    assert_problem(Client().get(address), 401)
    assert_problem(Client().get(address, headers={"Authorization": "Bearer tbk_madeup"}), 401)
    first = world.client("viewer").get(address)
    assert first.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    monkeypatch.setattr("drf_spectacular.generators.SchemaGenerator.get_schema", None)
    assert program(world).ask("get", "schema").json() == first.json()


# ---- what nobody sends by accident -------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["abc", "\x00", "9" * 30, "-1", "yesterday", "0001-01-01 00:00:00+14:00", "2026-01-01 00:00:00"])
@pytest.mark.parametrize("path", ["jobs", "mappings/items", "audit"])
def test_a_made_up_cursor_is_no_defect(world: World, path: str, place: str) -> None:
    cursor = base64.b64encode(urlencode({"p": place}).encode()).decode()
    assert_problem(program(world).ask("get", path, cursor=cursor), 404, "not_found")


@pytest.mark.parametrize("path", ["jobs", "audit"])
def test_a_cursor_of_ours_goes_on(world: World, path: str) -> None:
    for number in range(2):
        make.JobFactory(flow=world.rows["flow"], source_id=f"cursor-{number}")
    asking = program(world)
    first = asking.ask("get", path, limit=1).json()
    second = asking.client.get(first["next"], headers={"Authorization": f"Bearer {asking.text}"})
    assert second.status_code == 200
    assert second.json()["results"][0]["id"] != first["results"][0]["id"]


def test_a_body_that_is_nested_without_end_is_no_defect(world: World) -> None:
    asking, before = program(world), ItemMapping.objects.count()
    told = {"headers": {"Authorization": f"Bearer {asking.text}"}, "content_type": "application/json"}
    answer = asking.client.post("/api/v1/mappings/items", "[" * 200_000, **told)
    assert_problem(answer, 400, "parse_error")
    assert ItemMapping.objects.count() == before
