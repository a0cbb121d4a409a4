"""The door of the accounting family: who calls, which account, which resource, then get, list, create, update or delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from connectors.kit.sandbox import Answer, Call, MalformedBody
from connectors.platforms.freshbooks.sandbox.clients import CLIENTS
from connectors.platforms.freshbooks.sandbox.credits import CREDITS
from connectors.platforms.freshbooks.sandbox.fields import Refusal, Row
from connectors.platforms.freshbooks.sandbox.incomes import CATEGORIES, EXPENSES, INCOMES
from connectors.platforms.freshbooks.sandbox.invoice_resource import INVOICES
from connectors.platforms.freshbooks.sandbox.items import ITEMS, TAXES
from connectors.platforms.freshbooks.sandbox.oauth import Grants
from connectors.platforms.freshbooks.sandbox.payments import PAYMENTS
from connectors.platforms.freshbooks.sandbox.resource import Resource
from connectors.platforms.freshbooks.sandbox.search import find_rows, page_of
from connectors.platforms.freshbooks.sandbox.state import Books, World
from connectors.platforms.freshbooks.sandbox.systems import SYSTEMS

F = TypeVar("F", bound=Callable[..., Any])
RESOURCES = (CLIENTS, ITEMS, TAXES, INVOICES, PAYMENTS, CREDITS, INCOMES, EXPENSES, CATEGORIES, SYSTEMS)
BY_PATH = {resource.path: resource for resource in RESOURCES}
_RPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 422: 3, 429: 8}
_UNAUTHORISED = "The server could not verify that you are authorized to access the URL requested."


def refused(world: World, refusal: Refusal, thing: str = "") -> Answer:
    """An accounting error in the classic or the new shape, and with its own status or (switched) with 200."""
    thing = refusal.thing or thing
    status = 200 if world.switches.errors_as_200 else refusal.status
    known = {"field": refusal.field, "message": refusal.message, "object": thing, "value": refusal.value}
    if world.switches.errors == "classic":
        return Answer.of({"response": {"errors": [{"errno": refusal.errno, **known}]}}, status)
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": str(refusal.errno),
        "domain": "accounting.api.freshbooks.com",
        "metadata": known,
    }
    message = f"Request failed with status_code: {refusal.status}"
    return Answer.of({"code": _RPC_CODES.get(refusal.status, 2), "message": message, "details": [detail]}, status)


def read_object(call: Call, name: str) -> Row:
    """The object under the resource's singular name; with another wrapper (the plural, say) it counts as empty."""
    try:
        body = call.json(exact=True)
    except MalformedBody as error:
        raise Refusal(400, 1005, "The request body could not be parsed.") from error
    found = body.get(name, {}) if isinstance(body, dict) else None
    if not isinstance(found, dict):
        raise Refusal(400, 1005, "The request body must be an object.", field=name)
    return found


@dataclass(frozen=True)
class Caller:
    """Who calls about which books, and what the token and the accounting role allow."""

    books: Books
    scopes: frozenset[str]
    role: str

    def permit(self, things: tuple[str, ...], action: str) -> None:
        """403 unless the token has the scope for one of these things; a client of the books never writes, whatever the token says."""
        if self.books.switches.enforce_scopes and not any(f"user:{thing}:{action}" in self.scopes for thing in things):
            raise Refusal(403, 1003, f"The token lacks the scope user:{things[0]}:{action}.")
        if self.role == "client" and action == "write":
            raise Refusal(403, 1003, "Permission Denied")


def admit(world: World, grants: Grants, call: Call, account: str) -> Caller:
    """The caller by token and account: else 401, or 404 for an account (or a business id) that is not theirs."""
    grant = grants.of_call(call)
    if grant is None:
        raise Refusal(401, 1003, _UNAUTHORISED)
    role = grants.role_in(account)
    if role is None:
        raise Refusal(404, 1012, "Account not found", field="accountid", value=account, thing="account")
    return Caller(world.accounts[account], grant.scopes, role)


def _list(books: Books, resource: Resource, call: Call, includes: frozenset[str]) -> Row:
    table = resource.table(books)
    page = page_of(table, find_rows(table, call.query, resource.filters, books), call.query, resource.sorts, books.switches.extra_total)
    return {resource.plural: [resource.show(books, row, includes) for row in page.rows], **page.figures}


def _offered(function: F | None) -> F:
    if function is None:
        raise Refusal(405, 1003, "Method not allowed.")
    return function


def _write(books: Books, resource: Resource, call: Call, row_id: str | None) -> Row:
    body = read_object(call, resource.single)
    if row_id is None:
        return _offered(resource.create)(books, body)
    row = resource.row(books, row_id)
    if "vis_state" in body and resource.hide:
        resource.hide(books, row, body["vis_state"])
        return row
    update = _offered(resource.update)
    if row.get("vis_state", 0) == 1:
        raise Refusal(422, 1011, f"{resource.label} has been deleted.", field=resource.id_field, value=row_id)
    update(books, row, body)
    return row


def _delete(books: Books, resource: Resource, row_id: str) -> Answer:
    remove = _offered(resource.remove)
    remove(books, resource.row(books, row_id))
    return Answer.of({"response": {}})


def _perform(books: Books, resource: Resource, call: Call, row_id: str | None) -> Answer:
    includes = frozenset(value for key, value in call.query if key == "include[]")
    if call.method == "GET" and row_id is None:
        return Answer.of({"response": {"result": _list(books, resource, call, includes)}})
    if call.method == "DELETE" and row_id is not None:
        return _delete(books, resource, row_id)
    if (call.method, row_id is None) not in (("GET", False), ("POST", True), ("PUT", False)):
        raise Refusal(405, 1003, "Method not allowed.")
    row = resource.row(books, row_id or "") if call.method == "GET" else _write(books, resource, call, row_id)
    return Answer.of({"response": {"result": {resource.single: resource.show(books, row, includes)}}})


def accounting_endpoint(world: World, grants: Grants) -> Callable[..., Answer]:
    """The handler of all accounting paths."""

    def answer(call: Call, account: str, path: str, row_id: str | None = None) -> Answer:
        resource = BY_PATH.get(path)
        if resource is None:
            return refused(world, Refusal(404, 1012, "Resource not found.", value=path))
        try:
            caller = admit(world, grants, call, account)
            caller.permit(resource.scopes, "read" if call.method == "GET" else "write")
            if resource.plural in world.switches.gates:
                gate = Refusal(200, 12001, f"You do not have access to {resource.plural}.", thing=resource.single)
                return refused(world, gate)
            return _perform(caller.books, resource, call, row_id)
        except Refusal as refusal:
            return refused(world, refusal, resource.single)

    return answer
