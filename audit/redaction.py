"""Takes secrets out of evidence before it is stored: by the name of their field, by their shape, and by being known."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

MASK = "***"
LONGEST_TEXT = 4000  # characters of one text in evidence
LOOKED_AT = 4 * LONGEST_TEXT  # of a longer text only this beginning is searched for secrets, and less of it kept
LARGEST = 64 * 1024  # characters of the whole evidence as JSON
DEEPEST = 40
SHORTEST_KNOWN = 8  # shorter secrets would blank innocent words
SHORTEST_TELLING = len("token=x")  # nothing shorter holds a secret by any of the rules below
MOST_KNOWN = 512

_NAMES = (
    r"authorization|proxy-authorization|cookie|set-cookie|x-auth-token|x-api-key|api[_-]?key|apikey|access[_-]?key|"
    r"consumer[_-]?key|consumer[_-]?secret|client[_-]?secret|access[_-]?token|refresh[_-]?token|id[_-]?token|oauth[_-][a-z_]+|"
    r"x-shopify-access-token|password|passwd|secret|[a-z_-]*[_-]secret|token|[a-z_-]*[_-]token|verifier|private[_-]?key|signature"
)
_NAME = re.compile(rf"(?i)^(?:{_NAMES})$")
# The same names inside texts: JSON members (also escaped ones), and parameters of forms and addresses.
_MEMBER = re.compile(rf'(?i)("(?:{_NAMES})\\?"\s*:\s*\\?")(?:[^"\\]|\\[^"])*')
_PARAMETER = re.compile(rf"(?i)((?:^|[?&\s;])(?:{_NAMES})=)[^&\s;\"']+")
# "code" is mostly an error's or a coupon's; an authorisation code is long (FreshBooks: 64 hex digits).
_CODE = re.compile(r'(code(?<![A-Za-z0-9_]code)(?:=|\\?"\s*:\s*\\?"))[A-Za-z0-9._~%-]{32,}')

_SHAPES = re.compile(
    r"""
    \bgAAAA[A-Za-z0-9_-]{60,}=*                               # Fernet tokens
    |\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]* # JSON web tokens
    |\bshp(?:at|ca|pa|ss|ua|rt)_[0-9A-Za-z]{16,}               # Shopify tokens
    |\b[rs]k_(?:live|test)_[0-9A-Za-z]{8,}                     # Stripe keys
    |\bwhsec_[0-9A-Za-z+/=_-]{16,}                             # webhook signing secrets
    |\btbk_[0-9A-Za-z_-]{16,}                                  # tokens of our own API
    |(?<=\bBearer\s)[A-Za-z0-9._~+/=-]{8,}
    |(?<=\bBasic\s)[A-Za-z0-9+/=]{8,}
    """,
    re.VERBOSE,
)
_SHOP_KEY = re.compile(r"\bc[ks]_[0-9a-f]{40}\b")  # WooCommerce
_USER_INFO = re.compile(r"""(://)[^/@\s"']+:[^/@\s"']+(?=@)""")
# Addresses of ours that open something by themselves: webhooks, invitations, new passwords, activations. Also inside other addresses (%2F).
_SLASH = "(?:/|%2[Ff])"
_ADDRESS = re.compile(
    rf"({_SLASH}(?:in|connect){_SLASH}[\w-]+{_SLASH}(?:(?:activate|identity){_SLASH})?|{_SLASH}account{_SLASH}join{_SLASH})[\w-]{{24,}}"
    rf"|({_SLASH}account{_SLASH}password{_SLASH}[\w-]+{_SLASH})\w+-[0-9a-f]{{32,}}"
)
_ADDRESS_WORDS = tuple(
    word.replace("/", slash) for word in ("/in/", "/connect/", "/account/join/", "/account/password/") for slash in ("/", "%2f")
)

# Looking for a plain word first is what makes this affordable on every exchange (measured: a third of a worker's time without it).
_NAME_WORDS = (
    "auth",
    "cookie",
    "token",
    "secret",
    "passw",
    "verifier",
    "signature",
    "api_",
    "api-k",
    "apik",
    "access_",
    "access-",
    "accessk",
    "consumer",
    "private",
)
_SHAPE_WORDS = ("gAAAA", "eyJ", "shp", "k_live_", "k_test_", "whsec_", "tbk_", "Bearer", "Basic")

_known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
_known_forms: tuple[str, ...] = ()
_known_lock = threading.Lock()


def remember(name: str, secret: str) -> None:
    """Blank this secret, and its base64 and URL forms, wherever it turns up from now on in this process.

    name is the stable name of the place that it is kept in; the last two values of a place are remembered (rotation).
    """
    global _known_forms
    if len(secret) < SHORTEST_KNOWN:
        return
    with _known_lock:
        values = _known.pop(name, ())
        _known[name] = values if secret in values else (*values, secret)[-2:]
        if secret in values:
            return
        if len(_known) > MOST_KNOWN:
            _known.popitem(last=False)
        _known_forms = _forms({secret for values in _known.values() for secret in values})


def _forms(secrets: set[str]) -> tuple[str, ...]:
    encoded = {base64.b64encode(secret.encode()).decode().rstrip("=") for secret in secrets}
    return tuple(sorted(secrets | encoded | {quote(secret, safe="") for secret in secrets}, key=len, reverse=True))


def redact(value: Any) -> Any:
    """A copy that is safe to keep: JSON values only, without secrets, of bounded size."""
    safe = _redacted(value, 0)
    size = len(json.dumps(safe, ensure_ascii=False))
    if size > LARGEST:
        return {"truncated": f"{size} characters of evidence were more than we keep", "beginning": json.dumps(safe)[:LONGEST_TEXT]}
    return safe


def redact_text(text: str) -> str:
    """The text without secrets, clipped to LONGEST_TEXT, as every database takes it."""
    if len(text) < SHORTEST_TELLING:
        return plain_text(text)
    cut = text if len(text) <= LOOKED_AT else text[:LOOKED_AT]
    for secret in _known_forms:
        if secret in cut:
            cut = cut.replace(secret, MASK)
    cut = _blanked(cut)
    if len(text) > LOOKED_AT:
        cut = cut[: LOOKED_AT // 2]  # a secret that the first cut went through must not stay as a half
    if len(cut) > LONGEST_TEXT or len(text) > LOOKED_AT:
        cut = f"{cut[:LONGEST_TEXT]}... ({len(text)} characters)"
    return plain_text(cut)


def _blanked(text: str) -> str:
    """Secrets by the names and shapes that give them away."""
    lowered = text.lower()
    member, parameter = ":" in text, "=" in text  # only then a name can have a value
    if member or parameter:
        if any(word in lowered for word in _NAME_WORDS):
            text = _MEMBER.sub(rf"\1{MASK}", text) if member else text
            text = _PARAMETER.sub(rf"\1{MASK}", text) if parameter else text
        if "code" in lowered:
            text = _CODE.sub(rf"\1{MASK}", text)
    if "ck_" in text or "cs_" in text:
        text = _SHOP_KEY.sub(MASK, text)
    if any(word in text for word in _SHAPE_WORDS):
        text = _SHAPES.sub(MASK, text)
    if ("/" in text or "%2" in text) and any(word in lowered for word in _ADDRESS_WORDS):
        text = _ADDRESS.sub(rf"\1\2{MASK}", text)
    return _USER_INFO.sub(rf"\1{MASK}", text) if "://" in text and "@" in text else text


def plain_text(text: str) -> str:
    """Text that every database takes: no NUL and no lone surrogates (PostgreSQL refuses both)."""
    text = text.replace("\x00", "\\x00")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _redacted(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return "too deep to keep"
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, Mapping):
        return {redact_text(str(key)): _member(str(key), item, depth) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redacted(item, depth + 1) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return redact_text(bytes(value[: LOOKED_AT * 4]).decode("utf-8", "replace"))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return redact_text(str(value))  # floats and decimals too: jsonb would rewrite a float and break its digest


def _member(name: str, value: Any, depth: int) -> Any:
    if _NAME.match(name) and value not in (None, "", True, False):
        return MASK  # an empty value shows that nothing was there
    if name.lower() == "code" and isinstance(value, str) and len(value) > 40:
        return MASK
    return _redacted(value, depth + 1)
