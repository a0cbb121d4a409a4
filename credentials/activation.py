"""Activations that begin in a shop: its server posts consumer credentials, then its administrator's browser comes and they are
exchanged for lasting ones.

The post is not signed. What it brings counts for nothing but an exchange with the very shop that the connection is about, begun by
someone who may manage it; until that has worked the connection goes on with what it had.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.models import Outcome
from connectors.kit.contract import Activated, Activation
from connectors.kit.errors import NeedsAttention, Rejected, SyncError
from connectors.kit.http import Plumbing
from credentials.access import may_manage
from credentials.accounts import ACTIVATING, account_with, same_address, way_of
from credentials.addresses import activation_token
from credentials.models import Connection
from credentials.services import probe_connection
from credentials.single_flight import alone
from credentials.status import record_about
from credentials.vault import forget, read_secrets, set_secrets
from credentials.views import LOGIN, leave, tested

LARGEST_BODY = 16 * 1024
TIME_TO_EXCHANGE = timedelta(minutes=5)  # shops let the consumer's key go after that
NOTHING_WAITS = "The shop has not sent us anything to activate during the last five minutes. Click Activate in the shop again."
ELSEWHERE = "The shop wants your browser back at an address that is not its own, so it was not sent there."


class ActivationCallback(APIView):
    """The shop's server posts here and waits a few seconds for a 200."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ("post",)

    def post(self, request: Request, platform: str, token: str) -> Response:
        connection, auth = _found(platform, token)
        body = request._request.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            return Response({"detail": "too large"}, status=413)
        try:
            came = auth.read(body)
        except Rejected:
            return Response({"detail": "these credentials were not expected"}, status=400)
        if not same_address(came.base_url, connection.base_url):
            return Response({"detail": "this is another shop's address"}, status=400)
        set_secrets(connection, {ACTIVATING: _pack(came)})
        return Response({"detail": "thank you"})


@require_GET
@never_cache
@login_required(login_url=LOGIN)
def identity(request: HttpRequest, platform: str, token: str) -> HttpResponse:
    """The administrator's browser comes from the shop: exchange what its server posted, and go back to it."""
    connection, auth = _found(platform, token)
    if not may_manage(request.user, connection):
        raise Http404
    person = request.user.get_username()
    try:
        _activate(connection, auth, request.GET.get(auth.consumer_param, ""), person)
    except SyncError as error:
        return render(request, "credentials/refused.html", {"sentence": error.message}, status=400)
    back = request.GET.get(auth.return_param, "")
    if not back:
        return tested(request, connection)
    probe_connection(connection, actor=person)
    if not _is_within(back, connection.base_url):
        return render(request, "credentials/refused.html", {"sentence": ELSEWHERE}, status=400)
    return leave(request, connection, back)


def _activate(connection: Connection, auth: Activation, consumer_key: str, actor: str) -> None:
    """Exchange, and keep what came of it; what was posted is used up either way. Raises SyncError with a sentence."""
    with alone(connection):
        stored = read_secrets(connection)
        came = _unpack(stored.get(ACTIVATING, ""))
        forget(connection, ACTIVATING)
    if came is None or not constant_time_compare(came.consumer_key, consumer_key):
        raise NeedsAttention(NOTHING_WAITS, code="nothing_to_activate")
    account = account_with(connection, {**stored, **came.secrets})
    found = auth.exchange(account, came.verifier, Plumbing(allow_private=settings.ALLOW_PRIVATE_STORES))
    set_secrets(connection, {**came.secrets, **found})
    record_about(connection, "connection_authorised", Outcome.DONE, "The shop was activated and its access was stored.", actor)


def _found(platform: str, token: str) -> tuple[Connection, Activation]:
    """The connection of an unguessable address; 404 for everything else."""
    rows = Connection.objects.filter(platform=platform)
    connection = next((row for row in rows if constant_time_compare(activation_token(row), token)), None)
    auth = way_of(connection) if connection else None
    if connection is None or not isinstance(auth, Activation):
        raise Http404
    return connection, auth


def _is_within(address: str, base_url: str) -> bool:
    root = base_url.rstrip("/") + "/"
    return address.startswith(root) and not any(character.isspace() or character == "\\" for character in address)


def _pack(came: Activated) -> str:
    return json.dumps([came.base_url, came.consumer_key, dict(came.secrets), came.verifier, datetime.now(UTC).isoformat()])


def _unpack(stored: str) -> Activated | None:
    if not stored:
        return None
    base_url, key, secrets, verifier, since = json.loads(stored)
    fresh = datetime.now(UTC) - datetime.fromisoformat(since) < TIME_TO_EXCHANGE
    return Activated(base_url, key, secrets, verifier) if fresh else None
