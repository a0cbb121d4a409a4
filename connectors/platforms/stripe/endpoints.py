"""Webhook endpoints: one for everything that we follow, made with our version, its secret told once."""

from __future__ import annotations

from connectors.kit.contract import RemoteSubscription, Subscriptions
from connectors.kit.errors import Gone
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.stripe import api as stripe
from connectors.platforms.stripe.amounts import read_time
from connectors.platforms.stripe.customers import MARKER, marker_of
from connectors.platforms.stripe.listing import EVENTS

PATH = "/v1/webhook_endpoints"
TOPIC = "collection"


def _address(id: str) -> str:
    return f"{PATH}/{stripe.path_id(('we_',), id)}"


def _is_current(endpoint: Tame) -> bool:
    """Made by us for all that we follow today, in our version: neither can be told from the topic alone."""
    events = {event.text() for event in endpoint["enabled_events"].items()}
    version = endpoint.get("api_version").text_or()
    return marker_of(endpoint) == TOPIC and version == stripe.VERSION and ("*" in events or events >= set(EVENTS))


def _read(endpoint: Tame) -> RemoteSubscription:
    topic = TOPIC if _is_current(endpoint) else f"{TOPIC} (outdated)"
    return RemoteSubscription(
        endpoint["id"].known_identifier(),
        topic,
        endpoint["url"].text(),
        "active" if endpoint["status"].text() == "enabled" else "disabled",
        read_time(endpoint["created"]),
        secret=endpoint.get("secret").text_or(),
    )


def list_endpoints(api: Api) -> tuple[RemoteSubscription, ...]:
    return tuple(_read(row) for row in stripe.list_all(api, PATH, "webhook_endpoint", {}) if marker_of(row))


def create_endpoint(api: Api, topic: str, url: str, secret: str) -> RemoteSubscription:
    """Register; the secret comes in the answer. What we made for this address before, in another version, goes first."""
    for old in list_endpoints(api):
        if old.url == url and old.topic != TOPIC:
            delete_endpoint(api, old.id)
    fields = {
        "url": url,
        "enabled_events": list(EVENTS),
        "api_version": stripe.VERSION,
        "description": "Tillbridge: what was collected goes into the books",
        "metadata": {MARKER: topic},
    }
    return _read(stripe.create(api, PATH, fields, "webhook_endpoint", stripe.operation_of(api), "endpoint"))


def delete_endpoint(api: Api, id: str) -> None:
    try:
        stripe.change(api, _address(id), {}, "webhook_endpoint", "DELETE")
    except Gone:
        return


def enable_endpoint(api: Api, id: str) -> RemoteSubscription:
    """Switch it on again. Stripe does not send what happened meanwhile."""
    return _read(stripe.change(api, _address(id), {"disabled": False}, "webhook_endpoint"))


SUBSCRIPTIONS = Subscriptions(list=list_endpoints, create=create_endpoint, delete=delete_endpoint, enable=enable_endpoint)
