"""Trying a connection with real calls: which permissions are missing, and what kind of shop is it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from connectors.kit.contract import Permission, Probe
from connectors.kit.errors import Conflict, Gone, NeedsAttention, Refused, Rejected, Unauthorised
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.magento.answers import SIGNATURE
from connectors.platforms.magento.auth import SignedCall, signed_call
from connectors.platforms.magento.search import search

_STORES = "/store/storeConfigs"
_OFFLOADER = (
    "The keys are right, but the shop takes our calls for plain http: a proxy before it ends TLS, and Magento does not know. Set the "
    "offloader header under Stores > Configuration > General > Web > Base URLs (Secure), config path web/secure/offloader_header."
)
_VERDICTS = (Unauthorised, NeedsAttention, Refused, Rejected, Gone, Conflict)
# One cheap call for each permission that we use. Refused ones are named by Magento itself.
_LISTS = {
    "/orders": "Read orders",
    "/invoices": "Read invoices",
    "/creditmemos": "Read credit memos",
    "/transactions": "Read transactions",
    "/customers/search": "Read customers",
    "/products": "Read products",
}
# Writes with an empty body: Magento checks the permission first, then misses its argument, and nothing is stored.
_WRITES = {
    ("POST", "/orders/0/comments"): "Comment on orders",
    ("POST", "/orders"): "Change orders",
    ("PUT", "/customers/0"): "Change customers",
}


def probe(api: Api) -> Probe:
    """What the shop is, and each missing permission as a sentence. Network trouble is raised."""
    tried: list[Permission] = []
    facts: dict[str, str] = {}
    ids: dict[str, str] = {}
    currency, zone = "", ""
    stores = _tried(tried, "Reach the shop and read its stores", lambda: list(api.get(_STORES).json("storeConfigs").items()))
    if any(one.mend == SIGNATURE for one in tried) and _seen_as_http(api):
        tried[:] = [replace(tried[0], mend=_OFFLOADER)]
    if stores:
        store = _chosen(api, stores)
        currency, zone = store["base_currency_code"].currency(), store["timezone"].text_or() or "UTC"
        ids = {"website_id": store["website_id"].identifier(), "store_id": store["id"].identifier()}
        facts["stores"] = ", ".join(f"{one['id'].identifier()} = {one['code'].text_or()}" for one in stores)
        facts["base currency"], facts["time zone"] = currency, zone
    if tried[0].granted or "permission" in tried[0].mend:
        for path, name in _LISTS.items():
            _tried(tried, name, lambda path=path: search(api, path, (), (), page_size=1))  # type: ignore[misc]
        for (method, path), name in _WRITES.items():
            _tried(tried, name, lambda method=method, path=path: _may_write(api, method, path))  # type: ignore[misc]
    problems = dict.fromkeys(one.mend for one in tried if not one.granted)
    return Probe(facts, ids, currency, zone, tuple(problems), tuple(tried))


def _seen_as_http(api: Api) -> bool:
    """Whether the same call passes when it is signed for http://; it still goes over https://."""
    if not api.base_url.startswith("https://") or not isinstance(api.auth, SignedCall):
        return False
    try:
        replace(api, auth=signed_call(api.account, as_http=True)).get(_STORES)
    except _VERDICTS as error:
        return error.code == "permission_missing"  # the signature was checked before
    return True


def _chosen(api: Api, stores: list[Tame]) -> Tame:
    """The store view that the connection names, else the first one that is no back office."""
    code = str(api.account.settings.get("store_code") or "")
    named = [store for store in stores if store["code"].value == code]
    shown = [store for store in stores if store["id"].identifier()]
    return (named or shown or stores)[0]


def _tried(tried: list[Permission], name: str, step: Callable[[], list[Tame] | object]) -> list[Tame]:
    """The step's list; what a person has to mend stands in the permission."""
    try:
        found = step()
    except _VERDICTS as error:
        tried.append(Permission(name, False, error.message))
        return []
    tried.append(Permission(name, True))
    return found if isinstance(found, list) else []


def _may_write(api: Api, method: str, path: str) -> None:
    """Being told that something is missing means that the permission was there."""
    try:
        api.call(method, path, json={}, effect=Effect.REPEATABLE)
    except (Refused, Gone, Conflict):
        return
