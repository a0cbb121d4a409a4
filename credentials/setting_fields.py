"""Form fields from what connectors and recipes declare, and what is stored from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from connectors.kit.contract import Connector, Setting


def field_of(setting: Setting, stored: Any = None) -> forms.Field:
    """The field for one setting that is no secret; stored is what was chosen before, None for the default."""
    value = setting.default if stored is None else stored
    common: dict[str, Any] = {"label": setting.label, "help_text": setting.help, "required": setting.required, "initial": value}
    if setting.kind == "boolean":
        return forms.BooleanField(**{**common, "required": False})
    if setting.kind == "number":
        return forms.DecimalField(**common)
    if setting.kind == "choice":
        empty = () if setting.required or setting.default or "" in dict(setting.choices) else (("", "-"),)
        return forms.ChoiceField(**common, choices=(*empty, *setting.choices))
    if isinstance(value, list):
        common["initial"] = ", ".join(map(str, value))
    return forms.CharField(**common, max_length=500)


def secret_field(label: str, help_text: str, *, is_stored: bool) -> forms.Field:
    """A write-only field: never filled in, empty keeps what is stored."""
    state = "Stored. Leave empty to keep it." if is_stored else "Not entered yet."
    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "spellcheck": "false"})
    return forms.CharField(label=label, help_text=f"{state} {help_text}".strip(), required=False, widget=widget, max_length=4000)


def stored_value(setting: Setting, cleaned: Any) -> Any:
    """As provisioning stores it too: numbers as exact text."""
    if isinstance(cleaned, Decimal):
        return format(cleaned, "f")
    return "" if cleaned is None else cleaned


def collect(settings: Sequence[Setting], cleaned: Mapping[str, Any], prefix: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The values to store: what the form says; keys that no setting declares stay as they were.

    A value that was not chosen before and still is the default is left out, so that a better default reaches it later.
    """
    result = dict(stored)
    for setting in settings:
        value = stored_value(setting, cleaned.get(prefix + setting.name))
        is_default = str(value) == str(setting.default) if setting.kind != "boolean" else value == bool(setting.default)
        if is_default and setting.name not in stored:
            continue
        result[setting.name] = value
    return result


def shown(setting: Setting, stored: Mapping[str, Any]) -> str:
    """The setting's value in words."""
    value = stored.get(setting.name, setting.default)
    if setting.kind == "boolean":
        return "yes" if value else "no"
    if setting.kind == "choice":
        return dict(setting.choices).get(str(value), str(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def secrets_of(connector: Connector, stored: Mapping[str, Any]) -> tuple[Setting, ...]:
    """The secrets that a person types in for a connection with these settings."""
    return tuple(setting for setting in connector.settings_of(stored) if setting.secret)


def open_settings_of(connector: Connector, stored: Mapping[str, Any]) -> tuple[Setting, ...]:
    """The settings of a connection that are no secrets."""
    return tuple(setting for setting in connector.settings_of(stored) if not setting.secret)
