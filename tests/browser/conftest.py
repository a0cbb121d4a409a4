"""A real installation, a real browser, and people who log in. Where no Chromium is installed, all of it is skipped and says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.installation import PASSWORD, Company, company, installation
from tests.journeys.world import World

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SignIn = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    missing = pytest.mark.skip(reason="no Chromium is installed here (on Debian: apt install chromium)")
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(missing)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One installation for all stories; no story touches another's company."""
    with installation(Path(tmp_path_factory.mktemp("house"))) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module only: while it runs, this process counts as asynchronous to Django, and tests with a database would fail."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def shop_and_books(house: World, tmp_path: Path) -> Iterator[Company]:
    """A company whose WooCommerce shop is connected with its books and whose webhooks are active."""
    with company(house, tmp_path) as made:
        yield made


@pytest.fixture
def new_company(house: World, tmp_path: Path) -> Iterator[Company]:
    """A company with people and sandboxes, but nothing connected."""
    with company(house, tmp_path, flows=None) as made:
        yield made


@pytest.fixture
def sign_in(house: World, browser: Browser) -> Iterator[SignIn]:
    """sign_in(user, dark=False, width=1280): somebody's page after logging in. What the console complained of fails the test."""
    opened: list[Page] = []
    complaints: list[str] = []

    def log_in(user: str, *, dark: bool = False, width: int = 1280) -> Page:
        page = browser.new_page(
            base_url=house.url, color_scheme="dark" if dark else "light", viewport={"width": width, "height": 900}, accept_downloads=True
        )
        opened.append(page)
        page.on(
            "console",
            lambda said: complaints.append(f"{page.url}: {said.text}") if said.type == "error" and page.url.startswith(house.url) else None,
        )  # a sandbox's pages are not ours
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("response", lambda answer: complaints.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None)
        page.goto("/admin/")
        page.get_by_label("Username").fill(user)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        return page

    yield log_in
    for page in opened:
        page.close()
    assert complaints == []
