"""Each picture of docs/operators: the clicks that lead to it, and the last thing that it shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Locator, Page

from tests.browser.guided import follow
from tests.browser.installation import Company
from tests.browser.pages import find
from tests.browser.scenery import booked, waiting

View = Callable[[Page, Company], Locator]
SHEET = """flow,sku,item_id,item_name
orders,TEA-SEN-50,520002,"Sencha, 50 g"
orders,SPOON-3,520003,Bamboo spoons
shop orders,CUP-PAIR,520004,Cups
orders,,520004,Gift card
"""


def menu(page: Page, name: str) -> None:
    """One of the pages in the sidebar."""
    page.get_by_role("navigation", name="Sidebar").get_by_role("link", name=name, exact=True).click()
    page.wait_for_load_state()


def panel(page: Page, number: int = 0) -> Locator:
    return page.locator("#content .module.panel").nth(number)


def home(page: Page, _: Company) -> Locator:
    return page.get_by_role("region", name="Connections")


def unmapped_skus(page: Page, _: Company) -> Locator:
    menu(page, "Unmapped SKUs")
    for box in page.locator("input[name=accept]").all():
        box.check()
    return page.get_by_role("button", name="Map the accepted ones")


def unmapped_values(page: Page, _: Company) -> Locator:
    menu(page, "Unmapped values")
    page.get_by_role("link", name="Look through the latest records").click()
    return page.locator("#content tbody tr").nth(4)


def sheet(page: Page, _: Company) -> Locator:
    menu(page, "Item mappings")
    page.get_by_role("link", name="Import").click()
    page.get_by_label("CSV or Excel file").set_input_files({"name": "items.csv", "mimeType": "text/csv", "buffer": SHEET.encode()})
    page.get_by_role("button", name="Show what would change").click()
    return panel(page, 1)


def field_rule(page: Page, _: Company) -> Locator:
    menu(page, "Field mappings")
    page.get_by_role("link", name="Add field mapping").click()
    page.get_by_label("Flow", exact=False).first.select_option(label="orders")
    page.get_by_label("Field of the books").select_option("invoice.notes")
    page.get_by_label("Filled from").select_option(label="payment method title (payment_method_title)")
    page.locator("#tried dl").wait_for()
    return page.locator("#trying")


def record(page: Page, shop: Company) -> Locator:
    find(page, waiting(shop)["number"])
    return page.locator("[aria-labelledby=sides]")


def way(page: Page, shop: Company) -> Locator:
    find(page, booked(shop)["number"])
    return page.locator(".timeline li").nth(4)


def compared(page: Page, shop: Company) -> Locator:
    find(page, booked(shop)["number"])
    page.get_by_role("link", name="Compare now").click()
    return page.locator("#plan")


def many(page: Page, _: Company) -> Locator:
    menu(page, "Jobs")
    page.get_by_role("link", name="needs attention", exact=True).click()
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Retry the chosen ones")
    page.get_by_role("button", name="Go", exact=True).click()
    page.locator("form.asking [type=submit]").click()
    page.get_by_text(re.compile(r"(\d+) of \1 records? ")).wait_for()
    return page.locator("#content .module").first


def time_travel(page: Page, _: Company) -> Locator:
    menu(page, "Flows")
    page.get_by_role("link", name="orders", exact=True).click()
    page.get_by_role("link", name="Time travel").click()
    days(page)
    page.locator("#content form [type=submit]").last.click()
    page.get_by_text(re.compile(r"(\d+) of \1 records? ")).wait_for()
    page.reload()  # with all its rows
    return page.locator("#content table tbody tr").nth(2)


def days(page: Page) -> None:
    """The last week."""
    today = datetime.now(UTC).date()
    page.get_by_label("From").fill(str(today - timedelta(days=6)))
    page.get_by_label("To:").fill(str(today))


def comparison(page: Page, _: Company) -> Locator:
    page.get_by_role("link", name="Reconciliation").first.click()
    page.get_by_role("link", name="Compare both sides").click()
    page.get_by_label("Flow").select_option(label="orders")
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("link", name="payment differs").click()
    return page.locator("#content section").last


def webhooks(page: Page, _: Company) -> Locator:
    menu(page, "Connections")
    page.get_by_role("link", name="shop", exact=True).click()
    page.get_by_role("button", name="Set up webhooks").click()
    page.get_by_role("link", name="Webhooks and schedules", exact=True).first.click()
    return page.get_by_role("region", name="shop")


def audit(page: Page, shop: Company) -> Locator:
    menu(page, "Audit trail")
    page.get_by_label("Object").fill(booked(shop)["number"])
    page.get_by_role("button", name="Show").click()
    return page.locator("#result_list")


def proof(page: Page, _: Company) -> Locator:
    menu(page, "Audit seals")
    page.get_by_role("button", name="Verify the audit").click()
    for _try in range(20):
        if page.get_by_text("seals hold:").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    return page.locator("#result_list tbody tr").nth(3)


def alert_target(page: Page, _: Company) -> Locator:
    menu(page, "Alert recipients")
    page.get_by_role("link", name="The organization's contacts").click()
    return page.locator("#content fieldset.module").nth(1)


def members(page: Page, _: Company) -> Locator:
    menu(page, "Members")
    return page.locator("#result_list")


def account(page: Page, _: Company) -> Locator:
    page.get_by_role("link", name="Your account").first.click()
    return page.get_by_role("link", name="New token")


def token(page: Page, shop: Company) -> Locator:
    account(page, shop).click()
    page.get_by_label("Name").fill("month-end script")
    return page.locator("#content [type=submit]").last


def on_the_path(heading: str, last: str) -> View:
    """A page of the guided path."""

    def view(page: Page, shop: Company) -> Locator:
        follow(page, shop, heading)
        return page.locator(last).last

    return view


VIEWS: Mapping[str, View] = {
    "set-up-keys": on_the_path("Connect WooCommerce", ".beside form details"),
    "set-up-test": on_the_path("Test both sides", ".step section"),
    "set-up-mappings": on_the_path("What is called what", ".step section:first-of-type"),
    "set-up-trial": on_the_path("Try it out", ".step section.trial:nth-of-type(2)"),
    "set-up-first": on_the_path("The first order", ".step section[aria-labelledby=how]"),
    "home": home,
    "unmapped-skus": unmapped_skus,
    "unmapped-values": unmapped_values,
    "import": sheet,
    "field-rule": field_rule,
    "record": record,
    "way": way,
    "compared": compared,
    "many": many,
    "time-travel": time_travel,
    "comparison": comparison,
    "webhooks": webhooks,
    "audit": audit,
    "proof": proof,
    "alert-target": alert_target,
    "members": members,
    "account": account,
    "token": token,
}
NEW = frozenset(name for name in VIEWS if name.startswith("set-up-"))  # of a company that has nothing yet
