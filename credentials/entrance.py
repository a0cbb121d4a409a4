"""Browsers that come from the platform and not from us: an app is installed there, opened there, or removed there."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from connectors import registry
from connectors.kit.contract import OAuth2, Query
from connectors.kit.errors import BadSignature, SyncError
from credentials import handshakes, oauth
from credentials.access import limit_to, may_manage
from credentials.accounts import account_of, is_about, oauth_of
from credentials.models import Connection
from credentials.status import mark_ended
from credentials.views import LOGIN, NOT_OURS, leave, query_of, tested

STRANGER = (
    "Tillbridge has no connection of yours to this shop, or the address that your browser came with is not genuine. In Tillbridge, make a "
    "connection with the address of the shop and enter the app's client id and secret; then open the app there again."
)
LOG_IN = "Log in to Tillbridge in this browser first. Then open the app at the platform again."
REMOVED = "The app was removed at the platform."


@require_http_methods(["GET", "POST"])
@never_cache
def install(request: HttpRequest, platform: str) -> HttpResponse:
    """Someone opens the app at the platform: on to its consent page, or, where it sends a code at once, to a page that asks first."""
    _has_entrance(platform)
    query = query_of(request)
    has_code = bool(dict(query).get("code"))
    if not request.user.is_authenticated:
        return _refused(request, LOG_IN) if has_code else redirect_to_login(request.get_full_path(), reverse(LOGIN))
    mine = [row for row in limit_to(request.user, _rows(platform)) if may_manage(request.user, row)]
    connection = next(iter(_proven(mine, query)), None)
    if connection is None:
        return _refused(request, STRANGER)
    try:
        if has_code:
            return _with_code(request, connection, query)
        state = handshakes.begin(request, connection, handshakes.OAUTH)
        return leave(request, connection, oauth.authorize_url(connection, state))
    except SyncError as error:
        return _refused(request, error.message)


def _with_code(request: HttpRequest, connection: Connection, query: Query) -> HttpResponse:
    """The code came without a state of ours: a person confirms it here, in this browser, before it is used."""
    if request.method == "GET":
        state = handshakes.begin(request, connection, handshakes.INSTALL)
        return render(request, "credentials/install.html", {"connection": connection, "state": state, "query": urlencode(query)})
    claimed = handshakes.claim(request.POST.get("state", ""), handshakes.INSTALL, request=request)
    if claimed is None or claimed.connection != connection:
        return _refused(request, NOT_OURS)
    here = settings.PUBLIC_URL + reverse("install", args=[connection.platform])
    if oauth.redeem(connection, query, actor=request.user.get_username(), redirect=here):
        return redirect("choose-account", pk=connection.pk)
    return tested(request, connection)


@require_GET
@never_cache
def uninstall(request: HttpRequest, platform: str) -> HttpResponse:
    """The platform says that the app was removed; nobody is logged in here, so its signature alone counts."""
    _has_entrance(platform, removal=True)
    ended = _proven(_rows(platform), query_of(request), removal=True)
    for connection in ended:
        mark_ended(connection, REMOVED, actor="platform")
    return HttpResponse(status=200 if ended else 401)


def _rows(platform: str) -> QuerySet[Connection]:
    return Connection.objects.filter(platform=platform).order_by("id")


def _has_entrance(platform: str, *, removal: bool = False) -> None:
    """404 unless the platform sends browsers of this kind."""
    connector = registry.all_connectors().get(platform)
    ways = (connector.auth, *connector.ways.values()) if connector else ()
    doors = [way.entrance for way in ways if isinstance(way, OAuth2) and way.entrance]
    if not any(not removal or door.uninstall for door in doors):
        raise Http404


def _proven(rows: Iterable[Connection], query: Query, *, removal: bool = False) -> list[Connection]:
    """Those that the hit is about, and whose secrets prove it."""
    return [row for row in rows if _holds(row, query, removal)]


def _holds(connection: Connection, query: Query, removal: bool) -> bool:
    auth = oauth_of(connection)
    entrance = auth.entrance if auth else None
    check = (entrance.uninstall if removal else entrance.verify) if entrance else None
    if entrance is None or check is None:
        return False
    try:
        if not is_about(entrance.whose(query), connection):
            return False
        check(query, account_of(connection), timezone.now())
    except (BadSignature, SyncError):
        return False
    return True


def _refused(request: HttpRequest, sentence: str) -> HttpResponse:
    return render(request, "credentials/refused.html", {"sentence": sentence}, status=400)
