"""What can go from one platform to another, as their connectors and the recipes say."""

from __future__ import annotations

from connectors.registry import all_connectors
from flows.models import Flow, SetUp
from flows.pairing import problem_between
from flows.recipes import RECIPES
from flows.recipes.contract import Recipe

AnyRecipe = Recipe[object, object]


def platforms_from() -> list[tuple[str, str]]:
    """The platforms that something can be read from, with their labels."""
    read = {recipe.source for recipe in RECIPES.values()}
    return [(name, connector.label) for name, connector in all_connectors().items() if read & set(connector.reads)]


def platforms_to() -> list[tuple[str, str]]:
    """The platforms that something can be written to."""
    return [(name, connector.label) for name, connector in all_connectors().items() if connector.writes]


def recipes_between(source: str, destination: str) -> list[AnyRecipe]:
    """What a flow from this platform to that one can do."""
    known = all_connectors()
    if source not in known or destination not in known:
        return []
    return [recipe for recipe in RECIPES.values() if not problem_between(recipe, known[source], known[destination])]


def flow_there(row: SetUp) -> Flow | None:
    """The flow that does this between the chosen connections already."""
    if row.source_id is None or row.destination_id is None:
        return None
    return Flow.objects.filter(source=row.source_id, destination=row.destination_id, recipe=row.recipe).first()
