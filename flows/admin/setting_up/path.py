"""What every page of the guided path shares: whose it is, where it stands, how it looks, and the record of what a person did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.models import Outcome
from audit.services import write
from credentials.access import OWNER, limit_to
from credentials.models import Connection, Organization
from flows.models import SetUp
from flows.recipes import RECIPES
from flows.setting_up.steps import SIDES, advance, place, reached, steps_of

MAY_SET_UP = "flows.set_up_flow"


@dataclass(frozen=True, slots=True)
class Mark:
    """A step in the progress indicator. state: done, here, open (reached, but left for another), ahead."""

    title: str
    state: str
    url: str


def visible_set_ups(request: HttpRequest) -> QuerySet[SetUp]:
    """The paths of the person's organizations."""
    rows = SetUp.objects.select_related("organization", "source", "destination", "flow__source", "flow__destination", "flow__organization")
    return limit_to(request.user, rows)


def set_up_of(request: HttpRequest, pk: int) -> SetUp:
    """404 for what this person may not know of, 403 for who may not set flows up."""
    row = visible_set_ups(request).filter(pk=pk).first()
    if row is None or row.recipe not in RECIPES:
        raise Http404
    must_be_allowed(request)
    return row


def must_be_allowed(request: HttpRequest) -> None:
    if not request.user.has_perm(MAY_SET_UP):
        raise PermissionDenied


def address(row: SetUp, step: str) -> str:
    return reverse("admin:set-up-step", args=[row.pk, step])


def go_on(request: HttpRequest, row: SetUp, done: str) -> HttpResponse:
    """To the step behind the one that was done."""
    return HttpResponseRedirect(address(row, advance(row, done, request.user.get_username())))


def again(row: SetUp, step: str) -> HttpResponse:
    """The same page once more, by GET."""
    return HttpResponseRedirect(address(row, step))


def show(request: HttpRequest, row: SetUp, step: str, context: dict[str, Any]) -> HttpResponse:
    """One step's page, with the progress above it."""
    steps, at = steps_of(row), place(row, step)
    known = {
        **admin.site.each_context(request),
        "title": steps[at].title,
        "subtitle": str(row),
        "row": row,
        "recipe": RECIPES[row.recipe],
        "marks": _marks(row, at),
        "number": at + 1,
        "count": len(steps),
        "back": address(row, steps[at - 1].name) if at and row.finished_at is None else "",
    }
    return TemplateResponse(request, f"admin/setting_up/{step}.html", {**known, **context})


def _marks(row: SetUp, here: int) -> list[Mark]:
    furthest = place(row, reached(row))
    return [_mark(row, step.name, step.title, at, here, furthest) for at, step in enumerate(steps_of(row))]


def _mark(row: SetUp, name: str, title: str, at: int, here: int, furthest: int) -> Mark:
    state = "here" if at == here else "ahead" if at > furthest else "open" if at == furthest or _is_unconnected(row, name) else "done"
    return Mark(title, state, "" if state in ("here", "ahead") or row.finished_at else address(row, name))


def _is_unconnected(row: SetUp, name: str) -> bool:
    """Whether the step is about a side that was passed by, but does not answer."""
    side: Connection | None = getattr(row, name) if name in SIDES else None
    return side is not None and side.status != Connection.Status.ACTIVE


def note(request: HttpRequest, row: SetUp, action: str, message: str) -> None:
    """An audit record about the path itself, in this person's name."""
    write(
        actor=request.user.get_username(),
        action=action,
        outcome=Outcome.DONE,
        organization_id=row.organization_id,
        object_type="setup",
        source_id=str(row.pk),
        flow_id=row.flow_id,
        message=f"{row}: {message}",
    )


def owners_of(organization: Organization) -> str:
    """Whom to ask for what only owners may do."""
    people = User.objects.filter(memberships__organization=organization, groups__name=OWNER, is_active=True).order_by("username")
    return ", ".join(person.get_full_name() or person.username for person in people.distinct()[:5])
