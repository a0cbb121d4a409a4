"""The base of the sandboxes: a stateful miniature of a platform over HTTP, with faults, a request log and an admin port."""

from __future__ import annotations

import random
import re
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.kit.sandbox_delivery import Courier
from connectors.kit.sandbox_http import Answer, Call, Dropped, MalformedBody, Server

__all__ = ["Answer", "Call", "Dropped", "Fault", "Handler", "MalformedBody", "Sandbox", "Served", "serve"]

Handler = Callable[..., Answer]
_DIGITS = re.compile(r"[0-9]+")


@dataclass
class Fault:
    """Something that goes wrong on purpose for matching calls, `times` times (-1: for ever) or with a probability.

    kind: status (answers `status` with `body` and `headers`, no effect), html (an HTML error page), drop_before (no effect, connection
    closed), drop_after (effect, then connection closed), late (the connection closes at once, the effect comes `seconds` later),
    slow (answers `seconds` late). skip: let so many matching calls through first.
    """

    kind: str
    method: str = ""
    path: str = ""
    times: int = 1
    probability: float = 1.0
    seconds: float = 0.0
    status: int = 500
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    skip: int = 0

    def matches(self, call: Call) -> bool:
        return (not self.method or self.method == call.method) and bool(re.search(self.path, call.path))

    def strikes(self, chance: float) -> bool:
        """Whether this matching call is hit; counts skip and times down."""
        if not self.times:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if chance >= self.probability:
            return False
        self.times -= 1 if self.times > 0 else 0
        return True


class Sandbox:
    """Routes over shared state. One lock serialises the handlers; latency is added outside it.

    Subclass-free: a platform builds one with its routes, an `admin` table of its own actions (POST /<name> on the admin port, called
    with the JSON body, answering JSON). `unrouted` answers unknown paths and `malformed` bodies that cannot be read. A handler that
    crashes answers 500 and leaves its traceback in `crashes`: a test asserts that there are none.
    """

    def __init__(self, state: Any, *, seed: int = 1) -> None:
        self.state = state
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self.routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self.admin: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.faults: list[Fault] = []
        self.latency = 0.0
        self.log: deque[dict[str, Any]] = deque(maxlen=20000)
        self.counters: Counter[str] = Counter()
        self.crashes: deque[str] = deque(maxlen=100)
        self.courier = Courier(self.random)
        self.unrouted = Answer.of({"message": "no such route"}, 404)
        self.malformed = Answer.of({"message": "the body could not be read"}, 400)
        self._late = 0

    def route(self, method: str, pattern: str, handler: Handler) -> None:
        """Send calls of this method whose whole path matches the pattern to handler(call, **named groups)."""
        self.routes.append((method, re.compile(pattern), handler))

    def handle(self, call: Call) -> Answer:
        """One call with latency and faults; raises Dropped when the connection shall just close."""
        if self.latency:
            time.sleep(self.latency)
        fault = self._fault(call) if self.faults else None
        return self._faulty(call, fault) if fault else self._routed(call)

    def _fault(self, call: Call) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.matches(call) and fault.strikes(self.random.random()):
                    self.counters[f"fault {fault.kind}"] += 1
                    return fault
        return None

    def _faulty(self, call: Call, fault: Fault) -> Answer:
        if fault.kind == "status":
            return self._noted(call, Answer(fault.status, fault.body.encode(), fault.headers))
        if fault.kind == "html":
            page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
            return self._noted(call, Answer(fault.status, page, {"Content-Type": "text/html"}))
        if fault.kind == "slow":
            time.sleep(fault.seconds)
            return self._routed(call)
        if fault.kind == "late":
            self._route_later(call, fault.seconds)
        elif fault.kind == "drop_after":
            self._routed(call)
        raise Dropped

    def _route_later(self, call: Call, seconds: float) -> None:
        def arrive() -> None:
            try:
                self._routed(call)
            finally:
                with self.lock:
                    self._late -= 1

        with self.lock:
            self._late += 1
        timer = threading.Timer(seconds, arrive)
        timer.daemon = True
        timer.start()

    def _routed(self, call: Call) -> Answer:
        for method, pattern, handler in self.routes:
            if method == call.method and (match := pattern.fullmatch(call.path)):
                with self.lock:
                    return self._noted(call, self._answer(call, handler, match.groupdict()))
        return self._noted(call, self.unrouted)

    def _answer(self, call: Call, handler: Handler, found: dict[str, Any]) -> Answer:
        try:
            return handler(call, **found)
        except MalformedBody:
            return self.malformed
        except Dropped:
            raise
        except Exception:  # noqa: BLE001 - a bug here must show as a 500 and a traceback, not as a dead connection
            self.crashes.append(traceback.format_exc())
            self.counters["crashes"] += 1
            return Answer.of({"message": "the sandbox crashed"}, 500)

    def _noted(self, call: Call, answer: Answer) -> Answer:
        entry = {
            "at": time.time(),
            "method": call.method,
            "path": call.path,
            "query": call.query,
            "body": call.body.decode("utf-8", "replace"),
            "status": answer.status,
        }
        with self.lock:
            self.counters["calls"] += 1
            self.counters[f"{call.method} {_DIGITS.sub('N', call.path)} {answer.status}"] += 1
            self.log.append(entry)
        return answer

    def command(self, name: str, body: dict[str, Any]) -> Any:
        """An action of the admin port: the shared ones, then the platform's own. KeyError when there is no such."""
        shared: dict[str, Callable[[dict[str, Any]], Any]] = {
            "requests": lambda _: self._locked(lambda: list(self.log)),
            "counters": lambda _: self._locked(lambda: dict(self.counters)),
            "crashes": lambda _: self._locked(lambda: list(self.crashes)),
            "faults": self._set_faults,
            "latency": self._set_latency,
            "deliveries": self.courier.configure,
            "delivered": lambda _: list(self.courier.answers),
            "settled": lambda _: {"pending": self.courier.pending + self._late},
            "forget": lambda _: self._locked(self._forget),
        }
        return (shared.get(name) or self.admin[name])(body)

    def _locked(self, read: Callable[[], Any]) -> Any:
        with self.lock:
            return read()

    def _forget(self) -> dict[str, Any]:
        self.log.clear()
        self.counters.clear()
        self.courier.answers.clear()
        return {}

    def _set_faults(self, body: dict[str, Any]) -> Any:
        """{"faults": [{...}]} replaces the list of faults."""
        faults = [Fault(**fault) for fault in body.get("faults", [])]
        with self.lock:
            self.faults = faults
        return {"faults": len(faults)}

    def _set_latency(self, body: dict[str, Any]) -> Any:
        self.latency = float(body["seconds"])
        return {"seconds": self.latency}


@dataclass(frozen=True)
class Served:
    """A running sandbox: where it answers, where its admin port is, and how to stop it."""

    url: str
    admin_url: str
    sandbox: Sandbox
    servers: tuple[Server, ...]

    def stop(self) -> None:
        self.sandbox.courier.stop()
        for server in self.servers:
            server.stop()


def serve(
    build: Callable[[str, Mapping[str, Any]], Sandbox],
    options: Mapping[str, Any] | None = None,
    *,
    port: int = 0,
    admin_port: int = 0,
    host: str = "127.0.0.1",
) -> Served:
    """Run a sandbox on loopback in threads of this process (port 0: any free one); returns at once."""
    holder: list[Sandbox] = []
    front = Server((host, port), lambda call: holder[0].handle(call))
    url = f"http://{host}:{front.server_address[1]}"
    holder.append(build(url, options or {}))

    def administer(call: Call) -> Answer:
        try:
            return Answer.of(holder[0].command(call.path.strip("/"), call.json() or {}))
        except KeyError as error:
            return Answer.of({"error": f"no such action or field: {error}"}, 404)
        except (MalformedBody, TypeError, ValueError) as error:
            return Answer.of({"error": f"the action cannot be done so: {error}"}, 400)

    back = Server((host, admin_port), administer)
    for server in (front, back):
        server.start()
    return Served(url, f"http://{host}:{back.server_address[1]}", holder[0], (front, back))
