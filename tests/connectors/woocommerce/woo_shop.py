"""What the tests of the WooCommerce sandbox share: a running shop, and somebody who receives its webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from connectors.kit.sandbox import Served, serve
from connectors.platforms.woocommerce.sandbox import build, connection

NOON = "2026-03-10T16:00:00+00:00"  # noon in Toronto, daylight saving time: UTC-4


@dataclass
class OpenShop:
    """A served sandbox with its default key at hand."""

    served: Served
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        secrets = connection(self.served.url)["secrets"]
        self.key = (secrets["consumer_key"], secrets["consumer_secret"])
        self.session.auth, self.session.trust_env = self.key, False
        self.url, self.api = self.served.url, f"{self.served.url}/wp-json/wc/v3"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.api + path, timeout=10, allow_redirects=False, **options)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.call("POST", path, json=body)

    def put(self, path: str, body: Any) -> requests.Response:
        return self.call("PUT", path, json=body)

    def delete(self, path: str, **params: Any) -> requests.Response:
        return self.call("DELETE", path, params=params)

    def order(self, **fields: Any) -> dict[str, Any]:
        """A new order over REST; without lines it has one of 10.00."""
        answer = self.post("/orders", {"line_items": [{"sku": "SPOON-3", "quantity": 1}], **fields})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def admin(self, action: str, **body: Any) -> Any:
        answer = self.session.post(f"{self.served.admin_url}/{action}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def hook(self, topic: str, url: str, **fields: Any) -> dict[str, Any]:
        """A registered webhook."""
        answer = self.post("/webhooks", {"topic": topic, "delivery_url": url, "secret": "s3cret", **fields})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def settle(self) -> None:
        """Wait until everything that was sent has been answered."""
        wait_for(lambda: self.admin("settled")["pending"] == 0)


@contextmanager
def open_shop(**options: Any) -> Iterator[OpenShop]:
    """A shop for the length of a test; its clock stands at noon unless told otherwise."""
    served = serve(build, {"now": NOON, **options})
    try:
        yield OpenShop(served)
        assert list(served.sandbox.crashes) == []
    finally:
        served.stop()


@dataclass
class Receiver:
    """Answers what it is told to (a status, and a Location for redirects) and remembers what came."""

    url: str
    status: int = 200
    location: str = ""
    seconds: float = 0.0
    before_answer: Callable[[], None] = lambda: None
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def deliveries(self) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for _, headers, body in self.got if "x-wc-webhook-topic" in headers]

    @property
    def pings(self) -> list[bytes]:
        return [body for _, headers, body in self.got if "x-wc-webhook-topic" not in headers and body]

    def topics(self) -> list[str]:
        return [headers["x-wc-webhook-topic"] for headers, _ in self.deliveries]


@contextmanager
def receiver(status: int = 200) -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    holder: list[Receiver] = []

    class Request(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            me = holder[0]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            me.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(me.seconds)
            me.before_answer()
            landed = self.path == "/landed"
            self.send_response(200 if landed else me.status)
            if me.location and not landed:
                self.send_header("Location", me.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    server.daemon_threads = True
    holder.append(Receiver(f"http://127.0.0.1:{server.server_address[1]}", status))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield holder[0]
    finally:
        server.shutdown()
        server.server_close()


def wait_for(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Poll until it holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")
