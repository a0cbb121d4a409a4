"""Trying a connection with a real call: does the token work, which scopes were granted, what kind of shop is it?"""

from __future__ import annotations

from connectors.kit.contract import Permission, Probe
from connectors.kit.errors import NeedsAttention, Refused, Rejected, Unauthorised
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.shopify.api import ask, shop_domain
from connectors.platforms.shopify.queries import API_VERSION, SHOP

NEEDED = ("read_orders", "read_customers", "read_products")
ALL_ORDERS = "read_all_orders"


def probe(api: Api) -> Probe:
    """What the shop is, and each permission that is missing, as a sentence. Network trouble is raised."""
    try:
        data = ask(api, SHOP)
        shop = data["shop"]
        scopes = granted_scopes(data)
        domain = shop["myshopifyDomain"].text().lower()
        facts = {
            "shop": shop["name"].text_or(),
            "plan": shop["plan"]["publicDisplayName"].text_or(),
            "API version": API_VERSION,
            "scopes": ", ".join(sorted(scopes)),
            "buyers' currencies": ", ".join(code.text() for code in shop["enabledPresentmentCurrencies"].items()),
            "orders older than 60 days": "can be read" if ALL_ORDERS in scopes else "cannot be read (scope read_all_orders)",
        }
        included = "yes" if shop["taxesIncluded"].boolean() else "no"
        currency, zone = shop["currencyCode"].currency(), shop["ianaTimezone"].text()
    except (Unauthorised, NeedsAttention, Refused, Rejected) as error:
        return Probe(problems=(error.message,), permissions=(Permission("Reach the shop", False, error.message),))
    permissions = tuple(Permission(f"Scope {scope}", scope not in missing(scopes), _mend(scope, missing(scopes))) for scope in NEEDED)
    problems = [one.mend for one in permissions if not one.granted]
    wanted = shop_domain(api.account.base_url)
    if wanted and wanted != domain:
        problems.append(f"The token belongs to {domain}, but the connection's address is {wanted}. Correct the address.")
    return Probe(facts, {"shop": domain, "taxes_included": included}, currency, zone, tuple(problems), permissions)


def _mend(scope: str, lacking: tuple[str, ...]) -> str:
    return f"The app lacks the scope {scope}. Add it to the app in Shopify, then connect again." if scope in lacking else ""


def granted_scopes(data: Tame) -> frozenset[str]:
    """The scopes that the app holds at this shop."""
    return frozenset(scope["handle"].text() for scope in data["currentAppInstallation"]["accessScopes"].items())


def missing(scopes: frozenset[str]) -> tuple[str, ...]:
    """The needed scopes that were not granted; write_x implies read_x."""
    return tuple(scope for scope in NEEDED if scope not in scopes and scope.replace("read_", "write_", 1) not in scopes)
