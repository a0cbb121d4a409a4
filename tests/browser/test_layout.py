"""Long names and long sentences: nothing covers anything, and nothing sticks out of a phone."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import SignIn
from tests.browser.installation import Company
from tests.browser.test_every_page import sticking_out

ALERT = """
from django.contrib.auth.models import User
from audit.alerts import open_alert
from credentials.models import Organization
organization = Organization.objects.get(slug={slug!r})
open_alert(organization.pk, "layout", "The shop answers no more, and has not for some time. " * 4, "error")
User.objects.filter(username={user!r}).update(first_name="Wilhelmina Montgomery-Featherstonehaugh")
"""


def test_a_long_heading_is_not_covered_by_its_buttons(new_company: Company, sign_in: SignIn) -> None:
    new_company.house.shell(ALERT.format(slug=new_company.slug, user=new_company.user("everything")))
    page = sign_in(new_company.user("everything"))
    page.goto("/admin/audit/alert/")
    page.get_by_role("link", name="The shop answers no more").click()
    heading = page.locator("#content > h2").bounding_box()
    assert heading is not None
    for button in page.locator(".object-tools li").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= heading["x"] + heading["width"] or box["y"] >= heading["y"] + heading["height"]
    assert sticking_out(page) == []
    assert _reaches_the_theme(page)


def _reaches_the_theme(page: Page) -> bool:
    """Whether the last thing of the header is on a phone's screen."""
    page.set_viewport_size({"width": 390, "height": 844})
    box = page.get_by_role("button", name="Toggle theme").first.bounding_box()
    return box is not None and box["x"] + box["width"] <= 390
