"""Trying a connection with real calls: which scopes does the token have, and what kind of store is it?"""

from __future__ import annotations

from collections.abc import Callable

from connectors.kit.contract import Permission, Probe
from connectors.kit.errors import Gone, NeedsAttention, Refused, Rejected, Unauthorised
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.api import V2, V3

_VERDICTS = (Unauthorised, NeedsAttention, Refused, Rejected, Gone)
_ORDER = f"{V3}/orders/1/transactions"  # scopes are checked before the order is looked for

# path, what it is for, the scope's name in the control panel
_NEEDED = (
    (f"{V2}/orders?limit=1", "orders", "Orders: read-only"),
    (_ORDER, "payments of orders", "Order transactions: read-only"),
    (f"{V3}/customers?limit=1", "customers", "Customers: read-only"),
    (f"{V3}/catalog/products?limit=1", "products", "Products: read-only"),
    (f"{V3}/hooks?limit=1", "webhooks", "any scope; this token was refused altogether"),
)


def probe(api: Api) -> Probe:
    """What the store is, and each scope that is missing, as a sentence. Network trouble is raised."""
    facts: dict[str, str] = {}
    ids: dict[str, str] = {}
    tried: list[Permission] = []
    store = _tried(tried, lambda: api.get(f"{V2}/store").json("store"), "the store's settings", "Information & settings: read-only")
    currency, zone = _store(store, facts, ids) if store else ("", "")
    for path, what, scope in _NEEDED:
        _tried(tried, lambda path=path: _read(api, path), what, scope)  # type: ignore[misc]
    problems = dict.fromkeys(one.mend for one in tried if not one.granted)
    return Probe(facts, ids, currency, zone, tuple(problems), tuple(tried))


def _read(api: Api, path: str) -> Tame:
    """A 404 is an answer too: the scope was enough to look."""
    try:
        api.get(path)
    except Gone:
        if path != _ORDER:
            raise
    return Tame(path, "path")


def _tried(tried: list[Permission], step: Callable[[], Tame], what: str, scope: str) -> Tame | None:
    """The step's answer; what a person has to mend stands in the permission and gives None."""
    mend = ""
    answer: Tame | None = None
    try:
        answer = step()
    except Unauthorised as error:
        missing = f"The access token may not read {what}. Give its API account the scope {scope}, then authorise again."
        mend = missing if error.code == "http_403" else error.message
    except Gone:
        mend = "There is no store with this store hash. Compare it with the API path that BigCommerce shows with the API account."
    except _VERDICTS as error:
        mend = error.message
    tried.append(Permission(f"Read {what}", not mend, mend))
    return answer


def _store(store: Tame, facts: dict[str, str], ids: dict[str, str]) -> tuple[str, str]:
    """Currency and time zone; and, for products, whether prices are entered with tax."""
    facts["store"] = store["name"].text_or()
    facts["address"] = store.get("secure_url").text_or()
    facts["plan"] = store.get("plan_name").text_or()
    facts["decimals"] = str(store["decimal_places"].integer())
    with_tax = store.get("is_price_entered_with_tax").value
    if isinstance(with_tax, bool):
        ids["prices_include_tax"] = "yes" if with_tax else "no"
    zone = store["timezone"]["name"].text_or()
    facts["time zone"] = zone
    return store["currency"].currency(), zone
