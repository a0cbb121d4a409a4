"""The webhook endpoint over HTTP: raw bytes in, a bare status out, never a redirect."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from connectors.kit.contract import Delivery
from flows.bell import ring
from flows.inbox.body import TooLarge, read_body
from flows.inbox.receive import is_address, receive


@csrf_exempt
def inbox(request: HttpRequest, platform: str, token: str) -> HttpResponse:
    """POST only; 413 for a body over MAX_BODY_BYTES, 400 for one that broke off."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    if not is_address(platform, token):
        return HttpResponse(status=404)  # before the body is read: a stranger who dawdles over it must not hold a thread
    try:
        body = read_body(request)
    except TooLarge:
        return HttpResponse(status=413)
    except BadRequest:
        return HttpResponse(status=400)
    headers = {name.lower(): value for name, value in request.headers.items()}
    receipt = receive(platform, token, Delivery(headers, body))
    if receipt.stored:
        ring()
    return HttpResponse(status=receipt.status)
