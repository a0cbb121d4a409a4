"""Whoever needs a second factor does nothing before it is given, by whatever way they came in; and each browser in use is noted."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse

from credentials.people.second_factor import standing_of
from credentials.people.sign_ins import note_again

Answer = Callable[[HttpRequest], HttpResponse]

GIVEN = "second_factor"  # in the session: the authenticator whose code was given in it
SET_UP, ASK = "account:set-up-second-factor", "account:give-code"
# All that a browser reaches before its second factor: where it is set up or given, and the way out.
OPEN = frozenset({SET_UP, ASK, "admin:login", "admin:logout"})


def second_factor_gate(get_response: Answer) -> Answer:
    """After Django's authentication, whatever view comes next."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not isinstance(request.user, User):
            return get_response(request)  # nobody is logged in here
        missing = missing_step(request, request.user)
        if missing and _name(request) not in OPEN:
            back = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
            return HttpResponseRedirect(f"{reverse(missing)}{'?' if back else ''}{back}")
        if not missing:
            note_again(request)
        return get_response(request)

    return middleware


def missing_step(request: HttpRequest, user: User) -> str:
    """The page that this browser has to pass first, "" when it may go on."""
    standing = standing_of(user)
    if standing.authenticator is not None:
        return "" if request.session.get(GIVEN) == standing.authenticator else ASK
    return SET_UP if standing.required else ""


def _name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""
