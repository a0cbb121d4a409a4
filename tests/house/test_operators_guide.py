"""The guide for operators: every page is linked, every picture is there, is used, and is taken by `make pictures`."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from tests.browser.views import VIEWS

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "operators"
PAGES = sorted(GUIDE.glob("*.md"))
SHOWN = {name for page in PAGES for name in re.findall(r"!\[[^\]]+\]\(pictures/([^)]+)\.png\)", page.read_text())}
LARGEST, WIDTH = 180_000, 1200


def test_every_page_is_linked_from_the_first() -> None:
    first = (GUIDE / "README.md").read_text()
    assert len(PAGES) > 8
    assert [page.name for page in PAGES if page.name != "README.md" and f"({page.name})" not in first] == []


def test_every_picture_says_in_words_what_it_shows() -> None:
    assert [page.name for page in PAGES if "![](" in page.read_text()] == []


def test_pictures_are_those_that_the_script_takes_and_that_the_pages_show() -> None:
    there = {path.stem for path in (GUIDE / "pictures").iterdir()}
    assert there == SHOWN == set(VIEWS)


def test_pictures_are_small_and_of_one_width() -> None:
    for path in (GUIDE / "pictures").iterdir():
        head = path.read_bytes()[:24]
        assert head.startswith(b"\x89PNG"), path.name
        assert struct.unpack(">I", head[16:20])[0] == WIDTH, path.name
        assert path.stat().st_size < LARGEST, path.name
