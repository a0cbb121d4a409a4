"""One running sandbox per platform and module, for every test that asks for a world."""

import pytest
from conformance_world import open_world

from connectors.registry import all_connectors


@pytest.fixture(params=list(all_connectors()), scope="module")
def shared_world(request):
    connector = all_connectors()[request.param]
    if connector.sandbox is None:
        pytest.skip("has no sandbox")
    world = open_world(connector)
    yield world
    world.served.stop()


@pytest.fixture
def world(shared_world):
    shared_world.faults()
    yield shared_world
    shared_world.faults()
