"""Whatever goes wrong is answered in one shape (RFC 9457), with a sentence for people and a code for programs."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, serializers
from rest_framework.response import Response

MEDIA_TYPE = "application/problem+json"
NO_SUCH = "There is no such thing here, or not for this token."


class Conflict(exceptions.APIException):
    """It cannot be done as things stand now."""

    status_code = 409
    default_code = "conflict"


class OtherSide(exceptions.APIException):
    """The shop or the books did not answer as they should; nothing is wrong with the request."""

    status_code = 424
    default_code = "other_side"


class FieldProblem(serializers.Serializer[Any]):
    """What is wrong with one field of the request."""

    field = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """The one shape of all answers that are not a success."""

    type = serializers.CharField(help_text="Always about:blank; the code tells problems apart.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = FieldProblem(many=True)  # type: ignore[assignment]


def body(status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """The answer's content."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": errors or [],
    }


def answer_problem(raised: Exception, _context: dict[str, Any]) -> Response | None:
    """REST framework's exceptions, Django's, and two writers of one row at once; anything else is a defect and stays one."""
    known = _known(raised)
    if known is None:
        return None
    errors = list(_fields(known.detail)) if isinstance(known, exceptions.ValidationError) else []
    code, detail = _told(known, errors)
    asks: str = getattr(known, "auth_header", "")
    headers = {"WWW-Authenticate": asks} if asks else {}
    if (wait := getattr(known, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    return Response(body(known.status_code, code, detail, errors), known.status_code, headers=headers, content_type=MEDIA_TYPE)


@csrf_exempt  # it does nothing, and programs are to read why
def not_found(_request: HttpRequest, **_parts: str) -> JsonResponse:
    """Any other address below ours."""
    return JsonResponse(body(404, "not_found", "The API has no such address."), status=404, content_type=MEDIA_TYPE)


def _known(raised: Exception) -> exceptions.APIException | None:
    match raised:
        case exceptions.APIException():
            return raised
        case Http404():
            return exceptions.NotFound(NO_SUCH)
        case PermissionDenied():
            return exceptions.PermissionDenied()
        case IntegrityError():
            return Conflict("Somebody saved the same at this moment. Read it again, then decide.")
    return None


def _told(known: exceptions.APIException, errors: list[dict[str, str]]) -> tuple[str, str]:
    if isinstance(known, exceptions.ValidationError):
        return "invalid", "; ".join(f"{error['field']}: {error['detail']}" if error["field"] else error["detail"] for error in errors)
    detail = known.detail
    return str(getattr(detail, "code", known.default_code)), str(detail)


def _fields(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flat, with the path to each field."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            part = "" if name == "non_field_errors" else str(name)
            yield from _fields(inner, ".".join(filter(None, (path, part))))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _fields(inner, path)
    else:
        yield {"field": path, "detail": str(detail)}
