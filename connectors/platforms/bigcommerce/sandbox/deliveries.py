"""Sending webhooks: signed, repeated eleven times over two days, then the hook is switched off; bad domains are blocked for a while."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from connectors.platforms.bigcommerce.sandbox.model import Hook, Json
from connectors.platforms.bigcommerce.sandbox.seed_keys import CLIENT_SECRET
from connectors.platforms.bigcommerce.sandbox.state import STORE_HASH, Store
from connectors.platforms.bigcommerce.sandbox.wire import compact
from connectors.platforms.bigcommerce.webhooks import EXCEPTIONS, sign

RETRY_AFTER = (60, 180, 300, 600, 900, 1800, 3600, 7200, 21600, 50400, 86400)  # seconds; 48 h in all
SILENCE = timedelta(days=90)
WATCHED = timedelta(minutes=2)  # the window in which a domain's successes are counted
BLOCKED = timedelta(minutes=3)
ENOUGH, GOOD = 100, 0.9
EXCEPTION_PAUSE = timedelta(minutes=10)


@dataclass(order=True)
class Retry:
    """A delivery that failed, and when it is sent again. step: how many attempts there were."""

    due: datetime
    number: int
    hook_id: int = field(compare=False)
    body: bytes = field(compare=False)
    message_id: str = field(compare=False)
    stamp: int = field(compare=False)
    step: int = field(compare=False)


def raise_event(store: Store, scope: str, about: Json) -> None:
    """Send an event to every active hook that asked for it."""
    now = store.now()
    event = {"scope": scope, "store_id": "1002003", "data": about}
    digest = hashlib.sha1(compact(event), usedforsecurity=False).hexdigest()
    body = compact({**event, "hash": digest, "created_at": int(now.timestamp()), "producer": f"stores/{STORE_HASH}"})
    for hook in list(store.hooks.values()):
        if hook.is_active and matches(hook.scope, scope):
            message_id = f"msg_{store.next_id('message')}{store.random.getrandbits(40):010x}"
            _send(store, Retry(now, store.next_id("retry"), hook.id, body, message_id, int(now.timestamp()), 0))


def matches(wanted: str, scope: str) -> bool:
    return scope == wanted or (wanted.endswith("/*") and scope.startswith(wanted[:-1]))


def domain_of(url: str) -> str:
    return urlsplit(url).netloc


def is_blocked(store: Store, domain: str) -> bool:
    until = store.blocked.get(domain)
    return until is not None and store.moment() < until


def _send(store: Store, one: Retry) -> None:
    """In the background; an event for a blocked domain goes to the retry queue unsent."""
    hook = store.hooks.get(one.hook_id)
    if hook is None or not hook.is_active:
        return
    if is_blocked(store, domain_of(hook.destination)):
        _put_off(store, hook, one)
        return

    def done(status: int) -> None:
        with store.lock:
            _settle(store, one, ok=200 <= status < 300)

    store.courier.send(hook.destination, one.body, _headers(store, hook, one), done)


def _headers(store: Store, hook: Hook, one: Retry) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip", **(hook.headers or {})}
    if store.switches.signed:
        stamp = int(store.now().timestamp()) if store.switches.resign_retries else one.stamp
        signature = sign(CLIENT_SECRET, one.message_id, stamp, one.body)
        headers |= {"webhook-id": one.message_id, "webhook-timestamp": str(stamp), "webhook-signature": signature}
    return headers


def _settle(store: Store, one: Retry, *, ok: bool) -> None:
    """Count the outcome. BigCommerce says that anything but a 2xx answer is a failure."""
    hook = store.hooks.get(one.hook_id)
    if hook is None:
        return
    hook.last_traffic = store.now()
    _watch(store, hook, ok=ok)
    if not ok and hook.is_active:
        _put_off(store, hook, one)


def _put_off(store: Store, hook: Hook, one: Retry) -> None:
    if one.step == len(RETRY_AFTER):
        hook.status, hook.updated = "deactivated", store.now()
        _tell(store, hook, 90002, "All retries are used up; the webhook is switched off.")
        return
    due = store.now() + timedelta(seconds=RETRY_AFTER[one.step])
    heapq.heappush(store.retries, Retry(due, one.number, one.hook_id, one.body, one.message_id, one.stamp, one.step + 1))
    last = hook.last_exception
    if last is None or store.now() - last >= EXCEPTION_PAUSE:
        hook.last_exception = store.now()
        _tell(store, hook, 90001, "The delivery failed and will be repeated.")


def _watch(store: Store, hook: Hook, *, ok: bool) -> None:
    """Block a domain where too many of the last two minutes' deliveries failed; all hooks on it share the count."""
    domain, now = domain_of(hook.destination), store.moment()
    recent = [entry for entry in store.traffic.get(domain, []) if now - entry[0] < WATCHED]
    recent.append((now, ok))
    store.traffic[domain] = recent
    good = sum(success for _, success in recent)
    if len(recent) > ENOUGH and good / len(recent) < GOOD and not is_blocked(store, domain):
        store.blocked[domain] = now + BLOCKED
        _tell(store, hook, 90003, "The domain is blocked for a few minutes.")


def _tell(store: Store, hook: Hook, code: int, message: str) -> None:
    if hook.scope != EXCEPTIONS:
        raise_event(store, EXCEPTIONS, {"type": "hook", "id": hook.id, "error_code": code, "error_message": message})


def run_due(store: Store, *, until: Callable[[], datetime]) -> int:
    """Send what is due again by now; switch off what was silent for ninety days. How many were sent."""
    sent = 0
    while store.retries and store.retries[0].due <= until():
        sent += 1
        _send(store, heapq.heappop(store.retries))
    for hook in store.hooks.values():
        if hook.is_active and store.now() - (hook.last_traffic or hook.updated) > SILENCE:
            hook.status, hook.updated = "deactivated", store.now()
    return sent
