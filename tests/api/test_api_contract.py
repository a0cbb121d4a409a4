"""The API against its own description: made-up requests find no 5xx and no answer that is not described."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from connectors.kit.errors import Transient
from flows.preview import Preview
from flows.recipes.contract import Plan
from tests import factories as make
from tests.admin.console_world import build

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 8  # of each operation and kind
bounded = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)

DONE = ("post /api/v1/jobs/{id}/replay", "delete /api/v1/mappings/values/{id}")
ROWS = {
    "flows": "flow", "jobs": "syncjob", "records": "syncrecord", "links": "externallink", "audit": "auditrecord",
    "items": "itemmapping", "values": "valuemapping", "fields": "fieldmapping",
}  # fmt: skip


@dataclass
class Aim:
    """A token, and the rows that it reaches: every other made-up id becomes one of theirs, or only refusals would be seen."""

    token: str
    rows: dict[str, Any]

    def call(self, case: Any) -> Any:
        body = case.body
        if isinstance(body, dict) and isinstance(body.get("flow"), int) and body["flow"] % 2:
            case.body = {**body, "flow": self.rows["flow"].pk}
        number = case.path_parameters.get("id") if case.path_parameters else None
        if isinstance(number, int) and number % 2:
            kind = case.operation.path.partition("/{id}")[0].rpartition("/")[2]
            case.path_parameters = {"id": self.rows[ROWS[kind]].pk}
        return case.call(headers={"Authorization": f"Bearer {self.token}"})


@pytest.fixture
def in_process(db: None) -> Iterator[None]:
    """Real WSGI requests inside the test's transaction: Django must not close its connection after each."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def aim(in_process: None, monkeypatch: pytest.MonkeyPatch) -> Aim:
    """Of somebody who may do everything, in a world with a row of everything and platforms that answer every other time."""

    def planned(flow: Any, source_id: str) -> Preview:
        if len(source_id) % 2:
            raise Transient("The shop did not answer.")
        return Preview(source_id, Plan(), "Nothing to do.")

    monkeypatch.setattr("flows.api.planning.preview", planned)
    monkeypatch.setattr("django.conf.settings.API_CALLS_PER_MINUTE", 1_000_000)
    world = build()
    return Aim(make.api_token(world.people["owner"], world.rows["organization"])[1], world.rows)


def operations(aim: Aim) -> Iterator[Any]:
    entry = {"Authorization": f"Bearer {aim.token}"}
    for found in schemathesis.openapi.from_wsgi("/api/v1/schema", get_wsgi_application(), headers=entry).get_all_operations():
        yield found.ok()


def test_every_answer_is_described(aim: Aim) -> None:
    seen: set[tuple[str, int]] = set()
    for operation in operations(aim):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @bounded
            @given(case=operation.as_strategy(generation_mode=mode))
            def answers_as_described(case: Any) -> None:
                answer = aim.call(case)
                seen.add((f"{case.method} {case.operation.path}", answer.status_code))
                case.validate_response(answer, checks=CHECKS)

            answers_as_described()
    for operation in operations(aim):  # what makes or takes something away, on a row that is there
        if f"{operation.method} {operation.path}" in DONE:
            case = operation.Case(path_parameters={"id": 1})
            answer = aim.call(case)
            seen.add((f"{case.method} {case.operation.path}", answer.status_code))
            case.validate_response(answer, checks=CHECKS)
    lists = {path for path, status in seen if status == 200}  # or the above would prove nothing
    assert lists >= {"GET /api/v1/jobs", "GET /api/v1/audit", "GET /api/v1/mappings/items", "GET /api/v1/flows"}
    assert {status for _, status in seen} >= {200, 201, 202, 204, 400, 401, 404}, seen


def test_it_would_find_an_answer_that_is_not_described(aim: Aim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.api.shapes.RecordShape.to_representation", lambda *_args: {"id": "not a number"})
    operation = next(found for found in operations(aim) if found.path == "/api/v1/records" and found.method == "get")
    answer = aim.call(case := operation.Case())
    with pytest.raises(FailureGroup) as raised:
        case.validate_response(answer, checks=CHECKS)
    assert any("violates schema" in str(failure) for failure in raised.value.exceptions)
