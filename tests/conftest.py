"""What every test needs, and how the tests are dealt out to several processes (`-n 4 --dist loadscope --no-loadscope-reorder`)."""

from typing import Any

import pytest

from tests.flush import allow_flush

allow_flush()
pytest.register_assert_rewrite("tests.journeys.effects", "tests.journeys.traffic", "tests.journeys.world")  # they assert for the journeys


@pytest.fixture(scope="session", autouse=True)
def _the_tests_own_database(django_db_setup: None) -> None:
    """Made before anything else: whatever opens a connection, in a test that should not or in a thread, must not find another one."""


# What starts real processes and mostly waits for them, in rows: one works while the others wait.
DEATHS = ("tests/journeys/test_killed_workers.py", "tests/journeys/test_lost_leases.py")
ALONE = ("tests/journeys/test_killed_collecting.py", "tests/config/test_up_journey.py")
JOURNEYS = ("tests/journeys/", "tests/config/test_compose.py")
# Long, so they begin first: whatever is dealt out last shall be short.
LONG = (
    *("deaths", *ALONE, "journeys", "browser"),
    *("tests/admin/test_console_large.py", "tests/flows/test_inbox_mutations.py"),
    *("tests/recipes/test_order_property.py", "tests/flows/test_collecting_crashes.py", "tests/api/test_api_contract.py"),
)


def group_of(nodeid: str) -> str:
    """What stays together in one process. Journeys time what they see: they run one after the other, beside the rest and beside workers
    that die. The browser's stories share one installation; any other file shares its fixtures.
    """
    if nodeid.startswith(ALONE):
        return nodeid.split("::")[0]
    if nodeid.startswith(DEATHS):
        return "deaths"
    if nodeid.startswith(JOURNEYS):
        return "journeys"
    return "browser" if nodeid.startswith("tests/browser/") else nodeid.split("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups = {item: group_of(item.nodeid) for item in items}
    items.sort(key=lambda item: LONG.index(groups[item]) if groups[item] in LONG else len(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """pytest-xdist's own, with our groups. (Its marks for groups are not seen by pytest 9.2, which makes up node ids anew.)"""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log) if config.getoption("dist") == "loadscope" else None
