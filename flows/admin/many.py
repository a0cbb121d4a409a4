"""Replaying and retrying many rows of a list, all matching ones too: asks first, then shows the run that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit.console.buttons import Said, tell
from audit.console.showing import heading_of
from flows.admin.asking import Question, ask, is_sure
from flows.admin.inbox import MAY_REPLAY
from flows.bulk.starting import MOST, start
from flows.models import BulkRun

Kind = BulkRun.Kind
_WHAT = {
    Kind.REPLAY: "Each is read from the shop again and the books are brought to what it says, even where nothing changed since.",
    Kind.RETRY: "Those that are stopped are tried again; the others are left as they are.",
}


class ManyAtOnce:
    """For lists of rows with a flow, an object type and a source id; before the base class. many: the kinds of run that it offers."""

    many: tuple[BulkRun.Kind, ...] = (Kind.REPLAY,)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)  # type: ignore[misc]
        if request.user.has_perm(MAY_REPLAY):
            actions |= {kind.value: (_asking(kind), kind.value, f"{kind.label.capitalize()} the chosen ones") for kind in self.many}
        return actions


def _asking(kind: BulkRun.Kind) -> Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]:
    def act(page: Any, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse | None:
        number = chosen.order_by().values("pk")[: MOST + 1].count()
        if number > MOST:
            tell(request, Said(f"More than {MOST:,} rows match. Narrow the list by its filters and do it in parts.", ok=False))
            return None
        if not is_sure(request):
            return ask(request, page.admin_site, _question(page, request, kind, number))
        runs = start(kind, chosen, about(request, number), request.user.get_username())
        return led_to(request, runs)

    act.__name__ = kind.value
    return act


def _question(page: Any, request: HttpRequest, kind: BulkRun.Kind, number: int) -> Question:
    hidden = [("action", kind.value), ("index", "0"), ("select_across", request.POST.get("select_across", "0"))]
    hidden += [(ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
    plural = str(page.opts.verbose_name_plural)
    facts = (
        f"Chosen: {about(request, number)}.",
        "Records that somebody skipped are left alone.",
        "It goes on in the background, behind what comes from the shop. The next page shows how far it is, and can stop it.",
    )
    title = f"{kind.label.capitalize()} {number:,} {plural if number != 1 else page.opts.verbose_name}"
    back = (request.get_full_path(), heading_of(page))
    return Question(title, _WHAT[kind], f"Yes, {kind.label} {number:,}", back, facts, tuple(hidden))


def about(request: HttpRequest, number: int) -> str:
    """What was chosen, in words."""
    if request.POST.get("select_across", "0") != "1":
        return f"{number:,} picked from the list"
    filters = {name: value for name, value in request.GET.items() if value and name not in ("p", "o", "e", "all", "_changelist_filters")}
    told = ", ".join(f"{name.partition('__')[0].replace('_', ' ')} {value}" for name, value in filters.items())
    return f"all {number:,} that match {told.replace('q ', 'the search ', 1) if told else 'the whole list'}"


def led_to(request: HttpRequest, runs: list[BulkRun]) -> HttpResponse | None:
    """To the run's page; to the list of runs where there are several."""
    if not runs:
        tell(request, Said("Nothing was chosen that could be done again.", ok=False))
        return None
    if len(runs) > 1:
        return HttpResponseRedirect(reverse("admin:flows_bulkrun_changelist"))
    return HttpResponseRedirect(reverse("admin:flows_bulkrun_change", args=[runs[0].pk]))
