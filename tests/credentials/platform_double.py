"""A made-up platform for tests of the credentials: a token server on loopback that rotates refresh tokens and notices reuse."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors.kit.account import Account
from connectors.kit.contract import Auth, Candidate, Connector, Handover, Keys, Probe, RateLimit, Setting
from connectors.kit.errors import SyncError, Unauthorised
from connectors.kit.http import Api, Bearer, Plumbing, Response
from connectors.kit.tame import parse_json


@dataclass
class TokenServer:
    """Its state. Refresh tokens and codes are single-use; one that comes again is counted as reuse and refused."""

    url: str = ""
    life: int = 43200
    delay: float = 0.0
    refresh_token: str = "refresh-token-0"
    codes: set[str] = field(default_factory=set)
    forms: list[dict[str, str]] = field(default_factory=list)
    reused: int = 0
    issued: int = 0
    broken: tuple[int, bytes] | None = None
    refusal_status: int = 400
    accounts: tuple[Candidate, ...] = ()
    lasting: bool = False  # gives tokens that do not expire, and no refresh token
    more: dict[str, Any] = field(default_factory=dict)  # further members of its answers
    lose: int = 0  # so many answers get lost after their effect
    forgiving: bool = False  # takes the refresh token before the present one again, as long as that was not used
    previous: str = ""
    dead_tokens: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def token(self, form: dict[str, str]) -> tuple[int, bytes]:
        time.sleep(self.delay)
        with self.lock:
            self.forms.append(form)
            if self.broken:
                return self.broken
            if (form.get("client_id"), form.get("client_secret")) != ("app-client-id", "app-client-secret"):
                return 401, b'{"error":"invalid_client"}'
            if not self._spend(form):
                self.reused += 1
                return self.refusal_status, b'{"error":"invalid_grant","error_description":"used"}'
            return 200, json.dumps(self._issue(form) | self.more).encode()

    def _issue(self, form: dict[str, str]) -> dict[str, Any]:
        self.issued += 1
        answer: dict[str, Any] = {"access_token": f"access-token-{self.issued}", "token_type": "Bearer"}
        if self.lasting:
            return answer
        answer["expires_in"] = self.life
        if form.get("grant_type") == "client_credentials":
            return answer
        self.previous, self.refresh_token = self.refresh_token, f"refresh-token-{self.issued}"
        return answer | {"refresh_token": self.refresh_token}

    def _spend(self, form: dict[str, str]) -> bool:
        if form.get("grant_type") == "client_credentials":
            return True
        if self.forgiving and form.get("refresh_token") == self.previous:
            return True
        if "code" in form:
            good = form.get("code") in self.codes
            self.codes.discard(form.get("code", ""))
            return good
        return form.get("refresh_token") == self.refresh_token


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: TokenServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        status, answer = self.state.token(dict(parse_qsl(body.decode())))
        if self.state.lose:
            self.state.lose -= 1
            self.close_connection = True
            self.connection.close()
            return
        self._answer(status, answer)

    def do_GET(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        good = token.startswith("access-token-") and token not in self.state.dead_tokens
        self._answer(200 if good else 401, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        return None


@contextmanager
def token_server() -> Iterator[TokenServer]:
    state = TokenServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _classify(response: Response) -> SyncError | None:
    return Unauthorised("refused") if response.status == 401 else None


def _open(account: Account, plumbing: Plumbing) -> Api:
    auth = Bearer(plumbing.tokens) if plumbing.tokens else None
    return Api(account=account, base_url=account.base_url, classify=_classify, plumbing=plumbing, auth=auth)


def _start(base_url: str, app_name: str, state: str, return_url: str, callback_url: str) -> str:
    query = {"app_name": app_name, "user_id": state, "return_url": return_url, "callback_url": callback_url}
    return f"{base_url}/authorize?{urlencode(query)}"


def _read(body: bytes) -> tuple[str, Mapping[str, str]]:
    callback = parse_json(body, "callback")
    return callback["user_id"].text(), {"key": callback["key"].text(), "key_secret": callback["key_secret"].text()}


SECRETS = ("client_id", "client_secret", "key", "key_secret")


def make_connector(platform: str, auth: Auth, probe: Callable[[Api], Probe]) -> Connector:
    return Connector(
        platform=platform,
        label=platform.title(),
        auth=auth,
        settings=tuple(Setting(name, name, secret=True) for name in SECRETS),
        open=_open,
        probe=probe,
        reads={},
        writes={},
        limits=RateLimit(per_second=500, burst=500),
        handover=Handover(_start, _read) if isinstance(auth, Keys) else None,
    )


def probe_facts(api: Api) -> Probe:
    """A real call; what it finds is fixed."""
    api.get("/me")
    return Probe(facts={"name": "Ada Ltd"}, ids={"probed": "yes"}, currency="CAD", time_zone="America/Toronto")
