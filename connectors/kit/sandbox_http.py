"""The small HTTP/1.1 server under the sandboxes: one thread per connection, kept alive, one write per answer."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl

MAX_BODY = 64 * 1024 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Dropped(Exception):
    """The connection closes without an answer."""


class MalformedBody(ValueError):
    """The body of a call is not what its reader expected."""


@dataclass(frozen=True)
class Call:
    """A request that reached the sandbox; header names in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    url: str

    def parameter(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return dict(self.query).get(name, default)

    def json(self, *, exact: bool = False) -> Any:
        """The body as JSON, null when empty; exact reads numbers with a point as Decimal. Raises MalformedBody."""
        try:
            return json.loads(self.body or b"null", parse_float=Decimal if exact else None)
        except (ValueError, RecursionError) as error:
            raise MalformedBody(str(error)) from error

    def form(self) -> dict[str, str]:
        """The body as form fields. Raises MalformedBody."""
        try:
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        except ValueError as error:
            raise MalformedBody(str(error)) from error


@dataclass(frozen=True)
class Answer:
    """What the sandbox answers."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
        """A JSON answer."""
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    while (line := stream.readline(65536)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.partition(b":")
        headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
    return headers


def _read_call(stream: BinaryIO, interim: Callable[[bytes], None]) -> Call | None:
    """The next request, None at the end of the connection; ValueError when it makes no sense."""
    line = stream.readline(65536)
    if not line.strip():
        return None
    method, target, _version = line.decode("latin-1").split()
    headers = _read_headers(stream)
    if "transfer-encoding" in headers:
        raise ValueError("chunked bodies are not taken")
    length = int(headers.get("content-length") or 0)
    if not 0 <= length <= MAX_BODY:
        raise ValueError("a body of that size is not taken")
    if headers.get("expect", "").lower() == "100-continue":
        interim(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = stream.read(length) if length else b""
    if len(body) < length:
        return None
    path, _, query = target.partition("?")
    return Call(method, path, tuple(parse_qsl(query, keep_blank_values=True)) if query else (), headers, body, target)


def _wire(answer: Answer, method: str, closing: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    silent = answer.status in (204, 304)
    if not silent:
        lines.append(f"Content-Length: {len(answer.body)}")
    if closing:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return head if silent or method == "HEAD" else head + answer.body


class Server(socketserver.ThreadingTCPServer):
    """Serves answer_call; stop closes the open connections too, as a platform that goes down does."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], answer_call: Callable[[Call], Answer]) -> None:
        self.answer_call = answer_call
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Connection)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        with self._open_lock:
            for connection in self._open:
                _hang_up(connection)

    def remember(self, connection: socket.socket) -> None:
        with self._open_lock:
            self._open.add(connection)

    def forget(self, connection: socket.socket) -> None:
        with self._open_lock:
            self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Connection(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.remember(connection)
        try:
            with cast(BinaryIO, connection.makefile("rb", 65536)) as stream:
                while self._serve_one(connection, stream):
                    pass
        except (OSError, Dropped):
            return
        finally:
            self.server.forget(connection)

    def _serve_one(self, connection: socket.socket, stream: BinaryIO) -> bool:
        try:
            call = _read_call(stream, connection.sendall)
        except ValueError as error:
            connection.sendall(_wire(Answer.of({"message": f"bad request: {error}"}, 400), "GET", closing=True))
            return False
        if call is None:
            return False
        closing = call.headers.get("connection", "").lower() == "close"
        answer = self.server.answer_call(call)
        connection.sendall(_wire(answer, call.method, closing))
        return not closing
