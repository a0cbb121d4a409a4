"""The steps of the guided path, in their order, and how far one may go."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.registry import get_connector
from credentials.models import Connection
from flows.models import SetUp
from flows.recipes import RECIPES
from flows.setting_up.proposals import kinds_for


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the path."""

    name: str
    title: str


ENDS, SOURCE, DESTINATION, TEST = "ends", "source", "destination", "test"
OPTIONS, MAPPINGS, TRIAL, START, FIRST = "options", "mappings", "trial", "start", "first"
SIDES = (SOURCE, DESTINATION)


def steps_of(row: SetUp) -> tuple[Step, ...]:
    """Those that this flow needs."""
    recipe = RECIPES[row.recipe]
    source, destination = (get_connector(name).label for name in (row.source_platform, row.destination_platform))
    steps = (
        Step(ENDS, "What goes where"),
        Step(SOURCE, f"Connect {source}"),
        Step(DESTINATION, f"Connect {destination}"),
        Step(TEST, "Test both sides"),
        Step(OPTIONS, "How it works"),
        Step(MAPPINGS, "What is called what"),
        Step(TRIAL, "Try it out"),
        Step(START, "Switch it on"),
        Step(FIRST, f"The first {recipe.source.value.replace('_', ' ')}"),
    )
    return tuple(step for step in steps if step.name != MAPPINGS or kinds_for(row.recipe))


def place(row: SetUp, name: str) -> int:
    """Where a step stands in the path; -1 for one that it does not have."""
    return next((at for at, step in enumerate(steps_of(row)) if step.name == name), -1)


def reached(row: SetUp) -> str:
    """The furthest step that may be opened: what it needs is there, whatever was disconnected or deleted meanwhile."""
    names = [step.name for step in steps_of(row)]
    furthest = max(place(row, row.step), 0)
    return names[min(furthest, names.index(_bound(row)))]


def _bound(row: SetUp) -> str:
    """The step that has to be done before anything behind it."""
    if row.finished_at is not None and row.flow is not None:
        return FIRST
    if row.source is None:
        return SOURCE
    if row.destination is None:
        return DESTINATION
    if any(side.status != Connection.Status.ACTIVE for side in (row.source, row.destination)):
        return TEST
    return OPTIONS if row.flow is None else START


def step_after(row: SetUp, name: str) -> str:
    """The next one; the last stays."""
    names = [step.name for step in steps_of(row)]
    return names[min(names.index(name) + 1, len(names) - 1)]


def advance(row: SetUp, done: str, person: str) -> str:
    """The step is done: remember how far the path is gone, and answer where it goes on."""
    after = step_after(row, done)
    if place(row, after) > place(row, row.step):
        row.step = after
    row.changed_by = person
    row.save()
    return after
