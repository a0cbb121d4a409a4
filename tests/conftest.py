"""What every test needs."""

from __future__ import annotations

import pytest

from tests.flush import allow_flush

allow_flush()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys drive whole installations: first, because they take longest, and one after the other (with --dist loadgroup), so that
    they do not starve each other.
    """
    for item in items:
        if item.get_closest_marker("journey"):
            item.add_marker(pytest.mark.xdist_group("journeys"))
    items.sort(key=lambda item: item.get_closest_marker("journey") is None)
