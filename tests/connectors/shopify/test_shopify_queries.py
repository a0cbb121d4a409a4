"""Every text that we send fits the sandbox's schema, names what it needs, and is bounded in cost."""

from __future__ import annotations

import json

import pytest
from graphql import FragmentDefinitionNode, parse, validate

from connectors.platforms.shopify.queries import API_VERSION, BULK_ORDERS, OPERATIONS, Operation
from connectors.platforms.shopify.sandbox.cost import requested
from connectors.platforms.shopify.sandbox.resolving import SCHEMA

each = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


@each
def test_it_is_valid_and_uses_every_fragment(operation: Operation) -> None:
    document = parse(operation.text)
    assert validate(SCHEMA, document) == []
    assert sum(not isinstance(node, FragmentDefinitionNode) for node in document.definitions) == 1
    assert f" {operation.name}" in operation.text


@each
def test_it_costs_less_than_a_query_may(operation: Operation) -> None:
    sizes = {"n": 250, "lines": 10, "transactions": 20, "refunds": 20, "several": 20, "variants": 50}
    assert requested(SCHEMA, parse(operation.text), sizes) < 1000


def test_the_bulk_query_is_valid_and_has_one_root_and_no_pages() -> None:
    text = BULK_ORDERS % json.dumps("updated_at:>='2026-01-01T00:00:00Z'")
    assert validate(SCHEMA, parse(text)) == []
    assert "first" not in text


def test_a_misspelt_field_would_be_found() -> None:
    assert validate(SCHEMA, parse("{ orders(first: 1) { nodes { totalPriceSett } } }"))


def test_names_are_unique_and_the_version_is_a_quarter() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS) == 18
    year, month = API_VERSION.split("-")
    assert int(year) >= 2026
    assert month in ("01", "04", "07", "10")
