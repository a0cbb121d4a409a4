"""What the operator's browser sees of a hand-shake."""

from __future__ import annotations

from urllib.parse import parse_qsl

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from connectors.kit.contract import Query
from connectors.kit.errors import BadSignature, SyncError
from credentials import handshakes, oauth
from credentials.access import limit_to, may_manage
from credentials.accounts import account_of, oauth_of
from credentials.handover import handover_address
from credentials.models import Connection
from credentials.services import probe_connection
from credentials.way_back import stay_there, way_back

LOGIN = "admin:login"
NOT_OURS = (
    "This answer does not belong to a sign-in that was begun in this browser during the last ten minutes, or it was used already. "
    'Open the connection and click "Connect" again.'
)


@require_POST
@login_required(login_url=LOGIN)
def start_oauth(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the browser to the platform with a fresh state."""
    connection = _managed(request, pk)
    stay_there(request)
    return leave_for_oauth(request, connection)


def leave_for_oauth(request: HttpRequest, connection: Connection) -> HttpResponse:
    """The same from another page of ours, which saw to it that the person may manage the connection."""
    try:
        oauth.authorize_url(connection, "")  # complains before a state is made
        state = handshakes.begin(request, connection, handshakes.OAUTH)
        return leave(request, connection, oauth.authorize_url(connection, state))
    except SyncError as error:
        return _back(request, connection, error.message)


@require_POST
@login_required(login_url=LOGIN)
def start_handover(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the browser to the shop, which will hand its keys over to our server."""
    connection = _managed(request, pk)
    stay_there(request)
    return leave_for_handover(request, connection)


def leave_for_handover(request: HttpRequest, connection: Connection) -> HttpResponse:
    """The same from another page of ours, which saw to it that the person may manage the connection."""
    try:
        handover_address(connection, "")
        state = handshakes.begin(request, connection, handshakes.HANDOVER)
        return leave(request, connection, handover_address(connection, state))
    except SyncError as error:
        return _back(request, connection, error.message)


@require_GET
@never_cache
def oauth_callback(request: HttpRequest) -> HttpResponse:
    """The browser is back from the platform. Never sends anyone to the login page: the address holds a code."""
    claimed, query = None, query_of(request)
    if request.user.is_authenticated and _is_proven(request.GET.get("state", ""), query):
        claimed = handshakes.claim(request.GET.get("state", ""), handshakes.OAUTH, request=request)
    if claimed is None or not may_manage(request.user, claimed.connection):
        return render(request, "credentials/refused.html", {"sentence": NOT_OURS}, status=400)
    connection = claimed.connection
    if not request.GET.get("code"):
        return _back(request, connection, "The platform gave no access: it was declined there. Nothing was changed.")
    try:
        if oauth.redeem(connection, query, actor=_name(request)):
            return redirect("choose-account", pk=connection.pk)
    except SyncError as error:
        return _back(request, connection, error.message)
    return tested(request, connection)


def _is_proven(state: str, query: Query) -> bool:
    """Whether the platform's own signature over its answer holds, where it makes one. Looked at before the state is used up."""
    connection = handshakes.peek(state, handshakes.OAUTH)
    auth = oauth_of(connection) if connection else None
    if connection is None or auth is None:
        return False
    try:
        if auth.verify is not None:
            auth.verify(query, account_of(connection), timezone.now())
    except (BadSignature, SyncError):
        return False
    return True


def query_of(request: HttpRequest) -> Query:
    """The parameters of the address, decoded, in their order."""
    return parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True, max_num_fields=100)


@require_http_methods(["GET", "POST"])
@never_cache
@login_required(login_url=LOGIN)
def choose_account(request: HttpRequest, pk: int) -> HttpResponse:
    """One sign-in reaches several accounts: which one is this connection?"""
    connection = _managed(request, pk)
    try:
        if request.method == "POST":
            oauth.choose(connection, request.POST.get("account", ""), actor=_name(request))
            return tested(request, connection)
        found = [(oauth.candidate_key(candidate), candidate) for candidate in oauth.pending_candidates(connection)]
    except SyncError as error:
        return _back(request, connection, error.message)
    return render(request, "credentials/choose.html", {"connection": connection, "candidates": found})


@require_GET
@never_cache
@login_required(login_url=LOGIN)
def handover_return(request: HttpRequest, pk: int) -> HttpResponse:
    """The browser is back from the shop. The keys came to our server before it, or not at all."""
    connection = _managed(request, pk)
    if not handshakes.arrived(request, connection, handshakes.HANDOVER):
        return _back(request, connection, "The shop handed no keys over. Nothing was changed.")
    return tested(request, connection)


def _managed(request: HttpRequest, pk: int) -> Connection:
    """404 for connections of others, 403 for those that the user may only look at."""
    connection = get_object_or_404(limit_to(request.user, Connection.objects.all()), pk=pk)
    if not may_manage(request.user, connection):
        raise PermissionDenied
    return connection


def leave(request: HttpRequest, connection: Connection, address: str) -> HttpResponse:
    """A page of ours that moves on. A redirect would be refused by browsers that hold our form-action 'self' against the
    addresses that a form's answer redirects to.
    """
    response = render(request, "credentials/leave.html", {"connection": connection, "address": address})
    response.headers["Refresh"] = f"0;url={address}"
    response.headers["Cache-Control"] = "no-store"
    return response


def tested(request: HttpRequest, connection: Connection) -> HttpResponse:
    probe = probe_connection(connection, actor=_name(request))
    if not probe.ok:
        return _back(request, connection, " ".join(probe.problems))
    messages.success(request, f'"{connection.label}" is connected and answers.')
    return redirect(way_back(request, connection))


def _back(request: HttpRequest, connection: Connection, sentence: str) -> HttpResponse:
    messages.error(request, sentence)
    return redirect(way_back(request, connection))


def _name(request: HttpRequest) -> str:
    return request.user.get_username()
