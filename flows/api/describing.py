"""The description of the API (OpenAPI): what every address may answer besides its success."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from flows.api.problems import MEDIA_TYPE, Problem

_WHY = {
    "400": "The request is not right; errors names the fields.",
    "401": "No token, or one that is not accepted.",
    "403": "The token's scope or its person's roles do not allow it.",
    "404": "There is no such thing, or not for this token.",
    "409": "It cannot be done as things stand now.",
    "415": "The body is not JSON.",
    "424": "The shop or the books did not answer as they should.",
    "429": "Too many requests; Retry-After says how many seconds to wait.",
}


class DescribedSchema(AutoSchema):
    """Adds the problems to each operation."""

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        found: dict[str, Any] = super()._get_response_bodies(direction)  # type: ignore[arg-type]
        for code in self._problems():
            found.setdefault(code, {"description": _WHY[code], "content": {MEDIA_TYPE: {"schema": self._shape()}}})
        return found

    def _problems(self) -> list[str]:
        codes = ["400", "401", "403", "404", "429"]
        if self.method in ("POST", "PUT", "PATCH", "DELETE"):
            codes += ["409", "415"]
        if getattr(self.view, "action", "") == "plan":
            codes.append("424")
        return codes

    def _shape(self) -> Any:
        return self.resolve_serializer(Problem, "response").ref

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").partition("/")[0]]


def only_the_api(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Addresses that platforms post to are no part of it."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]
