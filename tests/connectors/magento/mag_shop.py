"""A running sandbox shop whose every call is also judged by oauthlib's server side, a connection to it, and the fixtures."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from oauthlib.oauth1.rfc5849 import signature as oauth

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.order import Order
from connectors.kit.account import Account
from connectors.kit.http import Api, Plumbing
from connectors.kit.sandbox import Call, Sandbox, Served, serve
from connectors.kit.tame import parse_json
from connectors.platforms import magento
from connectors.platforms.magento import CONNECTOR
from connectors.platforms.magento.sandbox.seed import KEYS
from connectors.platforms.magento.sandbox.signing import parse_header

FIXTURES = Path(magento.__file__).parent / "fixtures"
ACCOUNT = Account("t", "https://shop.example", time_zone="America/Toronto", currency="CAD")
ORDERS, CUSTOMERS = CONNECTOR.reads[ObjectType.ORDER], CONNECTOR.writes[ObjectType.CUSTOMER]
_fresh = count(1)


def raw(name: str) -> Any:
    """A fixture, fresh each time."""
    return copy.deepcopy(parse_json((FIXTURES / f"{name}.json").read_bytes(), name).value)


def order_of(found: Any, account: Account = ACCOUNT) -> Order:
    order: Order = ORDERS.normalise(found, account)
    return order


# ---- the referee -------------------------------------------------------------------------------------------


def well_signed(call: Call, home: str, consumer_secret: str, token_secret: str) -> bool:
    """Whether oauthlib, which made none of the sandbox's checks, accepts the signature of a call as it came over the wire."""
    header = call.headers.get("authorization", "")
    given = parse_header(header)
    if given.get("oauth_signature_method") != "HMAC-SHA256":
        return False
    body = call.body.decode() if "x-www-form-urlencoded" in call.headers.get("content-type", "") else ""
    parameters = oauth.collect_parameters(
        uri_query=call.url.partition("?")[2], body=body, headers={"Authorization": header}, exclude_oauth_signature=True
    )
    request = SimpleNamespace(
        uri=f"{home}{call.url}", http_method=call.method, params=parameters, signature=given.get("oauth_signature", "")
    )
    return bool(oauth.verify_hmac_sha256(request, consumer_secret, token_secret))


@dataclass
class Judged:
    """What the referee saw."""

    good: int = 0
    bad: list[str] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)


def _judged(sandbox: Sandbox, judged: Judged) -> Sandbox:
    """Put the referee before every route; calls that carry no OAuth header are none of its business."""
    home = sandbox.state.home

    def watch(call: Call) -> None:
        given = parse_header(call.headers.get("authorization", ""))
        if not given:
            return
        judged.targets.append(call.url)
        judged.nonces.append(given.get("oauth_nonce", ""))
        one = sandbox.state.integrations.get(given.get("oauth_consumer_key", ""))
        secret = "" if one is None else one.request_secret if one.request_token else one.access_token_secret
        if call.path.endswith("/token/request"):
            secret = ""
        if one is not None and well_signed(call, home, one.consumer_secret, secret):
            judged.good += 1
        else:
            judged.bad.append(call.url)

    whole = sandbox.handle

    def handle(call: Call) -> Any:
        watch(call)
        return whole(call)

    sandbox.handle = handle  # type: ignore[method-assign]
    return sandbox


# ---- the shop ----------------------------------------------------------------------------------------------


@dataclass
class Shopping:
    """The sandbox, a connection to it, and the referee's book."""

    served: Served
    account: Account
    api: Api
    judged: Judged

    def ask(self, action: str, **body: Any) -> Any:
        found = self.served.sandbox.command(action, body)
        assert not (isinstance(found, dict) and "error" in found), found
        return found

    def place(self, *rows: Any, **more: Any) -> dict[str, Any]:
        return dict(self.ask("place_order", rows=list(rows) or [["LAMP-BRASS", 1]], **more))

    def order(self, order_id: str) -> Order:
        return order_of(ORDERS.fetch(self.api, str(order_id)), self.account)

    def shown(self, order_id: str) -> dict[str, Any]:
        return dict(self.ask("order", id=order_id)["order"])

    def notes(self, order_id: str) -> list[dict[str, Any]]:
        return list(self.ask("order", id=order_id)["notes"])

    def customer(self, customer_id: str) -> dict[str, Any]:
        return dict(self.ask("customer", id=customer_id))

    def faults(self, *faults: dict[str, Any]) -> None:
        self.served.sandbox.command("faults", {"faults": list(faults)})

    def calls(self) -> list[str]:
        return [f"{entry['method']} {entry['path']}" for entry in self.served.sandbox.log]

    def writes(self) -> list[str]:
        return [call for call in self.calls() if not call.startswith("GET ")]

    def forget(self) -> None:
        self.served.sandbox.command("forget", {})

    def walked(self, kind: ObjectType = ObjectType.ORDER, window: Window | None = None, api: Api | None = None) -> list[str]:
        """The ids that a walk through the window finds, page by page."""
        page_of = CONNECTOR.reads[kind].page
        assert page_of is not None
        found: list[str] = []
        cursor: str | None = None
        for _ in range(300):
            page = page_of(api or self.api, window or wide(), cursor)
            found += [notice.source_id for notice in page.notices]
            cursor = page.next
            if cursor is None:
                return found
        raise AssertionError("the walk does not end")

    def opened(self, secrets: dict[str, str] | None = None, **settings: Any) -> Api:
        """Another connection to the same shop."""
        account = replace(
            self.account,
            key=f"{self.account.key}-{next(_fresh)}",
            secrets={**self.account.secrets, **(secrets or {})},
            settings={**self.account.settings, **settings},
        )
        return CONNECTOR.open(account, plumbing())


def plumbing(**more: Any) -> Plumbing:
    return Plumbing(allow_private=True, sleep=lambda _seconds: None, **more)


def wide() -> Window:
    now = datetime.now(UTC)
    return Window(now - timedelta(days=4000), now + timedelta(days=2))


@contextmanager
def shop(**switches: Any) -> Iterator[Shopping]:
    """A shop with these switches. At the end every signed call must have pleased the referee, each with a nonce of its own."""
    judged = Judged()
    spec = CONNECTOR.sandbox
    assert spec is not None
    served = serve(lambda url, options: _judged(spec.build(url, options), judged), {"seed": 7, **switches})
    account = Account(f"mag-{next(_fresh)}", served.url, secrets=dict(KEYS), time_zone="America/Toronto", currency="CAD")
    try:
        yield Shopping(served, account, CONNECTOR.open(account, plumbing()), judged)
        assert not served.sandbox.crashes
    finally:
        served.stop()
