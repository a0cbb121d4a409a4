"""The HTTP layer against a loopback server: what is sent again and what never, waits, limits, sizes, tokens, evidence."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from requests.auth import AuthBase

from connectors.kit import http as kit_http
from connectors.kit import wire
from connectors.kit.account import Account
from connectors.kit.errors import (
    NeedsAttention,
    RateLimited,
    Refused,
    Rejected,
    SyncError,
    Transient,
    Unauthorised,
    Unclear,
)
from connectors.kit.http import Api, Bearer, Effect, Exchange, Plumbing, Response
from connectors.kit.limits import parse_retry_after

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DROP = -1


@dataclass
class Reply:
    status: int = 200
    body: bytes = b'{"ok": true}'
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drip: float = 0.0


class Server:
    """Answers from a script (the last entry again and again) and keeps what came."""

    def __init__(self) -> None:
        self.script: list[Reply] = [Reply()]
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                reply = outer.script.pop(0) if len(outer.script) > 1 else outer.script[0]
                time.sleep(reply.wait)
                if reply.status == DROP:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if reply.drip:
                    for byte in reply.body:
                        self.wfile.write(bytes([byte]))
                        time.sleep(reply.drip)
                else:
                    self.wfile.write(reply.body)

            do_GET = do_POST = do_PUT = do_DELETE = serve

            def log_message(self, format: str, *args: object) -> None:
                return None

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


class Watch:
    """A limiter, a clock and a recorder that keep what they were told."""

    def __init__(self) -> None:
        self.acquired = 0
        self.pauses: list[float] = []
        self.naps: list[float] = []
        self.log: list[Exchange] = []
        self.effects: list[Effect] = []

    def acquire(self) -> None:
        self.acquired += 1

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def by_status(response: Response) -> SyncError | None:
    if response.status >= 500:
        return Transient("server trouble")
    if response.status == 401:
        return Unauthorised("who are you")
    if response.status == 422:
        return Refused("no")
    return None


def api_for(
    server: Server,
    watch: Watch,
    *,
    auth: AuthBase | None = None,
    classify: Callable[[Response], SyncError | None] = by_status,
    timeout: tuple[float, float] = (1.0, 5.0),
) -> Api:
    plumbing = Plumbing(
        limiter=watch, record=watch.log.append, before_call=watch.effects.append, allow_private=True, sleep=watch.naps.append,
        now=lambda: NOW,
    )  # fmt: skip
    return Api(Account(f"http-test-{id(server)}", server.url), server.url, classify, plumbing, auth, {"X-App": "1"}, timeout)


REPEATABLE = [Effect.READ, Effect.REPEATABLE]


@pytest.mark.parametrize("effect", REPEATABLE)
@pytest.mark.parametrize("trouble", [Reply(500), Reply(502), Reply(503), Reply(408), Reply(DROP)])
def test_trouble_is_tried_again_where_that_is_safe(server: Server, effect: Effect, trouble: Reply) -> None:
    server.script = [trouble, trouble, Reply()]
    watch = Watch()
    assert api_for(server, watch).call("PUT", "/x", json={"a": 1}, effect=effect).json()["ok"].boolean() is True
    assert len(server.seen) == 3
    assert len(watch.naps) == 2
    assert all(0 <= nap <= 0.25 * 2**attempt for attempt, nap in enumerate(watch.naps, 1))
    assert watch.acquired == 3
    assert watch.effects == [effect] * 3


@pytest.mark.parametrize("effect", REPEATABLE)
def test_three_times_is_enough(server: Server, effect: Effect) -> None:
    server.script = [Reply(500)]
    watch = Watch()
    with pytest.raises(Transient):
        api_for(server, watch).call("PUT", "/x", effect=effect)
    assert len(server.seen) == 3


@pytest.mark.parametrize("trouble", [Reply(500), Reply(502), Reply(503), Reply(504), Reply(408), Reply(DROP)])
def test_a_create_is_never_sent_again_once_it_may_have_arrived(server: Server, trouble: Reply) -> None:
    server.script = [trouble, Reply()]
    watch = Watch()
    with pytest.raises(Unclear):
        api_for(server, watch).call("POST", "/x", json={"a": 1}, effect=Effect.CREATE)
    assert len(server.seen) == 1
    assert watch.naps == []


def test_a_create_whose_answer_is_cut_short_is_unclear(server: Server) -> None:
    server.script = [Reply(200, b"{", {"Content-Length": "500", "Connection": "close"})]
    with pytest.raises(Unclear):
        api_for(server, Watch(), timeout=(1.0, 0.3)).call("POST", "/x", effect=Effect.CREATE)
    assert len(server.seen) == 1


def test_a_create_that_waits_too_long_is_unclear(server: Server) -> None:
    server.script = [Reply(wait=0.5)]
    with pytest.raises(Unclear):
        api_for(server, Watch(), timeout=(1.0, 0.1)).call("POST", "/x", effect=Effect.CREATE)
    assert len(server.seen) == 1


def test_a_success_that_cannot_be_classified_is_unclear_for_a_create_only(server: Server) -> None:
    server.script = [Reply(200, b"<html>")]

    def strict(response: Response) -> SyncError | None:
        response.json()
        return None

    with pytest.raises(Unclear):
        api_for(server, Watch(), classify=strict).call("POST", "/x", effect=Effect.CREATE)
    with pytest.raises(Rejected):
        api_for(server, Watch(), classify=strict).get("/x")


def test_what_was_never_reached_is_tried_again_even_for_a_create() -> None:
    closed = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    url = f"http://127.0.0.1:{closed.server_address[1]}"
    closed.server_close()
    watch = Watch()
    plumbing = Plumbing(limiter=watch, record=watch.log.append, allow_private=True, sleep=watch.naps.append)
    with pytest.raises(Transient) as caught:
        Api(Account("closed", url), url, by_status, plumbing).call("POST", "/x", effect=Effect.CREATE)
    assert caught.value.code == "not_reached"
    assert len(watch.log) == 3
    assert [entry.status for entry in watch.log] == [0, 0, 0]


def test_an_unknown_host_name_counts_as_not_reached() -> None:
    url = "http://no-such-host.invalid"
    watch = Watch()
    plumbing = Plumbing(limiter=watch, sleep=watch.naps.append)
    with pytest.raises(Transient) as caught:
        Api(Account("nowhere", url), url, by_status, plumbing).call("POST", "/x", effect=Effect.CREATE)
    assert caught.value.code == "not_reached"


@pytest.mark.parametrize("effect", list(Effect))
def test_a_short_wait_is_waited_for_also_by_a_create(server: Server, effect: Effect) -> None:
    server.script = [Reply(429, headers={"Retry-After": "2"}), Reply()]
    watch = Watch()
    assert api_for(server, watch).call("POST", "/x", effect=effect).status == 200
    assert watch.pauses == [2.0]
    assert watch.naps == [2.0]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("90", 90.0), (format_datetime(NOW + timedelta(seconds=75), usegmt=True), 75.0), ("999999", 3600.0)],
)
def test_a_long_wait_is_handed_to_the_caller(server: Server, header: str, seconds: float) -> None:
    server.script = [Reply(429, headers={"Retry-After": header})]
    watch = Watch()
    with pytest.raises(RateLimited) as caught:
        api_for(server, watch).get("/x")
    assert caught.value.retry_after == seconds
    assert watch.pauses == [seconds]
    assert len(server.seen) == 1


def test_no_retry_after_still_waits(server: Server) -> None:
    server.script = [Reply(429)]
    watch = Watch()
    with pytest.raises(RateLimited) as caught:
        api_for(server, watch).get("/x")
    assert 1.0 <= caught.value.retry_after <= 4.0
    assert watch.pauses
    assert all(1.0 <= pause <= 4.0 for pause in watch.pauses)


def test_a_503_with_retry_after_pauses_the_connection(server: Server) -> None:
    server.script = [Reply(503, headers={"Retry-After": "30"})]
    watch = Watch()
    with pytest.raises(Transient):
        api_for(server, watch).get("/x")
    assert watch.pauses == [30.0] * 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None), ("soon", None), ("-5", None), ("1.5", None), ("0", 0.0), (" 7 ", 7.0), ("9" * 30, 3600.0), ("７", None),
        ("Wed, 04 Mar 2026 12:01:00 GMT", 60.0), ("Wed, 04 Mar 2026 11:00:00 GMT", 0.0), ("Wed, 04 Mar 2026 12:00:00 +99999999999", None),
    ],
)  # fmt: skip
def test_retry_after_in_both_forms(text: str, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


def test_a_refusal_is_final(server: Server) -> None:
    server.script = [Reply(422)]
    with pytest.raises(Refused):
        api_for(server, Watch()).call("POST", "/x", effect=Effect.CREATE)
    assert len(server.seen) == 1


class Stamp(AuthBase):
    """Signs with a number that must never repeat."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self.count += 1
        request.headers["Authorization"] = f"Nonce {self.count}"
        return request


def test_every_attempt_is_signed_afresh(server: Server) -> None:
    server.script = [Reply(500), Reply(500), Reply()]
    api_for(server, Watch(), auth=Stamp()).get("/x")
    assert [headers["authorization"] for _, _, headers, _ in server.seen] == ["Nonce 1", "Nonce 2", "Nonce 3"]


class Wallet:
    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.stale: list[str] = []

    def current(self) -> str:
        return self.tokens[0]

    def renew(self, stale: str) -> str:
        self.stale.append(stale)
        if len(self.tokens) == 1:
            raise Unauthorised("nothing left")
        self.tokens.pop(0)
        return self.tokens[0]


def test_a_stale_token_is_renewed_once_and_the_call_repeated_even_a_create(server: Server) -> None:
    server.script = [Reply(401), Reply()]
    wallet = Wallet("old", "new")
    assert api_for(server, Watch(), auth=Bearer(wallet)).call("POST", "/x", json={"n": 1}, effect=Effect.CREATE).status == 200
    assert wallet.stale == ["old"]
    assert [headers["authorization"] for _, _, headers, _ in server.seen] == ["Bearer old", "Bearer new"]
    assert [body for *_, body in server.seen] == [b'{"n": 1}'] * 2


def test_a_second_401_is_final(server: Server) -> None:
    server.script = [Reply(401)]
    wallet = Wallet("a", "b", "c")
    with pytest.raises(Unauthorised):
        api_for(server, Watch(), auth=Bearer(wallet, header="X-Auth-Token", prefix="")).get("/x")
    assert wallet.stale == ["a"]
    assert [headers["x-auth-token"] for _, _, headers, _ in server.seen] == ["a", "b"]


def test_without_another_token_the_refusal_of_the_renewal_is_raised(server: Server) -> None:
    server.script = [Reply(401)]
    with pytest.raises(Unauthorised, match="nothing left"):
        api_for(server, Watch(), auth=Bearer(Wallet("a"))).get("/x")
    assert len(server.seen) == 1


def test_the_answer_has_a_largest_size(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_BODY", 1000)
    server.script = [Reply(200, b"x" * 1001)]
    with pytest.raises(Rejected) as caught:
        api_for(server, Watch()).get("/x")
    assert caught.value.code == "too_large"
    assert len(server.seen) == 1
    with pytest.raises(Unclear):
        api_for(server, Watch()).call("POST", "/x", effect=Effect.CREATE)


def test_a_compressed_bomb_is_stopped_by_its_unpacked_size(server: Server) -> None:
    server.script = [Reply(200, gzip.compress(b"\0" * (wire.MAX_BODY + 1)), {"Content-Encoding": "gzip"})]
    with pytest.raises(Rejected) as caught:
        api_for(server, Watch()).get("/x")
    assert caught.value.code == "too_large"


def test_a_compressed_answer_is_unpacked(server: Server) -> None:
    server.script = [Reply(200, gzip.compress(b'{"long": "' + b"y" * 300_000 + b'"}'), {"Content-Encoding": "gzip"})]
    assert len(api_for(server, Watch()).get("/x").json()["long"].text()) == 300_000


def test_a_drip_of_bytes_does_not_hold_us(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LONGEST_ANSWER", 0.2)
    monkeypatch.setattr(kit_http, "ATTEMPTS", 1)
    server.script = [Reply(200, b"z" * 200, drip=0.05)]
    started = time.monotonic()
    with pytest.raises(Transient):
        api_for(server, Watch()).get("/x")
    assert time.monotonic() - started < 2


def test_one_call_may_have_a_time_out_of_its_own(server: Server) -> None:
    server.script = [Reply(wait=0.4)]
    api = api_for(server, Watch(), timeout=(1.0, 5.0))
    with pytest.raises(Transient) as caught:
        api.call("GET", "/x", timeout=(1.0, 0.05))
    assert caught.value.code == "connection_broke"
    assert api.get("/x").status == 200


def test_headers_of_one_call_come_on_top(server: Server) -> None:
    api_for(server, Watch()).call("POST", "/x", form={"a": "1"}, headers={"Idempotency-Key": "k1"}, effect=Effect.CREATE)
    _, _, headers, body = server.seen[0]
    assert (headers["idempotency-key"], headers["x-app"], body) == ("k1", "1", b"a=1")


def test_connections_are_kept_alive_and_cookies_are_not_kept(server: Server) -> None:
    server.script = [Reply(headers={"Set-Cookie": "session=1"}), Reply(), Reply(204, b""), Reply()]
    api = api_for(server, Watch())
    for _ in range(4):
        api.get("/x")
    assert server.connections == 1
    assert all("cookie" not in headers for _, _, headers, _ in server.seen)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_never_followed(server: Server, status: int) -> None:
    server.script = [Reply(status, b"", {"Location": "https://user:pw@elsewhere.example/x?token=abc"})]
    with pytest.raises(NeedsAttention) as caught:
        api_for(server, Watch(), auth=Bearer(Wallet("t"))).get("/x")
    assert "https://elsewhere.example" in caught.value.message
    assert "pw" not in caught.value.message
    assert "abc" not in caught.value.message
    assert len(server.seen) == 1


def test_the_evidence_has_bodies_and_no_secret_in_the_address(server: Server) -> None:
    watch = Watch()
    api_for(server, watch).call("POST", "/x", params={"consumer_key": "ck_canary", "page": "2"}, json={"n": "1.00"})
    entry = watch.log[0]
    assert (entry.method, entry.status, entry.sent, entry.received) == ("POST", 200, b'{"n": "1.00"}', b'{"ok": true}')
    assert entry.at == NOW
    assert "ck_canary" not in entry.url
    assert "page=2" in entry.url


def test_a_path_starts_with_a_slash(server: Server) -> None:
    with pytest.raises(ValueError, match="slash"):
        api_for(server, Watch()).get("@127.0.0.1/x")
    assert server.seen == []


def test_a_lost_lease_stops_the_call_before_it_leaves(server: Server) -> None:
    def fence(_effect: Effect) -> None:
        raise Transient("lease lost")

    api = Api(Account("fence", server.url), server.url, by_status, Plumbing(before_call=fence, allow_private=True))
    with pytest.raises(Transient, match="lease lost"):
        api.call("POST", "/x", effect=Effect.CREATE)
    assert server.seen == []


@pytest.mark.parametrize("header", ["a\r\nX-Evil: 1", "é\n"])
def test_a_header_that_would_split_the_request_is_refused(server: Server, header: str) -> None:
    with pytest.raises(NeedsAttention):
        api_for(server, Watch()).call("GET", "/x", headers={"X-Key": header})
    assert server.seen == []


def test_a_lease_that_ran_out_at_the_door_stops_the_bytes(server: Server) -> None:
    api = Api(Account("door", server.url), server.url, by_status, Plumbing(before_call=lambda _effect: stopper(), allow_private=True))
    looks: list[str] = []

    def stopper() -> Callable[[], None]:
        looks.append("fence")
        return lambda: looks.append("door")

    api.call("POST", "/x", json={"a": 1}, effect=Effect.CREATE)
    assert looks[:2] == ["fence", "door"]
    seen = len(server.seen)

    class Lost(Exception):
        pass

    def lost() -> None:
        raise Lost

    fenced = Api(Account("door", server.url), server.url, by_status, Plumbing(before_call=lambda _effect: lost, allow_private=True))
    with pytest.raises(Lost):
        fenced.call("POST", "/x", json={"a": 1}, effect=Effect.CREATE)
    assert len(server.seen) == seen
    assert api.call("POST", "/x", json={"a": 1}, effect=Effect.CREATE).status == 200
