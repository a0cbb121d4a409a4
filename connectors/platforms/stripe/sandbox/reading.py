"""Reads form fields as Stripe does: unknown names and wrong kinds are refused with the parameter's name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from connectors.platforms.stripe.sandbox.state import Refusal, Row


def only(fields: Row, known: Collection[str]) -> Row:
    for name in fields:
        if name not in known and name != "expand":
            raise Refusal(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    return fields


def whole(name: str, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise Refusal(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name) from None


def flag(name: str, value: Any) -> bool:
    if value not in ("true", "false"):
        raise Refusal(400, f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def text(name: str, value: Any, limit: int = 5000) -> str:
    if not isinstance(value, str):
        raise Refusal(400, "Invalid string", param=name)
    if len(value) > limit:
        raise Refusal(400, f"Invalid string: must be at most {limit} characters", code="string_too_long", param=name)
    return value


def text_or_none(name: str, value: Any, limit: int = 5000) -> str | None:
    """An empty text unsets."""
    return text(name, value, limit) or None


def required(fields: Row, *names: str) -> None:
    for name in names:
        if fields.get(name) in (None, ""):
            raise Refusal(400, f"Missing required param: {name}.", code="parameter_missing", param=name)


def metadata(present: Row, sent: Any) -> Row:
    """Merged into what is there; an empty value takes a key out. At most fifty keys of forty and values of five hundred characters."""
    if sent == "":
        return {}
    if not isinstance(sent, dict):
        raise Refusal(400, "Invalid hash", param="metadata")
    merged = {**present, **sent}
    for key, value in sent.items():
        if len(key) > 40 or len(text("metadata", value)) > 500:
            raise Refusal(400, "Metadata keys have at most 40 characters and values 500.", param=f"metadata[{key}]")
    merged = {key: value for key, value in merged.items() if value != ""}
    if len(merged) > 50:
        raise Refusal(400, "Metadata can have up to 50 keys.", param="metadata")
    return merged
