"""Events of the Stripe sandbox: kept for the event log, signed and delivered to every endpoint that wants them."""

from __future__ import annotations

import copy
import json
from typing import Any

from connectors.kit.sandbox import Sandbox
from connectors.kit.signatures import hex_signature
from connectors.platforms.stripe.api import VERSION
from connectors.platforms.stripe.sandbox.lists import equals, listed
from connectors.platforms.stripe.sandbox.state import ACCOUNT, Refusal, Row, Wallet


def tell(wallet: Wallet, kind: str, found: Row, previous: Row | None = None) -> Row:
    """Log an event about the object as it stands now, and send it out."""
    data: Row = {"object": copy.deepcopy(found)}
    if previous is not None:
        data["previous_attributes"] = previous
    event: Row = {
        "id": wallet.new_id("evt"),
        "object": "event",
        "account": ACCOUNT,
        "api_version": VERSION,
        "created": wallet.now(),
        "data": data,
        "livemode": wallet.livemode,
        "pending_webhooks": len(_wanting(wallet, kind)),
        "request": {"id": "req_sandbox" if wallet.request_key else None, "idempotency_key": wallet.request_key},
        "type": kind,
    }
    wallet.save("events", event)
    wallet.announce(event)
    return event


def _wanting(wallet: Wallet, kind: str) -> list[Row]:
    """The enabled endpoints for this kind; a disabled one gets nothing, now or later."""
    rows = wallet.tables["webhook_endpoints"].values()
    return [row for row in rows if row["status"] == "enabled" and ({"*", kind} & set(row["enabled_events"]))]


def signature(secret: str, body: bytes, seconds: int) -> str:
    """The header's value: the time, and the signature over "time.body"."""
    return f"t={seconds},v1={hex_signature(secret, str(seconds).encode() + b'.' + body)}"


def announcer(sandbox: Sandbox, wallet: Wallet) -> Any:
    """Deliver in the background; a failed delivery is tried a few more times."""

    def announce(event: Row) -> None:
        body = json.dumps(event, indent=2).encode()
        for endpoint in _wanting(wallet, event["type"]):
            send(sandbox, wallet, endpoint, body)

    return announce


def send(sandbox: Sandbox, wallet: Wallet, endpoint: Row, body: bytes) -> None:
    secrets = [endpoint["_secret"], *endpoint.get("_older", ())]
    now = wallet.now()
    header = ",".join([f"t={now}", *(signature(secret, body, now).partition(",")[2] for secret in secrets)])
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0", "Stripe-Signature": header}
    sandbox.courier.send(endpoint["url"], body, headers, pauses=wallet.retry_pauses)


def get_event(wallet: Wallet, fields: Row, id: str) -> Row:
    return wallet.row("events", id, "event")


def list_events(wallet: Wallet, fields: Row) -> Row:
    """By type (a wildcard is fine) or up to twenty types, not both."""
    if "type" in fields and "types" in fields:
        raise Refusal(400, "You may only specify one of these parameters: type, types.", param="types")
    if len(fields.get("types", ())) > 20:
        raise Refusal(400, "Array must have at most 20 elements.", param="types")
    filters = {
        "type": lambda row, value: row["type"] == value or (value.endswith("*") and row["type"].startswith(value[:-1])),
        "types": lambda row, value: row["type"] in value,
        "delivery_success": equals("delivery_success"),
    }
    oldest = wallet.now() - 30 * 86400
    rows = [row for row in wallet.tables["events"].values() if row["created"] >= oldest]
    return listed(rows, fields, "/v1/events", filters)
