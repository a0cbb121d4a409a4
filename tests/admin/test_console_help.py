"""The guide for operators in the console: every page, link, anchor and picture is there for whoever is logged in, and for nobody else."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from audit.console.prose import anchor, as_html
from config.middleware import POLICY
from flows.guide import ABOUT, guide_about, guide_pages, guide_pictures
from tests.admin.console_world import World
from tests.admin.test_console_guides import Balance

ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = [page.url for page in guide_pages().values()]


class Page(HTMLParser):
    """Where a page leads, what it shows, and the names that can be led to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.pictures: set[str] = set()
        self.ids: Counter[str] = Counter()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.add(given["href"])
        if tag == "img":
            self.pictures.add(given["src"])
        if "id" in given:
            self.ids[given["id"]] += 1


def article(html: str) -> str:
    return html.partition("<article")[2].partition("</article>")[0]


def test_every_page_of_the_guide_is_reached_from_help_and_nothing_in_it_leads_nowhere(world: World) -> None:
    client = world.client("viewer")
    assert f'href="{reverse("admin:guide")}"' in client.get("/admin/").text
    waiting, pages, pictures = [reverse("admin:guide")], {}, set()
    while waiting:
        url = waiting.pop()
        answer = client.get(url)
        assert answer.status_code == 200, url
        whole, pages[url] = Page(answer.text), Page(article(answer.text))
        assert [name for name, times in whole.ids.items() if times > 1] == [], url
        pictures |= pages[url].pictures
        targets = {urldefrag(link).url for link in pages[url].links} - pages[url].pictures - pages.keys()
        waiting += [target for target in targets if target and target not in waiting]
    assert set(pages) == set(ADDRESSES)
    assert pictures == {reverse("admin:guide-picture", args=[name]) for name in guide_pictures()}
    assert len(pictures) > 20
    for url, page in pages.items():
        for link in page.links:
            target, name = urldefrag(link)
            assert not name or name in pages[target or url].ids, f"{url}: {link}"


def test_every_picture_is_served_as_it_is_and_may_be_kept(world: World) -> None:
    client = world.client("viewer")
    for name, path in guide_pictures().items():
        answer = client.get(reverse("admin:guide-picture", args=[name]))
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
        assert b"".join(answer) == path.read_bytes()
        assert answer.headers["Cache-Control"] == "private, max-age=3600"
        assert answer.headers["Content-Security-Policy"] == POLICY


def test_each_page_is_shown_whole() -> None:
    for page in guide_pages().values():
        html = as_html(page.text, address=lambda target: target)
        balance = Balance()
        balance.feed(html)
        assert balance.open == [], page.path
        words = re.sub(r"<(code|pre)[ >].*?</\1>|<[^>]+>", "", html, flags=re.DOTALL)
        assert not re.search(r"\*\*|\]\(|&lt;http|^\s*(#|\||!\[|```)", words, re.MULTILINE), page.path


def test_strangers_are_sent_to_the_login(world: World) -> None:
    picture = reverse("admin:guide-picture", args=["home.png"])
    for url in [*ADDRESSES, picture, reverse("admin:guide-page", args=["no-such-page"])]:
        answer = Client().get(url)
        assert answer.status_code == 302, url
        assert answer.headers["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize(
    "tail",
    [
        "no-such-page/",
        "README.md/",
        "../operators/one-order/",
        "more/../alerts/",
        "pictures/none.png",
        "pictures/..%2FREADME.md",
        "pictures/%2e%2e/README.md",
    ],
)
def test_what_the_guide_does_not_have_is_not_there(world: World, tail: str) -> None:
    assert world.client("owner").get(reverse("admin:guide") + tail).status_code == 404


def test_the_guide_is_only_read(world: World) -> None:
    for url in (ADDRESSES[0], reverse("admin:guide-picture", args=["home.png"])):
        assert world.client("root").post(url).status_code == 405


def test_pages_of_the_console_lead_to_what_the_guide_says_about_them(world: World) -> None:
    client = world.client("owner")
    record = reverse("admin:flows_syncrecord_change", args=[world.rows["syncrecord"].pk])
    for url, leads in {
        record: "/admin/help/one-order/",
        reverse("admin:flows_syncjob_changelist"): "/admin/help/many-orders/",
        reverse("admin:flows_fieldmapping_add"): "/admin/help/mappings/#further-fields",
        reverse("account:own"): "/admin/help/people/#your-own-account",
    }.items():
        assert f'<nav aria-label="Guide"><a href="{leads}">Guide<' in client.get(url).text, url
    assert '<nav aria-label="Guide">' not in client.get(reverse("admin:flows_flow_changelist")).text
    assert '<nav aria-label="Guide">' not in Client().get(reverse("admin:login")).text


def test_the_table_of_what_is_about_what_names_what_exists() -> None:
    views = set(_views())
    assert [beginning for beginning in ABOUT if not any(view.startswith(beginning) for view in views)] == []
    for beginning in ABOUT:
        found = guide_about(beginning)
        assert found is not None
        page, url = found
        headings = {anchor(line.lstrip("# ")) for line in page.text.splitlines() if line.startswith("#")}
        assert not urldefrag(url).fragment or urldefrag(url).fragment in headings, beginning
    assert {ABOUT[beginning].partition("#")[0] for beginning in ABOUT} == {name for name in guide_pages() if "/" not in name}


def _views(patterns: list[URLPattern | URLResolver] | None = None, space: str = "") -> list[str]:
    found: list[str] = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            found += _views(pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        else:
            found.append(f"{space}{pattern.name}")
    return found


def test_the_guide_goes_into_the_image() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert [line for line in left_out if re.match(r"/?docs|\*\*?$|.*\.(md|png)$", line)] == []
    assert "COPY . ." in (ROOT / "Dockerfile").read_text()


def test_links_pictures_and_anchors_are_made_of_known_addresses_alone() -> None:
    def address(target: str) -> str:
        return {"a.md#b": "/help/a/#b", "p.png": "/p?x&y"}.get(target, "")

    assert as_html("## Taxes, *ways* & `code`\n\n[a `b`](x.md) [one](a.md#b) [two](javascript:x) ![p](p.png) ![q](q.png)", 1, address) == (
        '<h3 id="taxes-ways--code">Taxes, <em>ways</em> &amp; <code>code</code></h3>\n'
        '<p>[a <code>b</code>](x.md) <a href="/help/a/#b">one</a> two '
        '<img src="/p?x&amp;y" alt="p" loading="lazy"> q</p>'
    )
    assert as_html("x:\n```sh\na *b* <c>\n\n# d\n```\ny") == (
        '<p>x:</p>\n<pre class="raw" tabindex="0">a *b* &lt;c&gt;\n\n# d\n</pre>\n<p>y</p>'
    )
    assert as_html("# A [b](a.md) ![p](p.png)") == "<h1>A b p</h1>"
