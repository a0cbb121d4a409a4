"""A strict Content-Security-Policy on every page: nothing inline, nothing from elsewhere. Each request begins its log lines anew, and none
is larger than anything that we take or holds what the database cannot.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import clear_contextvars

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

INBOX, API = "/in/", "/api/"
LONGEST_BODY = 8 * 1024 * 1024  # bytes: the largest sheet of mappings, with room


def content_security_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Add the policy to each answer that does not bring its own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def log_context(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """What one request's log lines are bound to is forgotten before the thread takes the next one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        clear_contextvars()
        return get_response(request)

    return middleware


def bounded_body(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """413 before anything is read: an upload to the login page would fill the disk, a body to the API the memory. What comes without a
    length is empty for Django; webhooks (INBOX) count theirs themselves and are told apart there.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        told = "0" if request.path_info.startswith(INBOX) else str(request.META.get("CONTENT_LENGTH") or "0")
        most = max(LONGEST_BODY, settings.MAX_BODY_BYTES)
        if told.isascii() and told.isdecimal() and (len(told) > 18 or int(told) > most):
            return HttpResponse(f"That is too large: send at most {most // 1024**2} MiB at once.", status=413, content_type="text/plain")
        return get_response(request)

    return middleware


def no_nul(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """400 for a question with a NUL character: PostgreSQL takes none in a text, and no honest one has it. The API answers
    in its own form."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "%00" in request.META.get("QUERY_STRING", "") and not request.path_info.startswith(API):
            return HttpResponse("The address holds a NUL character (%00). Take it out.", status=400, content_type="text/plain")
        return get_response(request)

    return middleware
