"""People: a second factor that an owner requires, a role that only reads, and an organization that nobody else looks into."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django_otp.oath import TOTP
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.installation import PASSWORD, Company, company
from tests.journeys.world import World
from tests.walking import every_address

SET_UP, GIVE = "/account/second-factor/", "/account/second-factor/code/"
RECORDS = "SELECT COUNT(*) FROM audit_auditrecord WHERE organization_id = {organization} AND actor = '%s'"  # what somebody did


@pytest.fixture
def relaxed_again(new_company: Company) -> Iterator[Company]:
    """What one organization requires counts for superusers, who are in other stories too."""
    yield new_company
    text = "from credentials.models import Organization; Organization.objects.update(require_second_factor=False)"
    new_company.house.shell(text)


def code(key: str, steps: int = 0) -> str:
    """What the app on the phone shows; steps half minutes from now."""
    return f"{TOTP(base64.b32decode(key), drift=steps).token():06d}"


def set_up(page: Page) -> tuple[str, list[str]]:
    """Go through the page that asks for it; the phone's key and the recovery codes."""
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    expect(page.get_by_alt_text("QR code for your authenticator app")).to_be_visible()
    page.get_by_text("No camera? Type this key instead").click()
    key = page.locator("code.key").inner_text().replace(" ", "")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_text("That is not the code that the app shows now.")).to_be_visible()
    page.get_by_label("Code").fill(code(key))
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    return key, codes


def test_an_owner_requires_a_second_factor_and_nobody_passes_without(relaxed_again: Company, sign_in: SignIn) -> None:
    made = relaxed_again
    owner = sign_in(made.user("owner"))
    owner.goto("/admin/credentials/organization/")
    owner.get_by_role("link", name=made.name).click()
    owner.get_by_label("Require a second factor").check()
    owner.get_by_role("button", name="Save", exact=True).click()
    set_up(owner)
    expect(owner).to_have_title(re.compile("Tillbridge"))

    page = sign_in(made.user("bookkeeper"), width=390)
    tried = [path for name, path in every_address() if name.startswith(("admin:", "account:")) and "log" not in name]
    assert len(tried) > 100
    for path in tried:
        if path not in (SET_UP, GIVE):
            answer = page.request.get(path, max_redirects=0)
            assert (answer.status, urlsplit(answer.headers["location"]).path) == (302, SET_UP), path
    page.goto("/admin/flows/flow/")
    assert urlsplit(page.url).path == SET_UP
    key, codes = set_up(page)
    expect(page.get_by_role("heading", name="Flows", exact=True)).to_be_visible()  # where the person was going

    again = sign_in(made.user("bookkeeper"))
    expect(again.get_by_role("heading", name="Your second factor")).to_be_visible()
    again.goto("/admin/flows/flow/")
    assert urlsplit(again.url).path == GIVE
    again.get_by_label("Code").fill(code(key, 1))  # this half minute's was used
    again.get_by_role("button", name="Go on").click()
    expect(again.get_by_role("heading", name="Flows", exact=True)).to_be_visible()

    lost = sign_in(made.user("bookkeeper"))
    lost.get_by_label("Code").fill(codes[0])
    lost.get_by_role("button", name="Go on").click()
    lost.goto("/account/")
    expect(lost.get_by_text("9 recovery codes left.")).to_be_visible()
    lost.get_by_role("button", name="Log out of all the others").click()
    expect(lost.get_by_text("Logged out of 2 browsers.")).to_be_visible()
    again.goto("/admin/")
    expect(again.get_by_role("button", name="Log in")).to_be_visible()


def addresses_of(page: Page, most: int = 160) -> list[str]:
    """All pages that links lead to, this company's own ids among them."""
    waiting, seen = ["/admin/"], dict[str, None]()
    while waiting and len(seen) < most:
        path = waiting.pop(0)
        if path in seen or path.endswith(("/logout/", "/jsi18n/")):
            continue
        answer = page.request.get(path)
        if answer.status != 200:
            continue  # a page of rules that asks for a flow first
        seen[path] = None
        if "html" in answer.headers["content-type"]:
            links = re.findall(r'<a [^>]*?href="(/(?:admin|account)/[^"#]*)"', answer.text())
            waiting += [link.replace("&amp;", "&") for link in links]
    return list(seen)


def test_another_organization_sees_nothing_by_any_address(
    shop_and_books: Company, house: World, sign_in: SignIn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mine = shop_and_books
    mine.paid_order()
    addresses = addresses_of(sign_in(mine.user("owner")))
    own = [path for path in addresses if re.search(r"/\d+/", path) and "/auditseal/" not in path]  # seals are the installation's
    assert len(own) > 20
    with company(house, Path(tmp_path_factory.mktemp("others")), flows=None) as others:
        page = sign_in(others.user("everything"))
        records = RECORDS % others.user("everything")
        assert mine.query(records) == [(0,)]
        for path in addresses:
            answer = page.request.get(path, max_redirects=0)
            assert path not in own or answer.status == 404, (answer.status, path)
            assert mine.slug not in answer.text().replace(path, ""), path  # in all names of the organization and its people
        token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
        for path in own:
            answer = page.request.post(path, form={"post": "yes", "_save": "1"}, headers={"X-CSRFToken": token}, max_redirects=0)
            assert answer.status in (404, 405), (answer.status, path)
        assert mine.query(records) == [(0,)]


def test_a_viewer_reads_everything_and_finds_nothing_to_press(shop_and_books: Company, sign_in: SignIn) -> None:
    made = shop_and_books
    order = made.paid_order()
    page = sign_in(made.user("viewer"))
    addresses = addresses_of(page)
    assert len(addresses) > 40
    texts = ""
    for path in addresses:
        text = page.request.get(path).text()
        texts += text
        if path.startswith("/account/") or "password" in path:
            continue  # one's own
        posts = re.findall(r'(<form[^>]*method="post"[^>]*>)(.*?)</form>', text, re.DOTALL)
        pressed = [head for head, inside in posts if re.search(r'type="submit"', inside) and "changelist-form" not in head]
        assert [head for head in pressed if "logout" not in head] == [], path
        assert 'name="_save"' not in text, path
        assert 'class="addlink"' not in text, path
    assert order["number"] in texts
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    before = (made.query(RECORDS), made.query("SELECT COUNT(*) FROM flows_syncjob"))
    ids = {path.split("/")[4] for path in addresses if re.fullmatch(r"/admin/flows/\w+/\d+/change/", path)}
    for pk in sorted(ids)[:3]:
        for name, path in every_address({"object_id": pk, "button": "replay"}):
            if not name.startswith("admin:") or name in ("admin:login", "admin:logout") or "password" in name:
                continue
            answer = page.request.post(path, form={"post": "yes", "_save": "1"}, headers={"X-CSRFToken": token}, max_redirects=0)
            assert answer.status != 500, path
    assert (made.query(RECORDS), made.query("SELECT COUNT(*) FROM flows_syncjob")) == before


def test_an_api_token_is_made_and_used(shop_and_books: Company, sign_in: SignIn) -> None:
    order = shop_and_books.paid_order()
    page = sign_in(shop_and_books.user("support"))
    page.get_by_role("link", name="Your account").first.click()
    page.get_by_role("link", name="New token").click()
    page.get_by_label("Name").fill("nightly report")
    page.get_by_role("button", name="Make the token").click()
    text = page.locator("#token-text").inner_text()
    asked = {"headers": {"Authorization": f"Bearer {text}"}}
    found = page.request.get(f"/api/v1/records?number={order['number']}", **asked).json()["results"]
    assert [row["exact"] for row in found] == [True]
    assert page.request.post(f"/api/v1/jobs/{found[0]['job_id']}/replay", **asked).status == 403  # only made for reading
    page.get_by_role("link", name="I have kept it").click()
    page.get_by_role("button", name="Revoke nightly report").click()
    expect(page.get_by_text("nightly report is revoked")).to_be_visible()
    assert page.request.get("/api/v1/flows", **asked).status == 401


def test_guessing_a_password_is_held_up(new_company: Company, sign_in: SignIn) -> None:
    page = sign_in(new_company.user("owner"))
    page.get_by_role("button", name="Log out").click()
    page.goto("/admin/login/")
    for _ in range(5):
        page.get_by_label("Username").fill(new_company.user("owner"))
        page.get_by_label("Password").fill("a wrong one")
        page.get_by_role("button", name="Log in").click()
    page.get_by_label("Username").fill(new_company.user("owner"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text(re.compile(r"There were too many tries\. Try again in \d+ seconds\."))).to_be_visible()
