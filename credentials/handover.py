"""Keys that a shop hands over by itself: where the browser goes, and the endpoint that the shop's server posts them to.

That post is not signed and names no shop; all that tells us whose keys they are is the state. So they count as unproven until a call with
them has worked.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.http import Http404
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.models import Outcome
from connectors import registry
from connectors.kit.contract import Connector
from connectors.kit.errors import NeedsAttention, Rejected
from credentials.accounts import connector_of
from credentials.handshakes import HANDOVER, claim
from credentials.models import Connection
from credentials.status import record_about
from credentials.vault import set_secrets

APP_NAME = "Tillbridge"
LARGEST_BODY = 16 * 1024


def handover_address(connection: Connection, state: str) -> str:
    """Where the browser goes. Raises NeedsAttention when the platform has no hand-over or the shop's address is missing."""
    handover = connector_of(connection).handover
    if handover is None:
        raise NeedsAttention("This platform does not hand its keys over; type them in.", code="no_handover")
    if not connection.base_url:
        raise NeedsAttention("Enter the address of the shop first, and save the connection.", code="no_address")
    back = settings.PUBLIC_URL + reverse("handover-return", args=[connection.pk])
    callback = settings.PUBLIC_URL + reverse("handover-callback", args=[connection.platform])
    return handover.start(connection.base_url, APP_NAME, state, back, callback)


class HandoverCallback(APIView):
    """The shop's server posts its keys here and expects exactly 200; at anything else it deletes them again."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ("post",)

    def post(self, request: Request, platform: str) -> Response:
        connector = registry.all_connectors().get(platform)
        if connector is None or connector.handover is None:
            raise Http404
        body = request._request.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            return Response({"detail": "too large"}, status=413)
        try:
            state, secrets = connector.handover.read(body)
        except Rejected:
            return _refused()
        known = _secret_names(connector)
        with transaction.atomic():
            claimed = claim(state, HANDOVER, request=None, platform=platform)
            if claimed is None or not set(secrets) <= known:
                return _refused()
            _take(claimed.connection, dict(secrets))
        return Response({"detail": "thank you"})


def _refused() -> Response:
    return Response({"detail": "these keys were not expected"}, status=400)


def _secret_names(connector: Connector) -> set[str]:
    return {setting.name for setting in connector.settings if setting.secret}


def _take(connection: Connection, secrets: dict[str, str]) -> None:
    set_secrets(connection, secrets)
    unproven = Connection.objects.filter(pk=connection.pk).exclude(status=Connection.Status.PAUSED)
    unproven.update(status=Connection.Status.NEW, status_reason="The shop handed new keys over; they were not tried yet.")
    told = "The shop handed its keys over; a test call will prove them."
    record_about(connection, "connection_keys_received", Outcome.NOTED, told, "handover")
