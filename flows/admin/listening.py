"""Webhooks and schedules of one organization, on one page in plain words: what is heard, what is read regularly, and what to click."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from audit.console.buttons import Said, tell
from audit.models import Outcome
from audit.services import write
from connectors.kit.errors import SyncError
from credentials.access import limit_to, visible_organizations
from credentials.console import ScopedAdmin
from credentials.models import Connection, Organization
from flows.admin.asking import Question, ask, is_sure
from flows.admin.flow import MAY_BACKFILL, NOT_TAKEN
from flows.admin.rhythm import RhythmForm
from flows.asking import ask_for_poll
from flows.listening.gaps import fill_gap, gap_since
from flows.listening.health import ears_of
from flows.listening.routines import routines
from flows.listening.words import every_in_words
from flows.models import Backfill, Flow, Subscription
from flows.schedules import schedule_poll
from flows.subscriptions import recreate, reenable

MAY_SEE, MAY_MEND, MAY_CHANGE = "flows.view_subscription", "flows.reenable_subscription", "flows.change_flow"
LATEST = 8  # backfills shown
M = TypeVar("M", bound=Model)
View = Callable[..., HttpResponse]


def urls(page: ScopedAdmin) -> list[URLPattern]:
    """The pages, behind the login; their names begin with flows_subscription_."""
    views: tuple[tuple[str, View, str], ...] = (
        ("listening/", first, "everything"),
        ("listening/<int:pk>/", overview, "listening"),
        ("listening/gap/<int:pk>/", gap, "gap"),
        ("listening/poll/<int:pk>/", poll, "poll"),
        ("listening/rhythm/<int:pk>/", rhythm, "rhythm"),
        ("listening/<int:pk>/reenable/", partial(mend, how="reenable"), "listening_reenable"),
        ("listening/<int:pk>/recreate/", partial(mend, how="recreate"), "listening_recreate"),
    )
    return [path(way, page.admin_site.admin_view(partial(view, page)), name=f"flows_subscription_{name}") for way, view, name in views]


def address_of(organization_id: int) -> str:
    """The page of one organization."""
    return reverse("admin:flows_subscription_listening", args=[organization_id])


def first(page: ScopedAdmin, request: HttpRequest) -> HttpResponse:
    """Straight to the person's first organization."""
    _need(request, MAY_SEE)
    organization = visible_organizations(request.user).first()
    if organization is None:
        raise Http404
    return HttpResponseRedirect(address_of(organization.pk))


def overview(page: ScopedAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that one organization hears and reads."""
    organization = _visible(request, Organization.objects.all(), pk, "pk")
    _need(request, MAY_SEE)
    backfills = Backfill.objects.filter(flow__organization=organization).select_related("flow").order_by("-id")
    context = {
        **page.admin_site.each_context(request),
        "title": "Webhooks and schedules",
        "subtitle": str(organization),
        "organization": organization,
        "others": list(visible_organizations(request.user).exclude(pk=pk)[:50]),
        "ears": [(ear, [(poll, RhythmForm.of(poll.flow)) for poll in ear.polls]) for ear in ears_of(organization, timezone.now())],
        "routines": routines(timezone.now()),
        "backfills": list(backfills[:LATEST]),
        "may_mend": request.user.has_perm(MAY_MEND),
        "may_backfill": request.user.has_perm(MAY_BACKFILL),
        "may_change": request.user.has_perm(MAY_CHANGE),
    }
    return TemplateResponse(request, "admin/flows/subscription/listening.html", context)


# ---- webhooks ----------------------------------------------------------------------------------------------


_ACTS: dict[str, tuple[Callable[[Subscription, str], None], str, str]] = {
    "reenable": (reenable, "Switch it on again", "It is switched on again at the platform, or registered anew where that does not hold."),
    "recreate": (recreate, "Register it anew", "It is taken away at the platform and registered anew, with a new count of failures."),
}


def mend(page: ScopedAdmin, request: HttpRequest, pk: int, how: str) -> HttpResponse:
    """Asks, then calls the platform; what changed in the gap is read again."""
    row = _visible(request, Subscription.objects.select_related("connection__organization"), pk, "connection__organization")
    _need(request, MAY_MEND)
    act, label, what = _ACTS[how]
    back = address_of(row.connection.organization_id)
    if not is_sure(request):
        sentence = f"{what} Everything that changed in {row.connection} since its last delivery is then read again."
        question = Question(f"{label}: {row.topic}?", sentence, label, (back, "Webhooks and schedules"))
        return ask(request, page.admin_site, question)
    person = request.user.get_username()
    try:
        act(row, person)
    except SyncError as problem:
        tell(request, Said(f"The webhook {row.topic}: {problem.message}", ok=False))
        page.record(request, f"{how} subscription", row, problem.message, Outcome.FAILED)
    else:
        tell(
            request,
            Said(f"The webhook {row.topic} of {row.connection} is on again. What changed in the gap is being read, see below."),
        )
    return HttpResponseRedirect(back)


def gap(page: ScopedAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Read the dead span again, now."""
    connection = _visible(request, Connection.objects.all(), pk)
    _need(request, MAY_BACKFILL)
    back, since = address_of(connection.organization_id), gap_since(connection.subscriptions.all())
    if since is None:
        raise Http404
    if not is_sure(request):
        sentence = f"Everything that changed in {connection} since {since:%Y-%m-%d %H:%M} UTC is read and brought up to date."
        facts = ("What is in order already stays as it is.", "No webhook is changed by this.")
        question = Question("Fill the gap?", sentence, "Yes, read it", (back, "Webhooks and schedules"), facts)
        return ask(request, page.admin_site, question)
    made = fill_gap(connection, request.user.get_username())
    if not made:
        tell(request, Said(f"No flow that is switched on reads from {connection}.", ok=False))
        return HttpResponseRedirect(back)
    tell(request, Said(f"What changed in {connection} since {since:%Y-%m-%d %H:%M} UTC is being read."))
    return HttpResponseRedirect(reverse("admin:flows_backfill_change", args=[made[0].pk]) if len(made) == 1 else back)


# ---- polls -------------------------------------------------------------------------------------------------


def poll(page: ScopedAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Look for changes now."""
    flow = _flow(request, pk, MAY_BACKFILL)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    taken = flow.enabled and ask_for_poll(flow)
    said = Said(f"{flow} looks for changes now.") if taken else Said(NOT_TAKEN if flow.enabled else f"{flow} is switched off.", ok=False)
    _record(request, flow, "look for changes now", said)
    return HttpResponseRedirect(address_of(flow.organization_id))


def rhythm(page: ScopedAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """How often a flow is polled."""
    flow = _flow(request, pk, MAY_CHANGE)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    form = RhythmForm(request.POST)
    if not form.is_valid():
        tell(request, Said(" ".join(str(sentence) for sentences in form.errors.values() for sentence in sentences), ok=False))
        return HttpResponseRedirect(address_of(flow.organization_id))
    before, flow.poll_seconds = flow.poll_seconds, form.seconds
    flow.save(update_fields=["poll_seconds"])
    schedule_poll(flow)
    _record(
        request,
        flow,
        "change poll schedule",
        Said(f"{flow} looks for changes {every_in_words(flow.poll_seconds)} from now on (before: {every_in_words(before)})."),
    )
    return HttpResponseRedirect(address_of(flow.organization_id))


# ---- parts -------------------------------------------------------------------------------------------------


def _need(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _visible(request: HttpRequest, rows: QuerySet[M], pk: int, organization: str = "organization") -> M:
    found = limit_to(request.user, rows, organization).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _flow(request: HttpRequest, pk: int, permission: str) -> Flow:
    flow = _visible(request, Flow.objects.select_related("source", "destination"), pk)
    _need(request, permission)
    return flow


def _record(request: HttpRequest, flow: Flow, action: str, said: Said) -> None:
    """Tell the person, and the audit in their name."""
    known: dict[str, Any] = {"organization_id": flow.organization_id, "flow_id": flow.pk, "object_type": "flow", "source_id": str(flow.pk)}
    outcome = Outcome.DONE if said.ok else Outcome.FAILED
    write(actor=request.user.get_username(), action=action, outcome=outcome, message=said.sentence, **known)
    tell(request, said)
