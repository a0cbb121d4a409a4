"""JSON as Magento writes it, its refusals, and its masks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.kit.sandbox import Answer

Json = dict[str, Any]
CONTENT_TYPE = "application/json; charset=utf-8"


class Refusal(Exception):
    """An error answer: a message with placeholders and what fills them."""

    def __init__(self, status: int, message: str, parameters: Any = None) -> None:
        super().__init__(message)
        self.status, self.message, self.parameters = status, message, parameters

    def answer(self) -> Answer:
        body = {"message": self.message} | ({} if self.parameters is None else {"parameters": self.parameters})
        return reply(body, self.status)


def not_allowed(resource: str) -> Refusal:
    """401 for a missing permission, for a bearer token that is switched off, and for no header at all."""
    return Refusal(401, "The consumer isn't authorized to access %resources.", {"resources": resource})


def required(field: str) -> Refusal:
    return Refusal(400, '"%fieldName" is required. Enter and try again.', {"fieldName": field})


def no_entity(field: str, value: Any) -> Refusal:
    return Refusal(404, "No such entity with %fieldName = %fieldValue", {"fieldName": field, "fieldValue": value})


NO_ORDER = Refusal(404, "The entity that was requested doesn't exist. Verify the entity and try again.")
NO_ROUTE = Refusal(404, "Request does not match any route.")


def reply(value: Any, status: int = 200) -> Answer:
    """A JSON answer with a session cookie, as PHP sets one on every call."""
    headers = {"Content-Type": CONTENT_TYPE, "Set-Cookie": "PHPSESSID=0a1b2c; path=/; HttpOnly"}
    return Answer(status, json.dumps(plain(value), ensure_ascii=True).encode(), headers)


def plain(value: Any) -> Any:
    """Decimals as JSON numbers, whole ones as integers: what PHP makes of its floats."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def without_nulls(row: Mapping[str, Any]) -> Json:
    """Magento leaves null fields out of its objects."""
    return {name: value for name, value in row.items() if value is not None}


# ---- the fields mask ---------------------------------------------------------------------------------------


def masked(value: Any, mask: str) -> Any:
    """What fields=items[entity_id,billing_address[city]],total_count leaves. An empty list comes as null (observed)."""
    return _kept(value, _tree(mask))


def _tree(mask: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    stack, word = [found], ""
    for letter in mask + ",":
        if letter in ",[]":
            if word.strip():
                stack[-1].setdefault(word.strip(), {})
            if letter == "[":
                stack.append(stack[-1][word.strip()])
            if letter == "]" and len(stack) > 1:
                stack.pop()
            word = ""
        else:
            word += letter
    return found


def _kept(value: Any, tree: Mapping[str, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_kept(part, tree) for part in value] or None
    if isinstance(value, Mapping):
        return {name: _kept(value[name], inner) for name, inner in tree.items() if name in value}
    return value
