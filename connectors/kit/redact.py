"""Takes secrets out of whatever will be shown or stored: by the name of the field, by shape, and by known value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote

HIDDEN = "***"
_DEEPEST = 40
_SECRET_PARAMETER = re.compile(
    r"(?i)([?&](?:consumer_key|consumer_secret|[a-z_]*token|client_secret|code|state|oauth_[a-z_]+|[a-z_]*key|"
    r"password|signature|hmac|verifier)=)[^&#]*"
)
_SECRET_NAME = re.compile(
    r"(?i)token|secret|passw|passphrase|authori[sz]ation$|consumer_|verifier|signature|hmac|credential|cookie|jwt|"
    r"api.?key|private.?key|(^|[-_])key$|^x-auth"
)
_HARMLESS_NAME = re.compile(r"(?i)^(token_type|idempotency[-_]key|meta_key|.*_last4)$")
# Shapes of the secrets of the platforms that we talk to, wherever they stand.
_SECRET_SHAPE = re.compile(
    r"(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|\b(?:ck|cs)_[0-9a-f]{32,}|\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}|\bwhsec_[A-Za-z0-9+/=]{8,}"
    r"|\bshp(?:at|ca|pa|ss|ua)_[A-Za-z0-9]{16,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def redact_url(url: str) -> str:
    """The address with the values of secret parameters and any user:password taken out."""
    url = re.sub(r"(?<=://)[^/?#]*@", "", url)
    return _SECRET_PARAMETER.sub(r"\1***", url)


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without anything that looks like a secret, and without the known ones in any usual spelling."""
    for secret in secrets:
        if len(secret) < 4:
            continue
        for spelling in {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}:
            text = text.replace(spelling, HIDDEN)
    return _SECRET_SHAPE.sub(HIDDEN, text)


def is_secret_name(name: str) -> bool:
    """Whether a field or header of this name holds a secret."""
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS_NAME.match(name)


def redact_headers(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """The headers, with the values of those that authenticate hidden."""
    known = tuple(secrets)
    return {name: HIDDEN if is_secret_name(name) else redact_text(value, known) for name, value in headers.items()}


def redact_json(value: Any, secrets: Sequence[str] = ()) -> Any:
    """A copy of a JSON value without secrets. Bytes are read as JSON, else as a form, else kept as text."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = _readable(bytes(value))
    return _redacted(value, tuple(secrets), 0)


def _readable(body: bytes) -> Any:
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        form = parse_qsl(text, keep_blank_values=True) if re.match(r"[\w.%+\[\]-]+=", text) else []
        return dict(form) if form else text


def _redacted(value: Any, secrets: tuple[str, ...], depth: int) -> Any:
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return _redacted_object(value, secrets, depth)
    if isinstance(value, (list, tuple)):
        return [_redacted(item, secrets, depth + 1) for item in value]
    return redact_text(value, secrets) if isinstance(value, str) else value


def _redacted_object(value: Mapping[Any, Any], secrets: tuple[str, ...], depth: int) -> dict[str, Any]:
    # Shops keep metadata as {"key": name, "value": content}: there "key" is a name, and it decides about "value".
    is_pair = "key" in value and "value" in value
    hide_value = is_pair and isinstance(value["key"], str) and is_secret_name(value["key"])
    result: dict[str, Any] = {}
    for name, content in value.items():
        secret = (is_secret_name(str(name)) and not (is_pair and name == "key")) or (hide_value and name == "value")
        hidden = secret and content not in (None, "", True, False)
        result[redact_text(str(name), secrets)] = HIDDEN if hidden else _redacted(content, secrets, depth + 1)
    return result


def excerpt(body: bytes | str, limit: int = 500, secrets: Iterable[str] = ()) -> str:
    """The beginning of a body as one safe line for logs and messages: redacted, control characters escaped."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    # Redact more than is shown, so that a secret across the cut does not survive by halves.
    line = _CONTROL.sub(lambda mark: f"\\u{ord(mark[0]):04x}", redact_text(text[: limit + 4000], secrets))
    return line if len(text) <= limit and len(line) <= limit else f"{line[:limit]}... ({len(body)} in all)"
