"""The webhook endpoint over HTTP: raw bytes in, a bare status out, never a redirect."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from connectors.kit.contract import Delivery
from flows.bell import ring
from flows.inbox.receive import receive


@csrf_exempt
def inbox(request: HttpRequest, platform: str, token: str) -> HttpResponse:
    """POST only; 413 for a body over MAX_BODY_BYTES, before it is read."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_BODY_BYTES:
        return HttpResponse(status=413)
    try:
        body = request.body
    except RequestDataTooBig:
        return HttpResponse(status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    receipt = receive(platform, token, Delivery(headers, body))
    if receipt.stored:
        ring()
    return HttpResponse(status=receipt.status)
