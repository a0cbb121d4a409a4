"""Log lines: bound to what they are about, readable by machines, never with a secret; and what Sentry would get."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.utils.log import log_response
from structlog.contextvars import bound_contextvars, clear_contextvars, get_contextvars

from audit.redaction import remember
from config.logs import logging_settings
from config.sentry import start_sentry
from config.supervisor.processes import json_speaker
from flows.drain import _run
from flows.jobs.claim import Lease
from tests import factories as make

CANARY = "canary-of-a-secret-0123456789"


@pytest.fixture(autouse=True)
def _bound_to_nothing() -> None:
    clear_contextvars()


@contextmanager
def logged(form: str) -> Iterator[io.StringIO]:
    """What the settings of this form would write to standard error."""
    out = io.StringIO()
    made = logging_settings("INFO", form)
    logging.config.dictConfig({**made, "root": {"handlers": [], "level": "WARNING"}})
    handler = logging.StreamHandler(out)
    formatter = made["formatters"]["line"]
    handler.setFormatter(formatter["()"](processors=formatter["processors"], foreign_pre_chain=formatter["foreign_pre_chain"]))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield out
    finally:
        root.removeHandler(handler)


def test_a_json_line_tells_what_it_is_about() -> None:
    with logged("json") as out, bound_contextvars(job_id=7, event_id=8, connection_id=9):
        logging.getLogger("flows.drain").warning("job %s broke\nits run", 7)
    line = json.loads(out.getvalue())
    assert line.pop("timestamp").endswith("Z")
    told = {"job_id": 7, "event_id": 8, "connection_id": 9}
    assert line == {"event": "job 7 broke\nits run", "level": "warning", "logger": "flows.drain", **told}
    assert out.getvalue().count("\n") == 1


def test_a_plain_line_reads_as_before() -> None:
    with logged("plain") as out, bound_contextvars(job_id=7, event_id=None):
        logging.getLogger("flows.drain").error("it broke")
    assert out.getvalue().rstrip().endswith("Z ERROR flows.drain: it broke [job_id=7]")


@pytest.mark.parametrize("form", ["plain", "json"])
def test_no_secret_in_any_part_of_a_line(form: str) -> None:
    remember("a place", CANARY)
    with logged(form) as out, bound_contextvars(note={"token": CANARY, "list": [CANARY]}):
        log = logging.getLogger("x")
        log.error("message with %s", CANARY)
        log.error("Authorization: Bearer abcdefghijklmnop0123")
        try:
            raise ValueError(f"https://user:{CANARY}@shop.example/?consumer_secret={CANARY}")
        except ValueError:
            log.exception("it failed")
        log.warning("extra", extra={"secret": CANARY})
    text = out.getvalue()
    assert "it failed" in text
    assert "ValueError" in text
    assert CANARY not in text
    assert "abcdefghijklmnop0123" not in text


INVITED, RESET, HOOK, BEGUN = "Ab-9_" * 8, "dm9x0b-" + "0a" * 16, "xY-7_" * 6, "c0ffee" * 8
OPENING = [  # addresses that open something by themselves: the address and the part of it that does
    (f"/account/join/{INVITED}/", INVITED),
    (f"/account/password/MTI/{RESET}/", RESET),
    (f"/in/woocommerce/{HOOK}", HOOK),
    (f"/in/stripe/{HOOK}/", HOOK),
    (f"/connect/magento/activate/{BEGUN}/", BEGUN),
    (f"/admin/login/?next=%2Faccount%2Fjoin%2F{INVITED}%2F", INVITED),
]


@pytest.mark.parametrize(("address", "opens"), OPENING)
@pytest.mark.parametrize("form", ["plain", "json"])
def test_no_line_holds_an_address_that_opens_something(form: str, address: str, opens: str) -> None:
    with logged(form) as out, bound_contextvars(path=address):
        request = SimpleNamespace(path=address)
        log_response("%s: %s", "Internal Server Error", address, request=request, response=HttpResponse(status=500))  # type: ignore[arg-type]
        logging.getLogger("django.security.csrf").warning("Forbidden (%s): %s", "CSRF cookie not set.", address)
        logging.getLogger("access").error('127.0.0.1 - "GET %s HTTP/1.1" 404', address)
    text = out.getvalue()
    assert text.count("Internal Server Error") == 1
    assert text.count("Forbidden") == 1
    assert opens not in text
    assert text.count(f"{address.partition(opens)[0]}***") >= 3


def test_addresses_that_open_nothing_stay_as_they_are() -> None:
    shown = "GET /account/password/asked/ /admin/flows/flow/12/change/ /in/shopify/ https://shop.example/in/stock/mug-xl/ /connect/3/oauth/"
    with logged("plain") as out:
        logging.getLogger("x").warning(shown)
    assert shown in out.getvalue()


def test_djangos_own_handlers_write_nothing_past_the_redaction() -> None:
    assert logging_settings("INFO", "json")["loggers"]["django"] == {"handlers": []}


def test_there_are_two_forms() -> None:
    with pytest.raises(ImproperlyConfigured, match="must be plain or json"):
        logging_settings("INFO", "xml")


@pytest.mark.django_db
def test_a_worker_binds_the_job_and_lets_go_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    job = make.JobFactory(state="running", lease_token="t")
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr("flows.pipeline.run.point", lambda name: seen.append(get_contextvars()) if name == "after_claim" else None)
    monkeypatch.setattr("flows.drain.leave_database", lambda: None)
    _run(Lease(job.pk, "t"))
    ids = {"job_id": job.pk, "flow_id": job.flow_id, "event_id": job.event_id}
    assert seen[0] == {**ids, "connection_id": job.flow.source_id, "destination_id": job.flow.destination_id}
    assert get_contextvars() == {}


def test_lines_of_all_processes_are_json_under_the_supervisor() -> None:
    out = io.StringIO()
    say = json_speaker(out)
    for line in ('{"event": "x", "level": "info"}', "plain words", "[1]"):
        say("web", line)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert lines == [
        {"process": "web", "event": "x", "level": "info"},
        {"process": "web", "event": "plain words"},
        {"process": "web", "event": "[1]"},
    ]


def test_without_a_dsn_nothing_is_reported() -> None:
    assert not start_sentry("")


def test_what_sentry_gets_holds_no_secret_and_no_person() -> None:
    import sentry_sdk
    from sentry_sdk.envelope import Envelope
    from sentry_sdk.transport import Transport

    sent: list[Any] = []

    class Double(Transport):
        def capture_envelope(self, envelope: Envelope) -> None:
            sent.append(envelope.get_event())

    remember("a place", CANARY)
    before = sentry_sdk.get_global_scope().client
    assert start_sentry("https://key@sentry.example/1", transport=Double)
    try:
        with sentry_sdk.isolation_scope() as scope:
            scope.set_user({"username": "person-canary"})
            scope.set_extra("body", {"consumer_secret": "abcdefgh", "text": CANARY})
            try:
                local = CANARY
                raise ValueError(f"it failed with {local}")
            except ValueError:
                logging.getLogger("flows.drain").exception("job broke with %s at %s", CANARY, f"/account/join/{INVITED}/")
        [event] = sent
        text = json.dumps(event, default=str)
        assert "ValueError" in text
        assert CANARY not in text
        assert INVITED not in text
        assert "abcdefgh" not in text
        assert "person-canary" not in text
        assert '"vars"' not in text
    finally:
        sentry_sdk.get_global_scope().set_client(before)
