"""Every page keeps to the strict Content-Security-Policy and carries the theme."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from config.middleware import POLICY
from tests.admin.console_world import ASKS, SEES, World, address


class Inline(HTMLParser):
    """Collects what the policy would stop."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        runs = given.get("type") in (None, "", "text/javascript", "module")
        if tag == "script" and "src" not in given and runs:
            self.found.append("inline script")
        if tag == "style" or "style" in given:
            self.found.append(f"inline style of <{tag}>")
        self.found += [f"{name} of <{tag}>" for name in given if name.startswith("on")]
        for name in ("src", "href"):
            address = given.get(name) or ""
            if tag in ("script", "link", "img") and not address.startswith(("/", "data:")) and name in given:
                self.found.append(f"{address} from elsewhere")


def assert_clean(client: Client, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 200, url
    assert answer.headers["Content-Security-Policy"] == POLICY
    parser = Inline()
    parser.feed(answer.content.decode())
    assert parser.found == [], url


@pytest.mark.parametrize("who", ["owner", "root"])
def test_nothing_inline_on_any_page(world: World, who: str) -> None:
    client = world.client(who)
    assert_clean(client, reverse("admin:index"))
    for name, allowed in SEES.items():
        if who not in allowed:
            continue
        row = world.rows[name]
        for page, arguments in (("changelist", ()), ("change", (row.pk,)), ("history", (row.pk,)), ("add", ())):
            url = address(row, page, *arguments)
            if page != "add" or client.get(url).status_code == 200:
                assert_clean(client, url)
    flow = world.rows["flow"]
    for name in ASKS:
        assert_clean(client, address(flow, name, flow.pk))
    assert_clean(Client(), reverse("admin:login"))


def test_the_parser_finds_what_it_should() -> None:
    parser = Inline()
    parser.feed('<script>1</script><p style="x" onclick="y"></p><link href="https://cdn.example/x.css">')
    assert len(parser.found) == 4


def test_branding_and_theme(world: World) -> None:
    page = world.client("owner").get(reverse("admin:index")).content.decode()
    assert "Tillbridge" in page
    assert "Django administration" not in page
    assert "/static/console/console.css" in page
    assert finders.find("console/console.css")
    assert finders.find("console/mark.svg")


def test_history_tells_who_changed_what(world: World) -> None:
    client, mapping = world.client("bookkeeper"), world.rows["itemmapping"]
    client.post(address(mapping, "change", mapping.pk), {"item_id": "5", "item_name": "Cup"})
    page = client.get(address(mapping, "history", mapping.pk)).content.decode()
    assert "bookkeeper" in page
    assert "Changed Item id and Item name." in page
