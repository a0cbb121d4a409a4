"""v3/hooks: registrations, and the admin list that alone tells which were switched off and which domains are blocked."""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.bigcommerce.sandbox.deliveries import domain_of, is_blocked
from connectors.platforms.bigcommerce.sandbox.model import Hook, Json
from connectors.platforms.bigcommerce.sandbox.seed_keys import CLIENT_ID
from connectors.platforms.bigcommerce.sandbox.state import STORE_HASH, Store
from connectors.platforms.bigcommerce.sandbox.wire import Refusal, data, page_of, pagination
from connectors.platforms.bigcommerce.webhooks import EXCEPTIONS

MOST_PER_SCOPE = 10


def hook_json(hook: Hook, *, admin: bool = False) -> Json:
    shown: Json = {
        "id": hook.id,
        "client_id": CLIENT_ID,
        "store_hash": STORE_HASH,
        "scope": hook.scope,
        "destination": hook.destination,
        "headers": hook.headers,
        "is_active": hook.is_active,
        "created_at": int(hook.created.timestamp()),
        "updated_at": int(hook.updated.timestamp()),
    }
    return {**shown, "status": hook.status} if admin else shown


def list_hooks(store: Store, call: Call) -> Answer:
    found = list(store.hooks.values())
    for name in ("scope", "destination"):
        if wanted := call.parameter(name):
            found = [hook for hook in found if getattr(hook, name) == wanted]
    if wanted := call.parameter("is_active"):
        found = [hook for hook in found if hook.is_active == (wanted == "true")]
    page, limit = page_of(call, store.switches.largest_page, store.switches.page_cap)
    rows = found[(page - 1) * limit : page * limit]
    return data([hook_json(hook) for hook in rows], {"pagination": pagination(len(found), len(rows), page, limit)})


def create_hook(store: Store, call: Call) -> Answer:
    body = call.json() or {}
    scope, destination = str(body.get("scope") or ""), str(body.get("destination") or "")
    _check(store, scope, destination)
    now = store.now()
    hook = Hook(store.next_id("hook"), scope, destination, body.get("headers"), now, now)
    hook.status = "active" if body.get("is_active", True) else "inactive"
    store.hooks[hook.id] = hook
    return data(hook_json(hook))


def _check(store: Store, scope: str, destination: str) -> None:
    if not scope.startswith("store/"):
        raise Refusal(422, "Validation failed", {"scope": "unknown scope"})
    parts = urlsplit(destination)
    if store.switches.https_only and (parts.scheme != "https" or (parts.port or 443) != 443):
        raise Refusal(422, "Validation failed", {"destination": "must be https on port 443"})
    same = [hook for hook in store.hooks.values() if hook.scope == scope]
    if any(hook.destination == destination for hook in same):
        raise Refusal(422, "Validation failed", {"destination": "this scope has a hook with this destination already"})
    others = [hook.destination for hook in store.hooks.values() if hook.scope != scope]
    if scope == EXCEPTIONS and (same or destination in others):
        raise Refusal(422, "Validation failed", {"destination": "must differ from that of every other hook, and there may be only one"})
    if len(same) >= MOST_PER_SCOPE:
        raise Refusal(422, "Validation failed", {"scope": f"at most {MOST_PER_SCOPE} hooks"})


def find_hook(store: Store, hook_id: str) -> Hook:
    hook = store.hooks.get(int(hook_id))
    if hook is None:
        raise Refusal(404)
    return hook


def get_hook(store: Store, call: Call, hook_id: str) -> Answer:
    return data(hook_json(find_hook(store, hook_id)))


def change_hook(store: Store, call: Call, hook_id: str) -> Answer:
    hook, body = find_hook(store, hook_id), call.json() or {}
    hook.destination, hook.headers = body.get("destination", hook.destination), body.get("headers", hook.headers)
    if "is_active" in body:
        hook.status = "active" if body["is_active"] else "inactive"
    hook.updated = store.now()
    return data(hook_json(hook))


def delete_hook(store: Store, call: Call, hook_id: str) -> Answer:
    hook = find_hook(store, hook_id)
    del store.hooks[hook.id]
    return data(hook_json(hook))


def admin_list(store: Store, call: Call) -> Answer:
    now = store.moment()
    domains = {domain_of(hook.destination): hook.destination for hook in store.hooks.values()}
    blocked = [
        {
            "destination": domains[domain],
            "time_left": int((store.blocked[domain] - now).total_seconds()),
            "reasons": [{"failure_description": "unsuccessful response", "count": 1, "timestamp": int(now.timestamp())}],
        }
        for domain in domains
        if is_blocked(store, domain)
    ]
    rows = [hook_json(hook, admin=True) for hook in store.hooks.values()]
    found = {"emails": store.admin_emails, "hooks_list": rows, "blocked_domains": blocked}
    return data(found, {"pagination": pagination(len(rows), len(rows), 1, 50)})


def admin_emails(store: Store, call: Call) -> Answer:
    store.admin_emails = [str(one) for one in (call.json() or {}).get("emails", [])]
    return Answer(204)
