"""Where the guided path stands in the console."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path

from flows.admin.setting_up import ends, mappings, options, sides, starting, testing, trying
from flows.admin.setting_up.path import address, set_up_of
from flows.models import SetUp
from flows.setting_up import steps

View = Callable[[HttpRequest, SetUp], HttpResponse]
VIEWS: dict[str, View] = {
    steps.ENDS: ends.ends,
    steps.SOURCE: partial(sides.side, name=steps.SOURCE),
    steps.DESTINATION: partial(sides.side, name=steps.DESTINATION),
    steps.TEST: testing.test,
    steps.OPTIONS: options.options,
    steps.MAPPINGS: mappings.mappings,
    steps.TRIAL: trying.trial,
    steps.START: starting.start,
    steps.FIRST: starting.first,
}


def step(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One page of the path; what is not reached yet, or over, leads to where the path stands."""
    row = set_up_of(request, pk)
    at = steps.place(row, name)
    if at < 0:
        raise Http404
    furthest = steps.reached(row)
    if at > steps.place(row, furthest) or (row.finished_at is not None and name != furthest):
        return HttpResponseRedirect(address(row, furthest))
    return VIEWS[name](request, row)


def set_up_urls(site: AdminSite) -> list[URLPattern]:
    """All of them, behind the login."""
    return [
        path("set-up/", site.admin_view(ends.begin), name="set-up"),
        path("set-up/<int:pk>/", site.admin_view(ends.resume), name="set-up-resume"),
        path("set-up/<int:pk>/discard/", site.admin_view(ends.discard), name="set-up-discard"),
        path("set-up/<int:pk>/<slug:name>/", site.admin_view(step), name="set-up-step"),
    ]
