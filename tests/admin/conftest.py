"""The world of the console tests."""

from __future__ import annotations

import pytest

from tests.admin.console_world import World, build


@pytest.fixture
def world(db: None) -> World:
    return build()
