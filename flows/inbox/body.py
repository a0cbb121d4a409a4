"""The raw body of a delivery: never more than allowed, and also where no length was told in advance."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, UnreadablePostError

CHUNK = 65536


class TooLarge(Exception):
    """The body is over MAX_BODY_BYTES."""


def read_body(request: HttpRequest) -> bytes:
    """The body as it came. Raises TooLarge, before it is read where the length is told, and BadRequest when it broke off."""
    told = str(request.META.get("CONTENT_LENGTH") or "")
    length = int(told) if told.isascii() and told.isdigit() and len(told) < 20 else None
    if length is not None and length > settings.MAX_BODY_BYTES:
        raise TooLarge
    try:
        return _unmeasured(request) if length is None else request.body
    except (UnreadablePostError, OSError) as broken:
        raise BadRequest("the body broke off") from broken


def _unmeasured(request: HttpRequest) -> bytes:
    """A chunked body: Django takes it for empty (it asks for a length), while the server knows where it ends."""
    if not request.META.get("wsgi.input_terminated"):
        return b""
    body, stream = bytearray(), request.META["wsgi.input"]
    while chunk := stream.read(CHUNK):
        body += chunk
        if len(body) > settings.MAX_BODY_BYTES:
            raise TooLarge
    return bytes(body)
