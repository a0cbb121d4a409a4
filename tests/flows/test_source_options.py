"""What a source platform lets each flow choose reaches its reading functions, for that flow alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from connectors import registry
from connectors.kit.contract import Setting
from flows.admin.flow_form import form_for
from flows.models import Flow
from flows.pipeline.workbench import open_workbench
from flows.selectors import options_of
from tests.flows.conftest import MakeFlow

DEPOT = Setting("depot", "Depot", kind="choice", choices=(("north", "North"), ("south", "South")), default="north")


@pytest.fixture
def flow(make_flow: MakeFlow, monkeypatch: pytest.MonkeyPatch) -> Flow:
    """A flow whose shop asks which depot it reads; the connection itself says "east"."""
    found = registry.all_connectors()
    shop = replace(found["woocommerce"], source_options=(DEPOT,))
    monkeypatch.setattr(registry, "all_connectors", lambda: {**found, "woocommerce": shop})
    flow = make_flow()
    flow.source.base_url, flow.source.settings = "https://shop.example", {"depot": "east", "auth": "basic"}
    return flow


def settings_of(flow: Flow) -> list[Any]:
    bench = open_workbench(flow, timezone.now)
    return [side.api.account.settings.get("depot") for side in (bench.source, bench.destination)]


@pytest.mark.parametrize(("options", "seen"), [({}, "north"), ({"depot": "south"}, "south")])
def test_the_choice_stands_over_the_connection_at_the_source_only(flow: Flow, options: dict[str, str], seen: str) -> None:
    flow.options = options
    assert settings_of(flow) == [seen, None]
    assert options_of(flow)["depot"] == seen


def test_the_form_asks_for_it(flow: Flow) -> None:
    field = form_for(flow).base_fields["option_depot"]
    assert field.label == "Depot"
