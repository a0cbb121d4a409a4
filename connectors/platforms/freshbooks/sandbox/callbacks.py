"""The callbacks endpoint of the FreshBooks sandbox: registering webhooks, verifying them, asking for the handshake again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from connectors.kit.sandbox import Answer, Call, Sandbox
from connectors.platforms.freshbooks.sandbox.accounting import Caller, admit, read_object
from connectors.platforms.freshbooks.sandbox.fields import Refusal, Row
from connectors.platforms.freshbooks.sandbox.oauth import Grants
from connectors.platforms.freshbooks.sandbox.search import equals, find_rows, page_of
from connectors.platforms.freshbooks.sandbox.state import Books, Table, World
from connectors.platforms.freshbooks.sandbox.webhooks import new_verifier, send_handshake

NOUNS = (
    "bill",
    "bill_vendor",
    "category",
    "client",
    "credit_note",
    "estimate",
    "expense",
    "invoice",
    "item",
    "payment",
    "project",
    "recurring",
    "service",
    "tax",
    "time_entry",
)
EVENTS = {
    *NOUNS,
    *(f"{noun}.{verb}" for noun in NOUNS for verb in ("create", "update", "delete")),
    "invoice.sendByEmail",
    "estimate.sendByEmail",
}
_SCOPES = {
    "client": ("clients",),
    "credit_note": ("credit_notes", "clients"),
    "expense": ("expenses",),
    "invoice": ("invoices",),
    "item": ("billable_items",),
    "payment": ("payments",),
    "tax": ("taxes",),
}
_HEADLINES = {
    401: "invalid_token: The request token failed to authenticate or validate.",
    404: "Requested resource could not be found.",
    422: "The request was well-formed but was unable to be followed due to semantic errors.",
}


class _Invalid(Exception):
    def __init__(self, *details: str) -> None:
        super().__init__(*details)
        self.details = list(details)


def callbacks_table(first: int) -> Table:
    return Table(3101 + first, {"event": lambda row: row["event"]})


def _is_address(uri: Any) -> bool:
    try:
        parts = urlsplit(uri) if isinstance(uri, str) and uri.isascii() else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.netloc)


def _problems(event: Any, uri: Any) -> list[str]:
    problems = [] if isinstance(event, str) and event in EVENTS else ["event: Value error, Unrecognized event."]
    if not _is_address(uri):
        problems.append("uri: Input should be a valid URL, relative URL without a base")
    return problems


def _permit(caller: Caller, event: Any) -> None:
    """Watching an entity needs the scope to read it; a client of the books registers nothing."""
    noun = str(event).partition(".")[0]
    if noun in _SCOPES:
        caller.permit(_SCOPES[noun], "read")
    if caller.role == "client":
        raise Refusal(403, 403, "Permission Denied")


def _show(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _stamp(books: Books) -> str:
    return books.world.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _create(sandbox: Sandbox, books: Books, body: Row) -> Row:
    event, uri = body.get("event"), body.get("uri")
    if problems := _problems(event, uri):
        raise _Invalid(*problems)
    table = books.tables["callbacks"]
    row_id = table.new_id()
    row: Row = {"callbackid": row_id, "id": row_id, "verified": False, "uri": uri, "event": event, "updated_at": _stamp(books)}
    row |= {"_verifier": new_verifier(books.world), "_failures": 0, "_sent": 0}
    table.save(row_id, row)
    send_handshake(sandbox, books, row)
    return row


def _update(sandbox: Sandbox, books: Books, row: Row, body: Row) -> None:
    """Verify, resend, or change event and address; a new address has to prove itself again."""
    if "verifier" in body:
        if body["verifier"] != row["_verifier"]:
            raise _Invalid("verifier: Value error, The verifier does not match.")
        row.update(verified=True, _failures=0)
    elif body.get("resend"):
        if books.switches.resend_verifier == "new":
            row["_verifier"] = new_verifier(books.world)
        send_handshake(sandbox, books, row)
    else:
        event, uri = body.get("event", row["event"]), body.get("uri", row["uri"])
        if problems := _problems(event, uri):
            raise _Invalid(*problems)
        moved = uri != row["uri"]
        row.update(event=event, uri=uri, verified=row["verified"] and not moved)
        if moved:
            send_handshake(sandbox, books, row)
    row["updated_at"] = _stamp(books)
    books.tables["callbacks"].save(row["callbackid"], row)


def _row(books: Books, row_id: str) -> Row:
    row = books.tables["callbacks"].rows.get(int(row_id)) if row_id.isascii() and row_id.isdigit() and len(row_id) < 16 else None
    if row is None:
        raise Refusal(404, 404, _HEADLINES[404])
    return row


def _perform(sandbox: Sandbox, caller: Caller, call: Call, row_id: str | None) -> Answer:
    books = caller.books
    table = books.tables["callbacks"]
    if row_id is None and call.method == "GET":
        page = page_of(table, find_rows(table, call.query, {"event": equals("event")}, books), call.query, {}, 0)
        return Answer.of({"response": {"result": {"callbacks": [_show(row) for row in page.rows], **page.figures}}})
    if row_id is None:
        body = read_object(call, "callback")
        _permit(caller, body.get("event"))
        row = _create(sandbox, books, body)
        return Answer.of({"response": {"result": {"callback": _show(row)}}})
    row = _row(books, row_id)
    if call.method == "DELETE":
        table.drop(row["callbackid"])
        return Answer(204)
    if call.method == "PUT":
        _update(sandbox, books, row, read_object(call, "callback"))
    return Answer.of({"response": {"result": {"callback": _show(row)}}})


def callbacks_endpoint(world: World, grants: Grants, sandbox: Sandbox) -> Callable[..., Answer]:
    """The handler of the callback paths; its errors have a shape of their own."""

    def answer(call: Call, account: str, row_id: str | None = None) -> Answer:
        try:
            return _perform(sandbox, admit(world, grants, call, account), call, row_id)
        except _Invalid as invalid:
            return Answer.of({"errno": 422, "message": _HEADLINES[422], "details": invalid.details}, 422)
        except Refusal as refusal:
            message = _HEADLINES.get(refusal.status, refusal.message)
            return Answer.of({"errno": refusal.status, "message": message}, refusal.status)

    return answer
