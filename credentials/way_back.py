"""Where a browser goes when it is back from a platform: the connection's page, unless it left from somewhere else."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from credentials.models import Connection

_KEPT = "way_back"  # in the session, which is also what a hand-shake is bound to


def come_back_to(request: HttpRequest, connection: Connection, address: str) -> None:
    """The next hand-shake of this browser about this connection ends there. address: one of our own pages, made by us."""
    if request.session.get(_KEPT) != [connection.pk, address]:
        request.session[_KEPT] = [connection.pk, address]


def stay_there(request: HttpRequest) -> None:
    """The hand-shake that begins now was begun on the connection's page."""
    request.session.pop(_KEPT, None)


def way_back(request: HttpRequest, connection: Connection) -> str:
    """The address; good once."""
    kept = request.session.get(_KEPT)
    if kept and kept[0] == connection.pk:
        stay_there(request)
        return str(kept[1])
    try:
        return reverse("admin:credentials_connection_change", args=[connection.pk])
    except NoReverseMatch:
        return reverse("admin:index")
