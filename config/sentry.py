"""Defects to Sentry, if the host wants that: without a DSN nothing is loaded and nothing leaves."""

from __future__ import annotations

from typing import Any

from audit.redaction import redact

KEPT_OF_REQUEST = ("method",)  # addresses of webhooks are secrets, and so are cookies, headers and bodies
DROPPED = ("user", "breadcrumbs", "modules")


def start_sentry(dsn: str, *, transport: Any = None) -> bool:
    """Begin to report; False without a DSN. transport: a double, for tests."""
    if not dsn:
        return False
    import sentry_sdk

    sentry_sdk.init(
        dsn,
        transport=transport,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        before_send=scrubbed,
        before_breadcrumb=lambda _crumb, _hint: None,
        server_name="tillbridge",
        auto_session_tracking=False,
    )
    return True


def scrubbed(event: Any, _hint: Any) -> Any:
    """What is left of an event: no person, of the request only its method, and all texts without secrets."""
    kept = {name: value for name, value in event.items() if name not in DROPPED}
    if "request" in kept:
        kept["request"] = {name: kept["request"].get(name) for name in KEPT_OF_REQUEST}
        kept.pop("transaction", None)
    return _redacted(kept)


def _redacted(value: Any) -> Any:
    """Piece by piece: the redaction bounds what it is given, and an event may be large."""
    if isinstance(value, dict):
        return {name: _redacted(part) if isinstance(part, (dict, list)) else redact({name: part})[name] for name, part in value.items()}
    return [_redacted(part) for part in value] if isinstance(value, list) else redact(value)
