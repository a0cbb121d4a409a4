"""The ground under all sandboxes, tried through the one of FreshBooks: faults, the log, the small HTTP server."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
import requests
from fb_sandbox_driver import Driver, running

from connectors.kit.sandbox import Answer, Call, Sandbox, serve
from connectors.platforms.freshbooks.sandbox import build
from connectors.platforms.freshbooks.sandbox.search import LARGEST_PAGE

CLIENTS = "users/clients"


def fault(books: Driver, **fields: Any) -> None:
    books.admin("faults", faults=[fields])


def create(books: Driver) -> requests.Response:
    return books.call("POST", CLIENTS, {"client": {"fname": "Ida"}})


def count(books: Driver) -> int:
    return len(books.admin("books")["clients"])


def test_an_error_by_switch_has_no_effect_and_ends() -> None:
    with running() as books:
        fault(books, kind="status", method="POST", path="clients", status=429, times=2, headers={"Retry-After": "3"}, body="{}")
        assert books.ok("GET", CLIENTS)["total"] == 0
        assert [create(books).status_code for _ in range(3)] == [429, 429, 200]
        assert count(books) == 1


def test_a_fault_can_let_some_calls_through_first() -> None:
    with running() as books:
        fault(books, kind="html", status=502, method="POST", skip=1, times=-1)
        assert [create(books).status_code for _ in range(3)] == [200, 502, 502]
        assert count(books) == 1


@pytest.mark.parametrize(("kind", "effects"), [("drop_before", 0), ("drop_after", 1)])
def test_the_connection_closes_before_or_after_the_effect(kind: str, effects: int) -> None:
    with running() as books:
        fault(books, kind=kind, method="POST")
        with pytest.raises(requests.ConnectionError):
            create(books)
        assert count(books) == effects


def test_an_effect_that_comes_late() -> None:
    with running() as books:
        fault(books, kind="late", method="POST", seconds=0.3)
        with pytest.raises(requests.ConnectionError):
            create(books)
        assert count(books) == 0
        assert books.admin("settled")["pending"] == 1
        books.settled()
        assert count(books) == 1


def test_slow_answers_and_latency() -> None:
    with running() as books:
        fault(books, kind="slow", seconds=0.2)
        started = time.monotonic()
        assert create(books).status_code == 200
        assert time.monotonic() - started >= 0.2
        books.admin("latency", seconds=0.1)
        started = time.monotonic()
        assert create(books).status_code == 200
        assert time.monotonic() - started >= 0.1


def test_the_log_and_the_counters() -> None:
    with running() as books:
        create(books)
        entry = books.admin("requests")[0]
        assert (entry["method"], entry["status"], entry["body"]) == ("POST", 200, '{"client": {"fname": "Ida"}}')
        assert books.admin("counters")["calls"] == 1
        books.admin("forget")
        assert books.admin("requests") == []


def speak(books: Driver, words: bytes) -> bytes:
    host, port = books.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_requests_that_are_none() -> None:
    with running() as books:
        assert speak(books, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert speak(books, b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert speak(books, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert speak(books, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc") == b""
        assert speak(books, b"") == b""
        assert books.admin("counters") == {}


def test_two_requests_on_one_connection() -> None:
    with running() as books:
        one = b"GET /nothing HTTP/1.1\r\n\r\n"
        assert speak(books, one + one).count(b"HTTP/1.1 404 Not Found\r\n") == 2
        last = b"GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n"
        assert speak(books, last + one).count(b"HTTP/1.1 404") == 1


def test_a_stopped_sandbox_closes_the_connections_it_had() -> None:
    served = serve(build)
    books = Driver(served)
    assert create(books).status_code == 200
    served.stop()
    with pytest.raises(requests.ConnectionError):
        create(books)
    assert len(served.sandbox.state.main.tables["clients"].rows) == 1


def test_a_crash_answers_500_and_leaves_its_traceback() -> None:
    sandbox = Sandbox(None)
    sandbox.route("GET", "/bug", lambda _call: Answer.of({}["missing"]))
    call = Call("GET", "/bug", (), {}, b"", "/bug")
    assert sandbox.handle(call).status == 500
    assert "KeyError: 'missing'" in sandbox.command("crashes", {})[0]


def test_pages_never_exceed_the_cap() -> None:
    with running() as books:
        for _ in range(LARGEST_PAGE + 1):
            create(books)
        assert len(books.ok("GET", CLIENTS, per_page=500)["clients"]) == LARGEST_PAGE
