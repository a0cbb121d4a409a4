"""What a query costs in points, asked for and really used.

Shopify's formula is not public. This one gives what people measured: objects 1, amounts nothing, and a list of n about 2.2 ln(n) times
one of its entries (150 orders with ten objects each were billed 112, ten full lines 43, a hundred balance entries 30).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

FREE = frozenset(("MoneyBag", "MoneyV2", "PageInfo", "CashRoundingAdjustment"))
MUTATION = 10


def requested(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> float:
    """Points asked for by the only operation of the document."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    mutating = operation.operation.value == "mutation"
    root = schema.mutation_type if mutating else schema.query_type
    price = _selection(operation.selection_set, root, fragments, variables, schema)
    return float(max(1, round(MUTATION if mutating else price)))


def _fields(
    selection: SelectionSetNode, parent: Any, fragments: Mapping[str, FragmentDefinitionNode], schema: GraphQLSchema
) -> Iterator[Any]:
    """(field, the type that it is a field of), fragments unfolded."""
    for node in selection.selections:
        if isinstance(node, FieldNode):
            yield node, parent
        elif isinstance(node, FragmentSpreadNode):
            fragment = fragments[node.name.value]
            named = schema.get_type(fragment.type_condition.name.value)
            yield from _fields(fragment.selection_set, named, fragments, schema)
        elif isinstance(node, InlineFragmentNode):
            named = schema.get_type(node.type_condition.name.value) if node.type_condition else parent
            yield from _fields(node.selection_set, named, fragments, schema)


def _selection(
    selection: SelectionSetNode,
    parent: Any,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
    schema: GraphQLSchema,
) -> float:
    price = 0.0
    for field, owner in _fields(selection, parent, fragments, schema):
        if field.selection_set is None or field.name.value.startswith("__"):
            continue
        kind = get_named_type(owner.fields[field.name.value].type)
        inner = _selection(field.selection_set, kind, fragments, variables, schema)
        own = 0 if kind.name in FREE or kind.name.endswith(("Connection", "Edge")) else 1
        count = _first(field, variables)
        price += own + inner if count is None else 2 + (own + inner) * _many(count)
    return price


def _many(count: int) -> float:
    return max(1.0, 2.2 * math.log(count)) if count > 1 else 1.0


def _first(field: FieldNode, variables: Mapping[str, Any]) -> int | None:
    for argument in field.arguments or ():
        if argument.name.value == "first":
            value = argument.value
            if isinstance(value, IntValueNode):
                return int(value.value)
            if isinstance(value, VariableNode):
                return int(variables.get(value.name.value) or 1)
    return None


def used(data: Any, asked: float) -> float:
    """Points really used: the objects that came, never more than was asked for."""
    return min(asked, max(1.0, float(_objects(data))))


def _objects(value: Any) -> int:
    if isinstance(value, list):
        return sum(_objects(each) for each in value)
    if not isinstance(value, dict) or "shopMoney" in value or "hasNextPage" in value or "amount" in value:
        return 0
    return (0 if "nodes" in value else 1) + sum(_objects(each) for each in value.values())
