"""The webhook endpoint over HTTP: raw bytes in, a bare status out, never a redirect."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from connectors.kit.contract import Delivery
from counting.tally import observe
from flows.bell import ring
from flows.inbox.body import TooLarge, read_body
from flows.inbox.receive import Receipt, answer_challenge, is_address, is_app_address, receive, receive_for_app


@csrf_exempt
def inbox(request: HttpRequest, platform: str, token: str) -> HttpResponse:
    """POST; 413 for a body over MAX_BODY_BYTES, 400 for one that broke off. A GET is answered where it is a platform's challenge."""
    if request.method == "GET" and (answer := answer_challenge(platform, token, request.GET.dict())):
        return HttpResponse(answer, content_type="text/plain")
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    if not is_address(platform, token):
        return HttpResponse(status=404)  # before the body is read: a stranger who dawdles over it must not hold a thread
    return _answer(request, platform, partial(receive, platform, token))


@csrf_exempt
def app_inbox(request: HttpRequest, platform: str) -> HttpResponse:
    """The same for deliveries that a platform sends to one address for all connections of an app."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    if not is_app_address(platform):
        return HttpResponse(status=404)
    return _answer(request, platform, partial(receive_for_app, platform))


def _answer(request: HttpRequest, platform: str, take: Callable[[Delivery], Receipt]) -> HttpResponse:
    started = time.monotonic()
    try:
        body = read_body(request)
    except TooLarge:
        return HttpResponse(status=413)
    except BadRequest:
        return HttpResponse(status=400)
    headers = {name.lower(): value for name, value in request.headers.items()}
    receipt = take(Delivery(headers, body, timezone.now()))
    if receipt.stored:
        ring()
    observe("ack_seconds", platform, seconds=time.monotonic() - started)
    return HttpResponse(status=receipt.status)
