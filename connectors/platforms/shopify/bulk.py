"""Long listings as a file that Shopify writes: started, waited for, and read in pieces, never as a whole."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from connectors.kit.contract import Page
from connectors.kit.errors import NeedsAttention, Rejected, SyncError, Transient
from connectors.kit.http import Api, Effect, Response
from connectors.kit.tame import parse_json
from connectors.platforms.shopify.api import ask
from connectors.platforms.shopify.orders import order_notice
from connectors.platforms.shopify.queries import BULK_ORDERS, BULK_START, BULK_STATUS

BULK: Final = "bulk:"
PIECE = 64 * 1024  # bytes of the file at a time: a few hundred orders
NAP = 2.0  # seconds between looks at an export that is not finished
_CURSOR = re.compile(r"bulk:(\d+):(\d+)")
_FAILED = frozenset(("FAILED", "CANCELED", "CANCELING", "EXPIRED"))


def start_export(api: Api, search: str) -> str | None:
    """Begin an export of the orders that the filter finds; its cursor, None where Shopify does not let us (then pages do)."""
    # A start whose answer is lost leaves an export that nobody reads, which harms nothing: it may be sent again.
    answer = ask(api, BULK_START, {"q": BULK_ORDERS % json.dumps(search)}, effect=Effect.REPEATABLE)["bulkOperationRunQuery"]
    if list(answer["userErrors"].items()) or answer["bulkOperation"].is_null:
        return None  # five run already, or the token may not: pages are slower, not worse
    number = answer["bulkOperation"]["id"].text().rpartition("/")[2]
    return f"{BULK}{int(number)}:0"


def page_of_export(api: Api, cursor: str) -> Page:
    """The next piece of the file; while it is being written an empty page with the same cursor, after a nap."""
    place = _CURSOR.fullmatch(cursor)
    if place is None:
        raise Rejected(f"cursor: expected bulk:<operation>:<offset>, got {cursor[:60]!r}", code="malformed")
    operation = ask(api, BULK_STATUS, {"id": f"gid://shopify/BulkOperation/{place[1]}"})["bulkOperation"]
    status = "EXPIRED" if operation.is_null else operation["status"].text()
    if status in _FAILED:
        raise NeedsAttention(f"Shopify's export of the orders ended as {status.lower()}. Start the backfill again.", code="export_failed")
    if status != "COMPLETED":
        api.plumbing.sleep(NAP)
        return Page((), cursor)
    if operation["url"].is_null:  # nothing was found
        return Page((), None)
    return _piece(api, operation["url"].text(), place[1], int(place[2]))


def _piece(api: Api, url: str, operation: str, offset: int) -> Page:
    body, last = _download(api, url, offset)
    end = len(body) if last else body.rfind(b"\n") + 1
    if not end and not last:
        raise Rejected("export: a line longer than a piece", code="malformed")
    rows = [parse_json(line, "export") for line in body[:end].splitlines() if line.strip()]
    notices = tuple(order_notice(row) for row in rows if "__parentId" not in row)
    return Page(notices, None if last else f"{BULK}{operation}:{offset + end}")


def _download(api: Api, url: str, offset: int) -> tuple[bytes, bool]:
    """A piece of the file from here on, and whether it is the last. The file lies elsewhere and gets no token of ours."""
    parts = urlsplit(url)
    store = replace(api, base_url=f"{parts.scheme}://{parts.netloc}", auth=None, headers={}, classify=_classify_store)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    answer = store.call("GET", path, headers={"Range": f"bytes={offset}-{offset + PIECE - 1}", "Accept-Encoding": "identity"})
    if answer.status == 416:  # the file ended exactly where the last piece did
        return b"", True
    if answer.status != 206:  # a store that knows no ranges sends the whole file
        piece = answer.body[offset : offset + PIECE]
        return piece, offset + PIECE >= len(answer.body)
    whole = answer.headers.get("content-range", "").rpartition("/")[2]
    last = offset + len(answer.body) >= int(whole) if whole.isdigit() else len(answer.body) < PIECE
    return answer.body, last


def _classify_store(response: Response) -> SyncError | None:
    if response.status < 400 or response.status == 416:
        return None
    if response.status in (403, 404, 410):
        return NeedsAttention("Shopify's export of the orders can no longer be read. Start the backfill again.", code="export_gone")
    return Transient(f"The store of Shopify's exports answered with {response.status}.", code="server_error")
