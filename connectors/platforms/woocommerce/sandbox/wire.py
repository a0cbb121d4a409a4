"""JSON as WordPress writes it, its refusals, and a request with its parameters taken apart."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.woocommerce.sandbox.model import Json

if TYPE_CHECKING:
    from connectors.platforms.woocommerce.sandbox.state import Shop

CONTENT_TYPE = "application/json; charset=UTF-8"
ITEM_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Refusal(Exception):
    """An error answer. data is an object with the status unless given (refund errors carry a bare integer)."""

    def __init__(self, status: int, code: str, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.data = {"status": status} if data is None else data

    def body(self) -> Json:
        return {"code": self.code, "message": self.message, "data": self.data}


def invalid_params(problems: Mapping[str, tuple[str, str]]) -> Refusal:
    """400 for parameters out of range: name -> (code, message)."""
    details = {name: {"code": code, "message": text, "data": None} for name, (code, text) in problems.items()}
    params = {name: text for name, (_, text) in problems.items()}
    message = f"Invalid parameter(s): {', '.join(problems)}"
    return Refusal(400, "rest_invalid_param", message, {"status": 400, "params": params, "details": details})


def missing_params(names: Sequence[str]) -> Refusal:
    """400 for required parameters that are not there."""
    message = f"Missing parameter(s): {', '.join(names)}"
    return Refusal(400, "rest_missing_callback_param", message, {"status": 400, "params": list(names)})


def listed(words: Sequence[str]) -> str:
    """a, b, and c"""
    return ", ".join(words[:-1]) + f", and {words[-1]}" if len(words) > 1 else words[0]


def not_in(name: str, allowed: Sequence[str]) -> tuple[str, str]:
    """The problem of a value outside its enumeration."""
    return "rest_not_in_enum", f"{name} is not one of {listed(allowed)}."


def no_trash(what: str) -> Refusal:
    """501 for a DELETE without force where there is no trash."""
    return Refusal(501, "woocommerce_rest_trash_not_supported", f"{what} not support trashing.")


def encode(value: Any) -> bytes:
    """JSON with escaped slashes and non-ASCII letters, as wp_json_encode writes it (signatures are over these bytes)."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer; bytes are JSON already."""
    body = value if isinstance(value, bytes) else encode(value)
    return Answer(status, body, {"Content-Type": CONTENT_TYPE, **(headers or {})})


def money(value: Decimal, decimals: int) -> str:
    """A decimal string with so many places."""
    rounded = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{abs(rounded) if rounded == 0 else rounded:f}"


def unpadded(value: Decimal) -> str:
    """A decimal string without trailing zeros: 7, 1.2."""
    return f"{value.normalize():f}" if value else "0"


def number(value: Decimal) -> int | float:
    """A JSON number, only for the fields that the platform itself sends as one (price, rate_percent)."""
    return int(value) if value == value.to_integral_value() else float(value)


def stamp(moment: datetime | None, shop: Shop) -> str | None:
    """Site time without a zone."""
    return None if moment is None else moment.astimezone(shop.zone).strftime("%Y-%m-%dT%H:%M:%S")


def stamp_gmt(moment: datetime | None) -> str | None:
    """UTC without a zone."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S")


def item_links(shop: Shop, path: str, allow: Sequence[str] = ITEM_METHODS) -> Json:
    """_links with self and collection of an item below /wp-json/wc/v3."""
    collection = path.rsplit("/", 1)[0]
    return {
        "self": [{"href": f"{shop.api}{path}", "targetHints": {"allow": list(allow)}}],
        "collection": [{"href": f"{shop.api}{collection}"}],
    }


def _parse_query(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Query parameters, with name[] and name[0] gathered in lists as PHP does."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        match = re.fullmatch(r"([^\[\]]+)\[\d*\]", name)
        if not match:
            found[name] = value
        elif isinstance(found.get(match[1]), list):
            found[match[1]].append(value)
        else:
            found[match[1]] = [value]
    return found


def _parse_body(call: Call) -> dict[str, Any]:
    if not call.body:
        return {}
    if "json" not in call.headers.get("content-type", ""):
        return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        value = json.loads(call.body)
    except ValueError:
        data = {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"}
        raise Refusal(400, "rest_invalid_json", "Invalid JSON body passed.", data) from None
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Request:
    """A routed call: query and body taken apart, and which user asks."""

    shop: Shop
    call: Call
    query: dict[str, Any]
    body: dict[str, Any]
    user: int

    @classmethod
    def of(cls, shop: Shop, call: Call, user: int) -> Request:
        return cls(shop, call, _parse_query(call.query), _parse_body(call), user)

    def forced(self) -> bool:
        """Whether force is true, in the query or in the body."""
        return str(self.query.get("force", self.body.get("force", ""))).lower() in ("true", "1")

    def decimals(self) -> int | None:
        """The dp parameter."""
        value = str(self.query.get("dp", ""))
        return int(value) if value.isdigit() else None


def only_fields(value: Any, wanted: str) -> Any:
    """What _fields leaves of an answer; "a,b.c" keeps a and the c inside b."""
    if isinstance(value, list):
        return [only_fields(item, wanted) for item in value]
    tree: dict[str, list[str]] = {}
    for path in filter(None, (part.strip() for part in wanted.split(","))):
        head, _, rest = path.partition(".")
        tree.setdefault(head, []).append(rest)
    if not isinstance(value, dict):
        return value
    kept = {}
    for name in value:
        if name in tree:
            inner = tree[name]
            kept[name] = value[name] if "" in inner else only_fields(value[name], ",".join(inner))
    return kept
