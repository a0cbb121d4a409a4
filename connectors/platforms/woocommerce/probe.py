"""Trying a connection with real calls: does the key read and write, and what kind of shop is it?"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from connectors.kit.contract import Permission, Probe
from connectors.kit.errors import Gone, NeedsAttention, Refused, Rejected, SyncError, Unauthorised
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.woocommerce.api import V3

_VERDICTS = (Unauthorised, NeedsAttention, Refused, Rejected, Gone)
# WordPress allows a bare offset instead of a zone; these have no summer time, as a bare offset has none.
_ODD_OFFSETS = {
    "3.5": "Asia/Tehran",
    "4.5": "Asia/Kabul",
    "5.5": "Asia/Kolkata",
    "5.75": "Asia/Kathmandu",
    "6.5": "Asia/Yangon",
    "8.75": "Australia/Eucla",
    "9.5": "Australia/Darwin",
    "-9.5": "Pacific/Marquesas",
}


def probe(api: Api) -> Probe:
    """What the shop is, and each permission that is missing, as a sentence. Network trouble is raised."""
    facts: dict[str, str] = {}
    ids: dict[str, str] = {}
    tried: list[Permission] = []
    currency = ""
    zone = _tried(tried, "Reach the shop's REST API", lambda: _site(api, facts)) or ""
    if _tried(tried, "Read orders, customers and products", lambda: _may_read(api)):
        currency = _tried(tried, "Read the shop's settings", lambda: _shop(api, facts, ids))
        _tried(tried, "Change orders and write notes on them", lambda: _may_write(api))
        _tried(tried, "Look after webhooks", lambda: _may_watch(api))
    return Probe(facts, ids, currency, zone, tuple(one.mend for one in tried if not one.granted), tuple(tried))


def _tried(tried: list[Permission], name: str, step: Callable[[], str]) -> str:
    """The step's answer; what a person has to mend stands in the permission and gives ""."""
    try:
        answer = step()
    except _VERDICTS as error:
        tried.append(Permission(name, False, error.message))
        return ""
    tried.append(Permission(name, True))
    return answer


def _site(api: Api, facts: dict[str, str]) -> str:
    """The time zone, from the public index of the REST API."""
    fields = {"_fields": "name,home,timezone_string,gmt_offset,namespaces"}
    site = api.get("/", fields).json("site")
    facts["shop"] = site["name"].text_or()
    if not any(name.value == "wc/v3" for name in site["namespaces"].items()):
        raise NeedsAttention("WooCommerce 3.5 or later is not active at this address.", code="no_api")
    zone = site["timezone_string"].text_or() or _zone_of_offset(site["gmt_offset"].decimal_or(Decimal(0)))
    facts["time zone"] = zone or f"UTC{site['gmt_offset'].value}"
    return zone


def _zone_of_offset(hours: Decimal) -> str:
    """A zone for a bare offset; the signs of Etc zones are the other way round."""
    if hours == 0:
        return "UTC"
    if hours == hours.to_integral_value():
        return f"Etc/GMT{-int(hours):+d}"
    return _ODD_OFFSETS.get(str(hours.normalize()), "")


def _may_read(api: Api) -> str:
    api.get(f"{V3}/orders", {"per_page": "1", "_fields": "id"}).json("orders")
    return "read"


def _may_write(api: Api) -> str:
    """A write to order 0, which never exists: the key's permission is checked before the order is looked for."""
    try:
        api.call("PUT", f"{V3}/orders/0", json={}, effect=Effect.REPEATABLE)
    except Gone:
        return "write"
    except Unauthorised as error:
        raise NeedsAttention(
            "The key may read orders but not change them. Give it read/write permission under WooCommerce > Settings >"
            " Advanced > REST API.",
            code="read_only",
        ) from error
    return "write"


def _may_watch(api: Api) -> str:
    try:
        api.get(f"{V3}/webhooks", {"per_page": "1", "_fields": "id"})
    except Unauthorised as error:
        raise NeedsAttention(
            "The key may not look after webhooks. Make it for an administrator or a shop manager, or let polling alone bring changes.",
            code="no_webhooks",
        ) from error
    return "watch"


def _shop(api: Api, facts: dict[str, str], ids: dict[str, str]) -> str:
    """Currency, versions and settings; the currency alone where the system status is closed to the key's user."""
    try:
        status = api.get(f"{V3}/system_status", {"_fields": "environment,settings"}).json("system_status")
        environment, settings = status["environment"], status["settings"]
        facts["WooCommerce"] = environment["version"].text_or()
        facts["WordPress"] = environment["wp_version"].text_or()
        facts["decimals"] = str(settings["number_of_decimals"].integer())
        ids["order_tables"] = "yes" if settings.get("HPOS_enabled").value is True else "no"
        ids["prices_include_tax"] = _prices_include_tax(api)
        currency = settings["currency"].currency()
    except _VERDICTS:
        currency = _currency_alone(api)
    if not currency:
        raise NeedsAttention("The shop did not tell its currency. Make the key for an administrator or a shop manager.", code="no_currency")
    return currency


def _prices_include_tax(api: Api) -> str:
    setting: Tame = api.get(f"{V3}/settings/tax/woocommerce_prices_include_tax", {"_fields": "value"}).json("setting")
    return "yes" if setting["value"].text_or() == "yes" else "no"


def _currency_alone(api: Api) -> str:
    try:
        return api.get(f"{V3}/data/currencies/current", {"_fields": "code"}).json("currency")["code"].currency()
    except SyncError:
        return ""
