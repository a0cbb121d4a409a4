"""Our own operator pages (README.md of a platform, docs/operators) as HTML: headings, paragraphs, lists, tables, bold, italics, code, runs
of code, pictures, and links to what the console has; all other links stay words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from html import unescape
from itertools import groupby

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])"), r"<em>\1</em>"),
    (re.compile(r"!\[([^\]]+)\]\(([^)\s]*)\)"), r'<img src="\2" alt="\1">'),
    (re.compile(r"\[([^\]]+)\]\(([^)\s]*)\)"), r'<a href="\2">\1</a>'),
)
_CODE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"<h(\d)>(.*?)</h\1>")
_PICTURE = re.compile(r'<img src="([^"]*)" alt="([^"]*)">')
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>')
Address = Callable[[str], str]
_ITEM = re.compile(r"(?:[-*]|(\d+)\.) +")


def as_html(text: str, below: int = 0, address: Address | None = None) -> SafeString:
    """The page. below: the level of the heading that it stands under; address: where a link or a picture of the page leads in the console,
    "" for nowhere. With it headings have anchors. Everything is escaped first, so that only our own tags are tags.
    """
    parts = _CODE.split(text.strip())
    html = "\n".join(_code(part) if i % 2 else _blocks(part) for i, part in enumerate(parts) if part.strip())
    html = _HEADING.sub(partial(_heading, below=below, anchored=address is not None), html)
    html = _LINK.sub(partial(_link, address=address or _nowhere), html)
    return mark_safe(_PICTURE.sub(partial(_picture, address=address or _nowhere), html))  # noqa: S308 - escaped by _words


def anchor(heading: str) -> str:
    """As the links of our pages write it: small letters, hyphens for spaces, nothing else."""
    words = unescape(re.sub(r"<[^>]+>", "", heading)).lower()
    return re.sub(r"[^\w-]", "", words.strip().replace(" ", "-"))


def _nowhere(_target: str) -> str:
    return ""


def _heading(found: re.Match[str], below: int, anchored: bool) -> str:
    level = int(found[1]) + below
    name = f' id="{escape(anchor(found[2]))}"' if anchored else ""
    return f"<h{level}{name}>{found[2]}</h{level}>"


def _link(found: re.Match[str], address: Address) -> str:
    leads = address(unescape(found[1]))
    return f'<a href="{escape(leads)}">{found[2]}</a>' if leads else found[2]


def _picture(found: re.Match[str], address: Address) -> str:
    """Its words, where it is not at hand."""
    leads = escape(address(unescape(found[1])))
    return f'<img src="{leads}" alt="{found[2]}" loading="lazy">' if leads else found[2]


def _blocks(text: str) -> str:
    return "\n".join(part for block in re.split(r"\n\s*\n", text.strip()) for part in _block(block.splitlines()))


def _code(text: str) -> str:
    """As it stands; a keyboard can move what is wider than the page."""
    return f'<pre class="raw" tabindex="0">{escape(text)}</pre>'


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
