"""`make pictures`: the pictures of docs/operators, taken from the running console of a small shop with a few days of trouble."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.browser.installation import PASSWORD, Company, company, installation
from tests.browser.pages import find

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "operators" / "pictures"
ASKS = 'options = { unknown_sku = "attention", invoice_prefix = "HH-" }'  # every SKU waits for its item at first
View = Callable[[Page, Company], None]  # leads from the first page to what is to be seen


def home(page: Page, shop: Company) -> None:
    page.goto("/admin/")


def unmapped(page: Page, shop: Company) -> None:
    page.goto("/admin/flows/itemmapping/unmapped/")


def waiting_order(page: Page, shop: Company) -> None:
    number = shop.shop("orders")["orders"][0]["number"]
    find(page, number)


VIEWS: Mapping[str, View] = {"home": home, "unmapped-skus": unmapped, "waiting-order": waiting_order}


def take(folder: Path, wanted: list[str]) -> None:
    """Each picture afresh; wanted: only these names, if any."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        installation(Path(place)) as house,
        company(house, Path(place), options=ASKS) as shop,
        sync_playwright() as playwright,
    ):
        _trouble(shop)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = _log_in(browser, shop)
        for name, view in VIEWS.items():
            if not wanted or name in wanted:
                view(page, shop)
                page.screenshot(path=folder / f"{name}.png")
                print(f"{name}.png")  # noqa: T201 - the command's output
        browser.close()


def _trouble(shop: Company) -> None:
    shop.place_orders(6, seed=4)
    shop.wait_for_orders(6)


def _log_in(browser: Browser, shop: Company) -> Page:
    page = browser.new_page(base_url=shop.house.url, viewport={"width": 1200, "height": 800}, reduced_motion="reduce")
    page.goto("/admin/")
    page.get_by_label("Username").fill(shop.user("everything"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    return page


if __name__ == "__main__":
    take(FOLDER, sys.argv[1:])
