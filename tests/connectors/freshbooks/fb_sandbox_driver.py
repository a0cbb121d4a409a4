"""Drives a FreshBooks sandbox in tests: plain calls, the admin port, and a place that receives webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import requests

from connectors.kit.sandbox import Served, serve
from connectors.platforms.freshbooks.sandbox import build, connection
from connectors.platforms.freshbooks.sandbox.state import MAIN_ACCOUNT

TOKEN = "sandbox-access-token"
Response = requests.Response


class Driver:
    def __init__(self, served: Served) -> None:
        self.served = served
        self.url = served.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = TOKEN
        self.connection = connection(served.url)

    def raw(self, method: str, path: str, **options: Any) -> Response:
        """A call to any path, with the bearer token."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.session.request(method, self.url + path, headers=headers, allow_redirects=False, timeout=10, **options)

    def call(self, method: str, path: str, body: Any = None, account: str = MAIN_ACCOUNT, **params: Any) -> Response:
        """A call of the accounting family; params with __ stand for brackets: search__email -> search[email]."""
        query = {key.replace("__", "[") + "]" if "__" in key else key: value for key, value in params.items()}
        if "include" in query:
            query["include[]"] = query.pop("include")
        return self.raw(method, f"/accounting/account/{account}/{path}", json=body, params=query)

    def ok(self, method: str, path: str, body: Any = None, **params: Any) -> dict[str, Any]:
        answer = self.call(method, path, body, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()["response"]["result"]

    def refused(self, method: str, path: str, body: Any = None, **params: Any) -> tuple[int, int, str]:
        """Status, errno and field of an error in the classic shape."""
        answer = self.call(method, path, body, **params)
        error = answer.json()["response"]["errors"][0]
        assert set(error) == {"errno", "field", "message", "object", "value"}
        return answer.status_code, error["errno"], error["field"]

    def events(self, method: str, row_id: Any = "", body: Any = None) -> Response:
        path = f"/events/account/{MAIN_ACCOUNT}/events/callbacks" + (f"/{row_id}" if row_id else "")
        return self.raw(method, path, json=None if body is None else {"callback": body})

    def admin(self, action: str, **body: Any) -> Any:
        answer = self.session.post(f"{self.served.admin_url}/{action}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def settled(self) -> None:
        """Wait until no webhook is under way."""
        deadline = time.monotonic() + 8
        while self.admin("settled")["pending"]:
            assert time.monotonic() < deadline, "webhooks are still under way"
            time.sleep(0.01)

    def client(self, **fields: Any) -> dict[str, Any]:
        return self.ok("POST", "users/clients", {"client": {"fname": "Ida", "email": "ida@shop.example", **fields}})["client"]

    def invoice(self, customer: int, *amounts: str, **fields: Any) -> dict[str, Any]:
        lines = [{"name": "Bowl", "qty": "1", "unit_cost": {"amount": amount}} for amount in amounts]
        body = {"customerid": customer, "create_date": "2026-07-01", "lines": lines, **fields}
        return self.ok("POST", "invoices/invoices", {"invoice": body})["invoice"]

    def pay(self, invoice: int, amount: str, **fields: Any) -> dict[str, Any]:
        body = {"invoiceid": invoice, "amount": {"amount": amount}, "date": "2026-07-02", "type": "Cash", **fields}
        return self.ok("POST", "payments/payments", {"payment": body})["payment"]


@contextmanager
def running(**options: Any) -> Iterator[Driver]:
    """A sandbox with these switches; it must not have crashed anywhere."""
    served = serve(build, options)
    driver = Driver(served)
    try:
        yield driver
        assert driver.admin("crashes") == []
    finally:
        driver.session.close()
        served.stop()


class Receiver:
    """Takes webhooks: (headers in lower case, body, pairs). status is what it answers next."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        outer = self

        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/in/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def fields(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(body.decode(), keep_blank_values=True)) for _, body in self.received]

    def names(self) -> list[str]:
        return [fields["name"] for fields in self.fields()]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


INVOICES = "invoices/invoices"


def put(books: Driver, invoice: int, **fields: Any) -> dict[str, Any]:
    return books.ok("PUT", f"{INVOICES}/{invoice}", {"invoice": fields})["invoice"]


def get(books: Driver, invoice: int, **params: Any) -> dict[str, Any]:
    return books.ok("GET", f"{INVOICES}/{invoice}", **params)["invoice"]


def sums(invoice: dict[str, Any]) -> tuple[str, str, str]:
    return invoice["amount"]["amount"], invoice["paid"]["amount"], invoice["outstanding"]["amount"]


def statuses(invoice: dict[str, Any]) -> tuple[int, str, str, str]:
    return invoice["status"], invoice["v3_status"], invoice["payment_status"], invoice["display_status"]
