"""Answers as the store words them: v2 lists and 204, v3 envelopes, and errors of both generations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.bigcommerce.sandbox.model import Json

_TITLES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "The requested resource was not found.",
    413: "Too many items",
    429: "Too many requests",
}


class Refusal(Exception):
    """An error answer. fields: v3's errors by field."""

    def __init__(self, status: int, message: str = "", fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.fields = status, dict(fields or {})
        self.message = message or _TITLES.get(status, "The request was refused.")


def refused(path: str, refusal: Refusal) -> Answer:
    """v2 answers a list, v3 an object, refunds a list wrapped in data."""
    if "/v2/" in path:
        return Answer.of([{"status": refusal.status, "message": refusal.message}], refusal.status)
    kind = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"
    body: Json = {"status": refusal.status, "title": refusal.message, "type": kind, "errors": refusal.fields}
    if "/payment_actions/" in path and refusal.status != 429:
        return Answer.of({"data": [{"status": refusal.status, "title": refusal.message}], "meta": {}}, refusal.status)
    return Answer.of(body, refusal.status)


def listed(rows: Sequence[Any]) -> Answer:
    """A v2 list: no rows are 204 and an empty body."""
    return Answer.of(list(rows)) if rows else Answer(204)


def data(value: Any, meta: Json | None = None, status: int = 200) -> Answer:
    return Answer.of({"data": value, "meta": meta or {}}, status)


def page_of(call: Call, largest: int, cap: int) -> tuple[int, int]:
    """(page, limit) of a call; more than the largest page is refused with 413, more than the cap is cut down silently."""
    page, limit = _count(call, "page", 1), _count(call, "limit", 50)
    if limit > largest:
        raise Refusal(413, f"The limit may be at most {largest}.")
    return page, min(limit, cap)


def _count(call: Call, name: str, default: int) -> int:
    found = call.parameter(name) or str(default)
    if not found.isdigit() or not int(found):
        raise Refusal(400, f"{name} must be a positive number")
    return int(found)


def pagination(total: int, count: int, page: int, limit: int) -> Json:
    pages = max(1, -(-total // limit))
    links = {"current": f"?page={page}&limit={limit}"}
    if page < pages:
        links["next"] = f"?page={page + 1}&limit={limit}"
    if page > 1:
        links["previous"] = f"?page={page - 1}&limit={limit}"
    return {"total": total, "count": count, "per_page": limit, "current_page": page, "total_pages": pages, "links": links}


def compact(value: Any) -> bytes:
    """JSON as webhooks carry it."""
    return json.dumps(value, separators=(",", ":")).encode()
