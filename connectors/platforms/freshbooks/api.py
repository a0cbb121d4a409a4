"""Calls to the accounting family: addresses, envelopes, one page or all, and creates whose answers cannot be misread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.kit.account import Account
from connectors.kit.contract import Page
from connectors.kit.errors import Gone, NeedsAttention, Refused, Rejected, Unclear
from connectors.kit.http import Api, Bearer, Effect, Plumbing
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks.answers import classify
from connectors.platforms.freshbooks.fields import first_day, is_deleted, may_be_within

T = TypeVar("T")
API_URL = "https://api.freshbooks.com"
# Pinned: the version that answers carried when none was asked for, and whose shapes the fixtures have.
HEADERS = {"Accept": "application/json", "X-API-VERSION": "2023-02-20"}
PER_PAGE = 100  # more is cut to 100 silently
MOST_PAGES = 2000
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of accounting object: its path below the account, and the keys around one and around many."""

    path: str
    one: str
    many: str
    family: str = "accounting"


def open_api(account: Account, plumbing: Plumbing) -> Api:
    """Calls for a connection; the "api" address may be overridden (sandboxes)."""
    return Api(
        account=account,
        base_url=(account.urls.get("api") or API_URL).rstrip("/"),
        classify=classify,
        plumbing=plumbing,
        auth=Bearer(plumbing.tokens) if plumbing.tokens else None,
        headers=HEADERS,
    )


def account_id(account: Account) -> str:
    """The accounting account that this connection is about (not the business id)."""
    found = account.ids.get("account_id", "")
    if not found:
        raise NeedsAttention("No FreshBooks business is chosen for this connection. Open the connection and choose one.", code="no_account")
    return found


def address(api: Api, resource: Resource, id: str = "") -> str:
    """The path of a collection, or of one object in it."""
    path = f"/{resource.family}/account/{quote(account_id(api.account), safe='')}/{resource.path}"
    return f"{path}/{quote(id, safe='')}" if id else path


def includes(*names: str) -> list[tuple[str, str]]:
    return [("include[]", name) for name in names]


def read_one(api: Api, resource: Resource, id: str, params: Pairs = ()) -> Tame:
    """One object by id; Gone when there is none. Deleted objects are answered, with vis_state 1."""
    if not id.strip("."):  # without an id, or with dots that stand for a folder, the address would be the collection's
        raise Gone(f"FreshBooks has no {resource.one} without an id.")
    found = _inner(api.get(address(api, resource, id), params).json("answer"), resource)
    if not found.get("id").is_null and found["id"].identifier() != id:  # something between us answered for another address
        raise found["id"].fail(f"the {resource.one} {id}")
    return found


def _inner(answer: Tame, resource: Resource) -> Tame:
    value = answer["response"]["result"][resource.one]
    value.mapping()
    return Tame(value.value, resource.one)


def create(api: Api, resource: Resource, fields: Mapping[str, Any], read: Callable[[Tame], T], params: Pairs = ()) -> T:
    """Make one. An answer that says "done" but cannot be read raises Unclear, never an error that says "not done"."""
    try:
        response = api.call("POST", address(api, resource), params=params, json={resource.one: dict(fields)}, effect=Effect.CREATE)
    except Gone as error:  # of a thing that it refers to: the collection itself is always there
        raise Refused(error.message, code="reference_missing") from error
    try:
        return read(_inner(response.json("answer"), resource))
    except Rejected as error:
        raise Unclear(f"FreshBooks took the {resource.one}, but its answer cannot be read: {error.message}", code="unreadable") from error


def change(api: Api, resource: Resource, id: str, fields: Mapping[str, Any], params: Pairs = ()) -> Tame:
    """Write fields of one object and read it back. vis_state must come alone: together with it others may be dropped."""
    response = api.call("PUT", address(api, resource, id), params=params, json={resource.one: dict(fields)}, effect=Effect.REPEATABLE)
    return _inner(response.json("answer"), resource)


def rows(api: Api, resource: Resource, params: Pairs = ()) -> Iterator[Tame]:
    """All objects of a search, page by page. Filters may be ignored silently: check each row."""
    for number in range(1, MOST_PAGES + 1):
        found, more = _page(api, resource, params, number)
        yield from found
        if not more:
            return
    raise Rejected(f"FreshBooks lists more than {MOST_PAGES * PER_PAGE} {resource.many}: too many to search.", code="too_many")


def _page(api: Api, resource: Resource, params: Pairs, number: int) -> tuple[list[Tame], bool]:
    query = [*params, ("page", str(number)), ("per_page", str(PER_PAGE))]
    result = api.get(address(api, resource), query).json("answer")["response"]["result"]
    found = [Tame(row.value, f"{resource.one}[{index}]") for index, row in enumerate(result[resource.many].items())]
    # total may count rows that we must not see: only the page count and emptiness say when to stop.
    return found, bool(found) and number < result["pages"].integer()


def changed_page(api: Api, resource: Resource, kind: ObjectType, window: Window, cursor: str | None, key: str = "id") -> Page:
    """One page of what changed in the window: first what is active or archived, then what was deleted.

    The filter knows days only, so every page of those days is read and rows outside the window are dropped here.
    """
    state, _, number = (cursor or "0:1").partition(":")
    params = [("search[updated_min]", first_day(window))]
    if state == "1":
        params.append(("search[vis_state]", "1"))
    found, more = _page(api, resource, params, int(number))
    notices = tuple(_notice(row, kind, key) for row in found if may_be_within(row.get("updated"), window))
    if more:
        return Page(notices, f"{state}:{int(number) + 1}")
    return Page(notices, "1:1" if state == "0" else None)


def _notice(row: Tame, kind: ObjectType, key: str) -> Notice:
    return Notice(kind, row[key].identifier(), deleted=is_deleted(row), version=row.get("updated").text_or())
