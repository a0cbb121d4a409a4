"""`make pictures`: the pictures of docs/operators, taken from the running console of a small shop with a few days of trouble."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.browser.installation import PASSWORD, Company, company, installation
from tests.browser.scenery import OPTIONS, stock, trouble
from tests.browser.views import NEW, VIEWS

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "operators" / "pictures"
WIDTH, EDGE = 1200, 20
WITH_MENU = ("home",)


def take(folder: Path, wanted: list[str]) -> None:
    """Each picture afresh; wanted: only these names, if any."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        installation(Path(place)) as house,
        company(house, Path(place), options=OPTIONS, name="Hearth") as shop,
        company(house, Path(place), flows=None, name="Tea Room") as new,
        sync_playwright() as playwright,
    ):
        stock(shop)
        stock(new)
        new.place_orders(5, seed=7)
        trouble(shop)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        pages = {made.slug: log_in(browser, made) for made in (shop, new)}
        for name, view in VIEWS.items():
            if not wanted or name in wanted:
                made = new if name in NEW else shop
                pages[made.slug].goto("/admin/")
                shoot(pages[made.slug], name, view(pages[made.slug], made), folder)
        browser.close()


def shoot(page: Page, name: str, last: Locator, folder: Path) -> None:
    """From the page's heading, in its full width, down to the end of what matters; the menu is folded away but on the first page."""
    fold = page.get_by_role("button", name="Toggle navigation")
    if name not in WITH_MENU:
        fold.click()
    page.evaluate("window.scrollTo(0, 0)")
    top, end = page.locator("#content h1").bounding_box(), last.bounding_box()
    assert top is not None and end is not None, page.url  # noqa: PT018 - one question: whether both can be seen
    begins = top["y"] - EDGE
    height = end["y"] + end["height"] + EDGE - begins
    page.screenshot(path=folder / f"{name}.png", full_page=True, clip={"x": 0, "y": begins, "width": WIDTH, "height": height})
    if name not in WITH_MENU:
        fold.click()
    print(f"{name}.png")  # noqa: T201 - the command's output


def log_in(browser: Browser, made: Company) -> Page:
    page = browser.new_page(base_url=made.house.url, viewport={"width": WIDTH, "height": 800}, reduced_motion="reduce")
    page.goto("/admin/")
    page.get_by_label("Username").fill(made.user("everything"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    return page


if __name__ == "__main__":
    take(FOLDER, sys.argv[1:])
