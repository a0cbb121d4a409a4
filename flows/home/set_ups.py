"""What the first page says about setting up: the button for it, and the paths that wait for somebody to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from credentials.access import limit_to
from flows.models import Flow, SetUp
from flows.recipes import RECIPES
from flows.setting_up.steps import place, reached, steps_of

AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One path and where it stands: the step's title, its number of how many."""

    row: SetUp
    title: str
    number: int
    count: int


@dataclass(frozen=True, slots=True)
class SetUps:
    """is_first: the person's organizations have no flow yet, so that this is what there is to do."""

    is_first: bool
    unfinished: tuple[Unfinished, ...]


def set_up_on_home(request: HttpRequest, flows: Sequence[Flow]) -> SetUps | None:
    """None for who may not set flows up; one query."""
    if not request.user.has_perm("flows.set_up_flow"):
        return None
    related = ("organization", "source", "destination", "flow")
    rows = limit_to(request.user, SetUp.objects.select_related(*related).filter(finished_at=None, recipe__in=list(RECIPES)))
    return SetUps(not flows, tuple(_unfinished(row) for row in rows[:AT_MOST]))


def _unfinished(row: SetUp) -> Unfinished:
    steps, at = steps_of(row), place(row, reached(row))
    return Unfinished(row, steps[at].title, at + 1, len(steps))
