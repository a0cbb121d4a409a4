"""Calls to one store: its address, and reading single objects and lists in both generations of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.kit.account import Account
from connectors.kit.contract import Raw
from connectors.kit.errors import Gone, NeedsAttention, Refused
from connectors.kit.http import Api, Plumbing
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.answers import classify
from connectors.platforms.bigcommerce.quota import rest_after

API = "https://api.bigcommerce.com"
V2, V3 = "/v2", "/v3"
MOST = 250  # rows per page
USUAL = 50  # rows per page when nothing is said: no page is capped to fewer
Pairs = Sequence[tuple[str, str]]


def store_hash(account: Account) -> str:
    """The store's permanent public id, as typed in or as the authorisation told it; "" when unknown."""
    found = str(account.settings.get("store_hash") or account.ids.get("store_hash") or "").strip()
    return found if found.isascii() and found.isalnum() else ""


def open_api(account: Account, plumbing: Plumbing) -> Api:
    """The store's REST API; paths start with the generation. The token never expires, so none is ever renewed."""
    store = store_hash(account)
    if not store:
        raise NeedsAttention(
            "The connection does not say which store it is for. Enter the store hash: the letters and digits behind /stores/ in the API "
            "path that BigCommerce shows with the API account.",
            code="no_store_hash",
        )
    base_url = f"{account.urls.get('api', '').rstrip('/') or API}/stores/{store}"
    headers = {"Accept": "application/json", "X-Auth-Token": account.secrets.get("access_token", "")}
    return Api(account, base_url, classify, plumbing, headers=headers, rest_after=rest_after)


def path_id(text: str) -> str:
    """An id as it may stand in a path; BigCommerce has whole numbers only, so anything else names nothing."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Gone(f"The store has no object with the id {text!r}.", code="no_such_id")
    return str(int(text))


def read_rows(api: Api, path: str, name: str, params: Pairs = ()) -> list[Tame]:
    """One page of a v2 list. No rows is 204 with an empty body, never [] (observed by two independent clients)."""
    response = api.get(path, [*params])
    return [] if response.status == 204 else list(response.json(name).items())


def read_list(api: Api, path: str, name: str, params: Pairs = ()) -> list[Raw]:
    """A whole v2 list. It tells no number of pages: only an empty page, or one below the usual size, is surely the last."""
    found: dict[str, Raw] = {}
    page, size = 1, MOST
    while True:
        try:
            rows = read_rows(api, path, name, [*params, ("page", str(page)), ("limit", str(size))])
        except Refused as refusal:
            if size == USUAL or not is_too_many(refusal):
                raise
            size = USUAL  # it was the first page that was refused: we begin anew
            continue
        found.update((row["id"].known_identifier(), dict(row.mapping())) for row in rows)
        if len(rows) < USUAL:
            return list(found.values())
        page += 1


def is_too_many(refusal: Refused) -> bool:
    """Whether a store may have refused the number of rows asked for: 413 as documented, 422 as seen."""
    return refusal.code in ("too_many", "http_422")


def read_data(api: Api, path: str, name: str, params: Pairs = ()) -> tuple[list[Tame], Tame]:
    """The rows of one page of a v3 list, and its meta. Transactions answer 204 when there are none."""
    response = api.get(path, [*params])
    if response.status == 204:
        return [], Tame({}, f"{name}.meta")
    body = response.json(name)
    return list(body["data"].items()), Tame(_mapping(body.get("meta")), f"{name}.meta")


def read_many(api: Api, path: str, name: str, params: Pairs) -> tuple[list[Tame], Tame]:
    """A page as large as the store allows, which is not documented everywhere. Only for walks by cursor: page numbers would not match."""
    try:
        return read_data(api, path, name, [*params, ("limit", str(MOST))])
    except Refused as refusal:
        if not is_too_many(refusal):
            raise
        return read_data(api, path, name, [*params, ("limit", str(USUAL))])


def read_all(api: Api, path: str, name: str) -> list[Raw]:
    """A whole v3 list, by its page numbers. An answer without new rows ends it too: a list that knows no pages repeats its first one."""
    found: dict[str, Raw] = {}
    page = 1
    while True:
        rows, meta = read_data(api, path, name, [("page", str(page))] if page > 1 else ())
        known = len(found)
        found.update((row["id"].known_identifier(), dict(row.mapping())) for row in rows)
        if len(found) == known or not is_more(rows, meta, page):
            return list(found.values())
        page += 1


def is_more(rows: Sequence[Tame], meta: Tame, page: int) -> bool:
    """Whether a page comes after this one. Refunds tell no number of pages (their documented meta is empty): a full page may not be the
    last one.
    """
    return bool(rows) and (page < last_page(meta) or ("pagination" not in meta and len(rows) >= USUAL))


def last_page(meta: Tame) -> int:
    """How many pages there are; 1 where the list does not say."""
    pages = Tame(_mapping(meta.get("pagination")), f"{meta.path}.pagination").get("total_pages")
    return 1 if pages.is_null else pages.integer()


def _mapping(part: Tame) -> Any:
    """PHP writes an empty object as [] at times; both, and null, say nothing."""
    return part.value if isinstance(part.value, dict) else {}
