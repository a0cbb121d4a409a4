"""Bulk exports: a query without pages, run at once, written as one JSON object a line, fetched without a token."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

from graphql import GraphQLError, execute_sync, parse, validate

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.shopify.sandbox.hooks import announce
from connectors.platforms.shopify.sandbox.model import Json
from connectors.platforms.shopify.sandbox.records import gid, stamp
from connectors.platforms.shopify.sandbox.resolving import SCHEMA, number_in, resolve, roots
from connectors.platforms.shopify.sandbox.state import Export, Shop

AT_ONCE = 5
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def export_roots(shop: Shop) -> Json:
    return {"bulkOperation": lambda id: _shown(shop, id)}


def start_export(shop: Shop, query: str) -> Json:
    """Begin one, or say why not. The file is made of the shop as it is now."""
    running = [each for each in shop.exports.values() if _status(shop, each) == "RUNNING"]
    if len(running) >= AT_ONCE:
        return _refused("LIMIT_REACHED", "A bulk query operation for this app and shop is already in progress")
    try:
        document = parse(query)
        problems = validate(SCHEMA, document)
    except GraphQLError as error:
        problems = [error]
    if problems:
        return _refused("INVALID", f"Invalid bulk query: {problems[0].message}")
    found = execute_sync(SCHEMA, document, roots(shop), field_resolver=resolve)
    lines = [json.dumps(row, separators=(",", ":")) for value in (found.data or {}).values() for row in flattened(value, "")]
    export = Export(shop.next_id("export"), query, time.monotonic() + shop.switches.bulk_seconds)
    export.body, export.objects = "".join(f"{line}\n" for line in lines).encode(), len(lines)
    shop.exports[export.id] = export
    return {"bulkOperation": _shown(shop, gid("BulkOperation", export.id)), "userErrors": []}


def _refused(code: str, message: str) -> Json:
    return {"bulkOperation": None, "userErrors": [{"field": None, "message": message, "code": code}]}


def flattened(value: Any, parent: str) -> Iterator[Json]:
    """Each node of a connection as a row; nested ones carry the id of the node above them."""
    for edge in value.get("edges", ()):
        node = edge["node"]
        inner = {key: child for key, child in node.items() if isinstance(child, dict) and "edges" in child}
        row = {key: child for key, child in node.items() if key not in inner}
        yield {**row, "__parentId": parent} if parent else row
        for child in inner.values():
            yield from flattened(child, str(node["id"]))


def _status(shop: Shop, export: Export) -> str:
    if export.status == "RUNNING" and time.monotonic() >= export.done_at:
        export.status = "COMPLETED"
        body = {"admin_graphql_api_id": gid("BulkOperation", export.id), "status": "completed", "type": "query", "error_code": None,
                "created_at": stamp(shop.now()), "completed_at": stamp(shop.now())}  # fmt: skip
        announce(shop, "BULK_OPERATIONS_FINISH", body)
    return export.status


def _shown(shop: Shop, global_id: str) -> Json | None:
    export = shop.exports.get(number_in(global_id))
    if export is None:
        return None
    status = _status(shop, export)
    done = status == "COMPLETED"
    return {
        "id": gid("BulkOperation", export.id),
        "status": status,
        "errorCode": "INTERNAL_SERVER_ERROR" if status == "FAILED" else None,
        "objectCount": str(export.objects),
        "fileSize": str(len(export.body)) if done else None,
        "url": f"{shop.home}/store/{export.id}.jsonl?signature=x" if done and export.body else None,
        "partialDataUrl": None,
    }


def download(shop: Shop, call: Call, number: str) -> Answer:
    """The file or a range of it. It asks for no token; one that is sent all the same is a leak."""
    export = shop.exports.get(int(number))
    if export is None or call.headers.get("x-shopify-access-token"):
        return Answer(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"})
    wanted = _RANGE.fullmatch(call.headers.get("range", ""))
    kind = {"Content-Type": "application/jsonl", "Accept-Ranges": "bytes"}
    if wanted is None or not shop.switches.ranges:
        return Answer(200, export.body, kind)
    start, size = int(wanted[1]), len(export.body)
    if start >= size:
        return Answer(416, b"", {**kind, "Content-Range": f"bytes */{size}"})
    end = min(int(wanted[2] or size - 1), size - 1)
    return Answer(206, export.body[start : end + 1], {**kind, "Content-Range": f"bytes {start}-{end}/{size}"})
