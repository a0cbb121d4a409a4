"""Webhook endpoints of the Stripe sandbox: the secret is told once, the version stays, a disabled one gets nothing."""

from __future__ import annotations

from connectors.platforms.stripe.api import VERSION
from connectors.platforms.stripe.sandbox.lists import listed
from connectors.platforms.stripe.sandbox.reading import flag, metadata, only, required, text_or_none
from connectors.platforms.stripe.sandbox.state import Refusal, Row, Wallet


def shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _read(wallet: Wallet, fields: Row, row: Row) -> Row:
    found: Row = {}
    if "url" in fields:
        if wallet.livemode and not fields["url"].startswith("https://"):
            raise Refusal(400, "Invalid URL: in live mode it must be https.", code="url_invalid", param="url")
        found["url"] = fields["url"]
    if "enabled_events" in fields:
        found["enabled_events"] = list(fields["enabled_events"])
    if "description" in fields:
        found["description"] = text_or_none("description", fields["description"])
    if "metadata" in fields:
        found["metadata"] = metadata(row["metadata"], fields["metadata"])
    return found


def create_endpoint(wallet: Wallet, fields: Row) -> Row:
    only(fields, ("url", "enabled_events", "api_version", "description", "metadata", "connect"))
    required(fields, "url", "enabled_events")
    row = wallet.base("we", "webhook_endpoint") | {
        "api_version": fields.get("api_version", VERSION),
        "application": None,
        "description": None,
        "status": "enabled",
        "_secret": f"whsec_{wallet.new_id('x')[2:]}",
    }
    row |= _read(wallet, fields, row)
    wallet.save("webhook_endpoints", row)
    return shown(row) | {"secret": row["_secret"]}


def update_endpoint(wallet: Wallet, fields: Row, id: str) -> Row:
    only(fields, ("url", "enabled_events", "description", "metadata", "disabled"))
    row = wallet.row("webhook_endpoints", id, "webhook endpoint")
    row.update(_read(wallet, fields, row))
    if "disabled" in fields:
        row["status"] = "disabled" if flag("disabled", fields["disabled"]) else "enabled"
    return shown(row)


def get_endpoint(wallet: Wallet, fields: Row, id: str) -> Row:
    return shown(wallet.row("webhook_endpoints", id, "webhook endpoint"))


def list_endpoints(wallet: Wallet, fields: Row) -> Row:
    return listed([shown(row) for row in wallet.tables["webhook_endpoints"].values()], fields, "/v1/webhook_endpoints", {})


def delete_endpoint(wallet: Wallet, fields: Row, id: str) -> Row:
    wallet.row("webhook_endpoints", id, "webhook endpoint")
    del wallet.tables["webhook_endpoints"][id]
    return {"id": id, "object": "webhook_endpoint", "deleted": True}
