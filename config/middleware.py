"""A strict Content-Security-Policy on every page: nothing inline, nothing from elsewhere. And each request begins its log lines anew."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import clear_contextvars

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


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
