"""Whether two platforms, or two connections, and a recipe make a flow."""

from __future__ import annotations

from connectors.kit.contract import Connector
from connectors.registry import get_connector
from credentials.models import Connection
from flows.recipes import RECIPES
from flows.recipes.contract import Recipe


def problem_with_pair(recipe_name: str, source: Connection, destination: Connection) -> str:
    """A sentence why this flow cannot be, "" when it can."""
    if source.organization_id != destination.organization_id:
        return "Both connections must belong to one organization."
    if source.pk == destination.pk:
        return "Choose two different connections: a flow goes from one to another."
    if recipe_name not in RECIPES:
        return f"There is no recipe {recipe_name!r}."
    return problem_between(RECIPES[recipe_name], get_connector(source.platform), get_connector(destination.platform))


def problem_between(recipe: Recipe[object, object], reader: Connector, writer: Connector) -> str:
    """The same for any connections of two platforms: what they can do, and which of them keeps the books."""
    if recipe.source not in reader.reads:
        return f'{reader.label} does not read {recipe.source.plural}, which "{recipe.label}" needs. Choose another source.'
    missing = [kind.plural for kind in recipe.writes if kind not in writer.writes]
    if missing:
        return f'{writer.label} does not write {" and ".join(missing)}, which "{recipe.label}" needs. Choose another destination.'
    if (reader.keeps_books, writer.keeps_books) == (recipe.from_books, not recipe.from_books):
        return ""
    wanted = "begins at the books and ends elsewhere" if recipe.from_books else "begins elsewhere and ends at the books"
    return f'"{recipe.label}" {wanted}; {reader.label} to {writer.label} is another way. Choose other sides, or another recipe.'
