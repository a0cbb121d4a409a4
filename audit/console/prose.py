"""Our own operator pages (README.md of a platform) as HTML: headings, paragraphs, lists, tables, bold, italics, code. Links stay words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])"), r"<em>\1</em>"),
    (re.compile(r"\[([^\]]+)\]\([^)\s]*\)"), r"\1"),
)
_HEADING = re.compile(r"(</?h)(\d)>")
_ITEM = re.compile(r"(?:[-*]|(\d+)\.) +")


def as_html(text: str, below: int = 0) -> SafeString:
    """The page; below: the level of the heading that it stands under. Everything is escaped first, so that only our own tags are tags."""
    blocks = re.split(r"\n\s*\n", text.strip())
    parts = [part for block in blocks for part in _block(block.splitlines())]
    return mark_safe(_HEADING.sub(lambda tag: f"{tag[1]}{int(tag[2]) + below}>", "\n".join(parts)))  # noqa: S308 - escaped by _words


def _block(lines: Sequence[str]) -> list[str]:
    """Runs of lines of one kind; a line that goes on an item belongs to it."""
    kinds: list[tuple[Callable[[list[str]], str], str]] = []
    for line in lines:
        goes_on = bool(kinds) and kinds[-1][0] in (_bullets, _numbers) and line.startswith("  ") and _kind(line) is _paragraph
        kinds.append((kinds[-1][0] if goes_on else _kind(line), line))
    return [make([line for _, line in run]) for make, run in groupby(kinds, key=lambda pair: pair[0])]


def _kind(line: str) -> Callable[[list[str]], str]:
    if line.startswith("#"):
        return _headings
    if line.lstrip().startswith("|"):
        return _table
    item = _ITEM.match(line)
    return _paragraph if item is None else _numbers if item[1] else _bullets


def _headings(lines: list[str]) -> str:
    made = []
    for line in lines:
        level = len(line) - len(line.lstrip("#"))
        made.append(f"<h{level}>{_words(line.lstrip('# '))}</h{level}>")
    return "".join(made)


def _paragraph(lines: list[str]) -> str:
    return f"<p>{_words(' '.join(line.strip() for line in lines))}</p>"


def _bullets(lines: list[str]) -> str:
    return f"<ul>{_items(lines)}</ul>"


def _numbers(lines: list[str]) -> str:
    """A list that something interrupted goes on with its number."""
    first = int(lines[0].partition(".")[0])
    start = "" if first == 1 else f' start="{first}"'
    return f"<ol{start}>{_items(lines)}</ol>"


def _items(lines: list[str]) -> str:
    items: list[str] = []
    for line in lines:
        found = _ITEM.match(line)
        if found:
            items.append(line[found.end() :])
        else:
            items[-1] += f" {line.strip()}"
    return "".join(f"<li>{_words(item)}</li>" for item in items)


def _table(lines: list[str]) -> str:
    """The first row names the columns, the second is only a line."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    head = "".join(f'<th scope="col">{_words(cell)}</th>' for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{_words(cell)}</td>' for cell in row)}</tr>" for row in rows[2:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _words(text: str) -> str:
    """Escaped, with emphasis. What stands in code is left as it is."""
    pieces = re.split(r"(`[^`]+`)", escape(text))
    for i, piece in enumerate(pieces):
        for pattern, made in _INLINE[:1] if piece.startswith("`") else _INLINE[1:]:
            piece = pattern.sub(made, piece)
        pieces[i] = piece
    return "".join(pieces)
