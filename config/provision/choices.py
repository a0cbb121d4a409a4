"""Checks settings and options of a file against what the connector or the recipe declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from config.provision.reading import Table, kind, nearest
from connectors.kit.contract import Connector, OAuth2, Setting

TOKENS = ("access_token", "refresh_token")
RATE = (  # of every connection, whatever its platform; they win over the platform's own rate
    Setting("rate_per_second", "Calls per second", kind="number"),
    Setting("rate_burst", "Calls at once", kind="number"),
)


def checked(table: Table, settings: Sequence[Setting]) -> dict[str, Any]:
    """The table's values as they are stored: numbers as exact text, everything of a declared name and kind."""
    known = {setting.name: setting for setting in settings}
    for name in table.values:
        if name not in known:
            table.refuse(name, f"unknown key. {nearest(name, tuple(known))}")
    return {name: _value(table, known[name]) for name in table.values}


def check_connection(table: Table, connector: Connector, secrets: Mapping[str, str]) -> dict[str, Any]:
    """The connection's settings, after refusing secrets that the connector does not know or that stand in the wrong place."""
    settings = table.table("settings")
    asked = connector.settings_of(settings.values)
    open_settings = [*(setting for setting in asked if not setting.secret), *RATE]
    hidden = {setting.name for setting in asked if setting.secret}
    if isinstance(connector.way(settings.values)[1], OAuth2):
        hidden |= set(TOKENS)
    for name in settings.values:
        if name in hidden:
            settings.refuse(name, "is a secret: put it under secrets")
    for name in secrets:
        if name not in hidden:
            table.table("secrets").refuse(name, f"unknown key. {nearest(name, hidden)}")
    return checked(settings, open_settings)


def _value(table: Table, setting: Setting) -> Any:
    value = table.values[setting.name]
    if setting.kind == "boolean":
        return table.flag(setting.name, False)
    if setting.kind == "number":
        return _number(table, setting.name, value)
    if setting.kind == "choice":
        names = [name for name, _label in setting.choices]
        if value not in names:
            table.refuse(setting.name, f"expected one of {', '.join(names)}")
        return value
    if isinstance(value, list):
        return list(table.texts(setting.name))
    return table.text(setting.name, "") if isinstance(value, str) else table.refuse(setting.name, f"expected a text, got {kind(value)}")


def _number(table: Table, name: str, value: Any) -> str:
    try:
        number = Decimal("NaN") if isinstance(value, (bool, list, dict)) else Decimal(value)
    except (InvalidOperation, TypeError):
        number = Decimal("NaN")
    if not number.is_finite():
        table.refuse(name, f"expected a number, got {kind(value)}")
    return format(number, "f")
