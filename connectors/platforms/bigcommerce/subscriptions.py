"""Webhook registrations at the store; they need no scope, and a token sees only those of its own API account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from connectors.kit.contract import RemoteSubscription
from connectors.kit.errors import Gone, Rejected, Unclear
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.api import USUAL, V3, last_page, path_id, read_data
from connectors.platforms.bigcommerce.webhooks import EXCEPTIONS, KEY_HEADER

_PATH = f"{V3}/hooks"


def list_subscriptions(api: Api) -> tuple[RemoteSubscription, ...]:
    """All hooks of our API account. Which of those that are off were switched off by the store is told only by the admin list."""
    found: dict[str, Tame] = {}
    page = last = 1
    while page <= last:
        rows, meta = read_data(api, _PATH, "hooks", [("page", str(page)), ("limit", str(USUAL))])
        found.update((row["id"].known_identifier(), row) for row in rows)
        page, last = page + 1, last_page(meta)
    off = any(row["is_active"].value is False for row in found.values())
    words = _admin_words(api) if off else {}
    return tuple(_read(row, words.get(hook_id, "")) for hook_id, row in found.items())


def _admin_words(api: Api) -> dict[str, str]:
    """inactive, active or deactivated, by hook id."""
    admin = api.get(f"{_PATH}/admin").json("admin")["data"]
    return {hook["id"].known_identifier(): hook["status"].text() for hook in admin["hooks_list"].items_or_none()}


def create_subscription(api: Api, topic: str, url: str, secret: str) -> RemoteSubscription:
    """Register a hook with a header that only this store and we know. New hooks may take a minute to work.

    The hook that tells of failed deliveries must have an address of its own among all hooks: the same without the last slash.
    """
    destination = url.rstrip("/") if topic == EXCEPTIONS else url
    body = {"scope": topic, "destination": destination, "is_active": True, "headers": {KEY_HEADER: secret}}
    answer = api.call("POST", _PATH, json=body, effect=Effect.CREATE)
    try:
        return _read(answer.json("created")["data"])
    except Rejected as error:
        raise Unclear(f"BigCommerce's answer to a write is not readable ({error.message}).", code=error.code) from error


def enable_subscription(api: Api, subscription_id: str) -> RemoteSubscription:
    """Switch a hook on again. What it missed is never sent."""
    path = f"{_PATH}/{path_id(subscription_id)}"
    return _read(api.call("PUT", path, json={"is_active": True}, effect=Effect.REPEATABLE).json("hook")["data"])


def delete_subscription(api: Api, subscription_id: str) -> None:
    """Remove a hook; one that is gone already is fine."""
    try:
        api.call("DELETE", f"{_PATH}/{path_id(subscription_id)}", effect=Effect.REPEATABLE)
    except Gone:
        return


def _read(hook: Tame, word: str = "") -> RemoteSubscription:
    changed = hook.get("updated_at")
    return RemoteSubscription(
        id=hook["id"].known_identifier(),
        topic=hook["scope"].text(),
        url=hook["destination"].text(),
        status=_status(hook["is_active"].boolean(), word),
        changed_at=None if changed.is_null else datetime.fromtimestamp(min(max(changed.integer(), 0), 10**11), UTC),
    )


def _status(active: bool, word: str) -> Literal["active", "disabled", "paused"]:
    """Switched off by a person (inactive), or by BigCommerce after two days of failures or ninety of silence (deactivated)."""
    if active:
        return "active"
    return "paused" if word == "inactive" else "disabled"
