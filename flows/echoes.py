"""What we wrote ourselves comes back as events and in polls: recognised by our confirmed links before anything is made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db.models import Q

from connectors.canonical.identity import ObjectType
from flows.models import ExternalLink, Flow
from flows.recipes import RECIPES

_FROM_ORDERS = [name for name, recipe in RECIPES.items() if recipe.source is ObjectType.ORDER]


def hears_no_echo(flow: Flow) -> bool:
    """Whether this flow leaves out what our flows wrote: its recipe says so, and possibly an option of the flow."""
    recipe = RECIPES[flow.recipe]
    option, value = recipe.echo_unless
    return recipe.own_is_echo and not (option and flow.options.get(option) == value)


def echoes_among(concerned: Iterable[tuple[Flow, str, str]]) -> frozenset[tuple[int, str]]:
    """(flow id, source id) of those (flow, object type, source id) that are echoes. One that overtook the confirmation of its write is
    not among them: its job finds out.
    """
    asked: dict[tuple[int, str], list[str]] = defaultdict(list)
    flows = {}
    for flow, object_type, source_id in concerned:
        if hears_no_echo(flow):
            flows[flow.pk] = flow
            asked[flow.pk, object_type].append(source_id)
    return frozenset((flow_id, found) for (flow_id, kind), ids in asked.items() for found in written_by_us(flows[flow_id], kind, ids))


def written_by_us(flow: Flow, object_type: str, ids: Collection[str]) -> frozenset[str]:
    """Which of these objects at the flow's source were written by the flow in the other direction, or from any shop's order: what an
    order caused in the books is no news for another shop.
    """
    back = Q(scope=str(flow.destination.key))
    of_orders = Q(source__flows_from__destination=flow.source, source__flows_from__recipe__in=_FROM_ORDERS)
    rows = ExternalLink.objects.filter(
        back | of_orders, destination=flow.source, object_type=object_type, remote_id__in=ids, state=ExternalLink.State.CONFIRMED
    )
    return frozenset(rows.values_list("remote_id", flat=True))
