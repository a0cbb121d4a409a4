"""The platforms' own pages for operators, as the console shows them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from audit.console.prose import as_html
from connectors.registry import all_connectors, guide_to
from credentials.models import Connection
from tests.admin.console_world import World, address

VOID = {"br", "hr", "img", "meta", "link", "input"}


class Balance(HTMLParser):
    """Whether every tag is closed where it should be, and which tags there are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("platform", all_connectors())
def test_each_guide_is_shown_whole(world: World, platform: str) -> None:
    connection = world.rows["connection"]
    Connection.objects.filter(pk=connection.pk).update(platform=platform)
    client = world.client("bookkeeper")
    page = client.get(address(Connection, "change", connection.pk)).content.decode()
    assert address(Connection, "guide", connection.pk) in page
    answer = client.get(address(Connection, "guide", connection.pk))
    assert answer.status_code == 200
    html = as_html(guide_to(platform))
    assert html in answer.content.decode()
    balance = Balance()
    balance.feed(html)
    assert balance.open == []
    assert balance.seen <= {"h1", "h2", "h3", "p", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "code", "strong", "em"}
    words = re.sub(r"<[^>]+>", "", html)
    assert "**" not in words
    assert not re.search(r"^\s*(#|\|)", words, re.MULTILINE)
    for setting in all_connectors()[platform].settings:
        assert setting.label in words


def test_a_guide_of_somebody_else_s_connection_is_not_there(world: World) -> None:
    for client in ("bookkeeper", "owner"):
        assert world.client(client).get(address(Connection, "guide", world.theirs["connection"].pk)).status_code == 404
    gone = world.rows["connection"]
    Connection.objects.filter(pk=gone.pk).update(platform="gone")
    assert world.client("owner").get(address(Connection, "guide", gone.pk)).status_code == 404
    assert world.client("anonymous").get(address(Connection, "guide", gone.pk)).status_code == 302


def test_only_our_own_tags_are_tags() -> None:
    assert as_html("# A <b>\n\nx *y* **z** `a*b*<i>` [words](https://x.example)") == (
        "<h1>A &lt;b&gt;</h1>\n<p>x <em>y</em> <strong>z</strong> <code>a*b*&lt;i&gt;</code> words</p>"
    )
    assert (
        as_html("Before:\n- one\n  more\n- two\n1. three")
        == "<p>Before:</p>\n<ul><li>one more</li><li>two</li></ul>\n<ol><li>three</li></ol>"
    )
    assert as_html("| a | b |\n|---|---|\n| `c` | d |") == (
        '<table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>'
        "<tbody><tr><td><code>c</code></td><td>d</td></tr></tbody></table>"
    )
    table = as_html("1. one\n\n   | a |\n   |---|\n   | b |\n\n2. two")
    assert table.startswith("<ol><li>one</li></ol>\n<table>")
    assert table.endswith('<ol start="2"><li>two</li></ol>')
