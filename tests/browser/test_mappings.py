"""A bookkeeper maps what orders wait for: by choosing, by a sheet, by a rule that is tried first; and the orders go through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.installation import Company, company
from tests.browser.pages import find, reload_until
from tests.browser.test_every_page import cut_off
from tests.journeys.world import World

ASKS = 'options = { unknown_sku = "attention", tax_unmapped = "attention" }'


@pytest.fixture
def strict_company(house: World, tmp_path: Path) -> Iterator[Company]:
    """A company whose flow takes mapped items and taxes only."""
    with company(house, tmp_path, options=ASKS) as made:
        yield made


def order(made: Company, *skus: str, **fields: Any) -> dict[str, Any]:
    """A paid order of these, from where no tax is charged."""
    body = {
        "billing": {"first_name": "Iris", "last_name": "Vahl", "email": "iris@vahl.example", "country": "US", "state": "OR"},
        "payment_method": "stripe", "payment_method_title": "Credit / Debit Card", "transaction_id": "txn_1", "set_paid": True,
        "line_items": [{"sku": sku, "quantity": 1} for sku in skus], **fields,
    }  # fmt: skip
    return dict(made.shop("place_order", fields=body))


def wait_for_subject(made: Company, subject: str) -> None:
    made.wait_for(
        "SELECT COUNT(*) > 0 FROM flows_syncjob j JOIN flows_flow f ON f.id = j.flow_id "
        f"WHERE f.organization_id = {{organization}} AND j.state = 'attention' AND j.subject = '{subject}'"
    )


def stock(made: Company, name: str, sku: str = "") -> str:
    """An item that the bookkeeper has in the books already; its id."""
    books = made.sandboxes["freshbooks"]["connection"]
    answer = requests.post(
        f"{books['urls']['api']}/accounting/account/{books['ids']['account_id']}/items/items",
        json={"item": {"name": name, "sku": sku}},
        headers={"Authorization": f"Bearer {books['secrets']['access_token']}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["response"]["result"]["item"]["id"])


def invoices(made: Company) -> dict[str, dict[str, Any]]:
    return {one["reference"]: one for one in made.books("books")["invoices"]}


def booked(page: Page, made: Company, placed: dict[str, Any]) -> dict[str, Any]:
    """The order's invoice once its page says that it ties out."""
    find(page, placed["number"])
    reload_until(page, "exact")
    return invoices(made)[placed["number"]]


def test_an_unmapped_sku_is_mapped_and_the_waiting_order_goes_through(strict_company: Company, sign_in: SignIn) -> None:
    stock(strict_company, "Earl Grey tea, 100 g")
    stock(strict_company, "Delivery")
    placed = order(strict_company, "TEA-EG-100")
    wait_for_subject(strict_company, "sku:TEA-EG-100")
    page = sign_in(strict_company.user("bookkeeper"))
    page.get_by_role("link", name="Map TEA-EG-100").click()
    expect(page.get_by_role("heading", name="Which item stands for TEA-EG-100?")).to_be_visible()
    row = page.get_by_role("row", name="Earl Grey tea, 100 g")
    expect(row).to_contain_text("a similar name")
    assert cut_off(page) == []
    row.get_by_role("button").click()
    expect(page.get_by_text("TEA-EG-100 is Earl Grey tea, 100 g from now on.")).to_be_visible()
    expect(page.get_by_text("1 waiting job(s) go on with it now.")).to_be_visible()
    expect(page.get_by_text("No record waits for a SKU.")).to_be_visible()
    invoice = booked(page, strict_company, placed)
    assert [line["name"] for line in invoice["lines"]] == ["Earl Grey tea, 100 g"]
    assert invoice["amount"] == placed["total"]


def test_a_sheet_with_two_bad_lines_is_shown_corrected_and_applied(strict_company: Company, sign_in: SignIn) -> None:
    tea, cups = stock(strict_company, "Tea"), stock(strict_company, "Cups")
    placed = [order(strict_company, sku) for sku in ("TEA-EG-100", "CUP-PAIR")]
    for sku in ("TEA-EG-100", "CUP-PAIR"):
        wait_for_subject(strict_company, f"sku:{sku}")
    page = sign_in(strict_company.user("bookkeeper"))
    page.goto("/admin/flows/itemmapping/")
    page.get_by_role("link", name="Import").click()
    head, right = "flow,sku,item_id,item_name\n", f"orders,TEA-EG-100,{tea},Tea\norders,CUP-PAIR,{cups},Cups\n"
    _choose(page, head + right + "elsewhere,MUG,1,Mug\norders,,2,Nothing\n")
    expect(page.get_by_role("status")).to_contain_text("2 new, 0 changed, 0 the same, 2 wrong. Nothing was changed yet.")
    wrong = page.get_by_role("region", name="Wrong lines")
    expect(wrong.get_by_role("row").nth(1)).to_contain_text('You have no flow "elsewhere".')
    expect(wrong.get_by_role("row").nth(2)).to_contain_text("Column sku: The cell is empty. Write the SKU as the shop has it.")
    expect(page.get_by_role("button", name="Save them")).to_have_count(0)
    assert cut_off(page) == []
    assert invoices(strict_company) == {}
    _choose(page, head + right)
    page.get_by_role("button", name="Save them").click()
    expect(page.get_by_text("2 added, 0 changed, 0 were the same. 2 waiting job(s) go on.")).to_be_visible()
    for one in placed:
        assert booked(page, strict_company, one)["amount"] == one["total"]
    page.goto("/admin/flows/itemmapping/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert f"orders,TEA-EG-100,{tea},Tea" in Path(download.value.path()).read_text("utf-8-sig")


def _choose(page: Page, content: str) -> None:
    page.get_by_label("CSV or Excel file (.xlsx)").set_input_files(
        {"name": "items.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Show what would change").click()


def test_a_way_to_pay_that_nobody_waits_for_is_mapped_too(strict_company: Company, sign_in: SignIn) -> None:
    stock(strict_company, "Tea", "TEA-EG-100")
    first = order(strict_company, "TEA-EG-100")
    wait_for_subject(strict_company, "sku:TEA-EG-100")
    page = sign_in(strict_company.user("bookkeeper"))
    page.goto("/admin/flows/valuemapping/unmapped/")
    page.get_by_role("link", name="orders", exact=True).click()
    expect(page.get_by_text("No record waits for a tax")).to_be_visible()
    page.get_by_role("link", name="Look through the latest records").click()
    assert cut_off(page) == []
    row = page.get_by_role("row", name="stripe")
    expect(row.get_by_role("combobox")).to_have_value("Credit Card")
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Map the accepted ones").click()
    expect(page.get_by_text("stripe is Credit Card from now on.")).to_be_visible()
    page.goto("/admin/flows/itemmapping/unmapped/")
    page.get_by_role("row", name="TEA-EG-100").get_by_role("button").click()
    assert booked(page, strict_company, first)["payments"][0]["type"] == "Credit Card"


def test_a_field_rule_is_tried_while_it_is_written_and_an_old_version_comes_back(shop_and_books: Company, sign_in: SignIn) -> None:
    placed = order(shop_and_books, "TEA-EG-100", customer_note="Ring twice")
    shop_and_books.wait_for_orders(1)
    page = sign_in(shop_and_books.user("bookkeeper"))
    page.goto("/admin/flows/fieldmapping/add/")
    page.get_by_label("Flow").select_option(label="orders")
    page.get_by_label("Field of the books").select_option("invoice.notes")
    page.get_by_label("Filled from").select_option("note")
    page.get_by_label("Written").select_option("upper")
    expect(page.locator("#tried")).to_contain_text("RING TWICE")
    expect(page.locator("#tried")).to_contain_text("changes")
    page.get_by_label("When it is there already").select_option("new")
    expect(page.locator("#tried")).to_contain_text("stays")
    page.get_by_role("button", name="Save", exact=True).click()
    later = order(shop_and_books, "TEA-EG-100", customer_note="Leave it")
    booked(page, shop_and_books, later)
    assert {number: one["notes"] for number, one in invoices(shop_and_books).items()} == {
        placed["number"]: f"shop order {placed['number']}", later["number"]: "LEAVE IT",
    }  # fmt: skip
    page.goto("/admin/flows/fieldmapping/")
    page.get_by_role("link", name="invoice.notes").click()
    page.get_by_label("Written").select_option("")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Versions").click()
    page.get_by_role("row", name="made").locator("summary").click()
    page.get_by_role("button", name="Yes, restore").locator("visible=true").click()
    expect(page.get_by_text("Version 1 of invoice.notes counts again.")).to_be_visible()
    expect(page.get_by_label("Written")).to_have_value("upper")
