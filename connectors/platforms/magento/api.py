"""Calls to one shop: its address, its queries, how answers are judged, how something is read and made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from connectors.kit.account import Account
from connectors.kit.errors import Gone, Rejected, Unclear
from connectors.kit.http import Api, Effect, Plumbing
from connectors.kit.tame import Tame
from connectors.platforms.magento.answers import classify
from connectors.platforms.magento.auth import chosen_way, extra_headers, sign_in


def store_url(account: Account) -> str:
    """The shop's address as typed (with /index.php where it has that), without a trailing slash or /rest."""
    return account.base_url.strip().rstrip("/").removesuffix("/rest").rstrip("/")


def rest_url(account: Account) -> str:
    """Where paths like /orders hang. Without a store view code Magento takes the default view; Adobe's cloud has no /rest."""
    if override := account.urls.get("api", "").rstrip("/"):
        return override
    if chosen_way(account) == "ims":
        return f"{store_url(account).removesuffix('/V1')}/V1"
    code = str(account.settings.get("store_code") or "").strip().strip("/")
    return f"{store_url(account)}/rest/{quote(code, safe='')}/V1" if code else f"{store_url(account)}/rest/V1"


def open_api(account: Account, plumbing: Plumbing) -> Api:
    """The shop's REST API. Any other Accept than JSON answers XML or a crash page (observed)."""
    headers = {"Accept": "application/json", **extra_headers(account)}
    return Api(account, rest_url(account), classify, plumbing, auth=sign_in(account, plumbing), headers=headers)


def query(pairs: Sequence[tuple[str, str]]) -> str:
    """Our own percent encoding: a blank as + and a bare = break Magento's check of the signature (observed with 2.4.7-p6 and 2.4.8-p1)."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def path_id(text: str) -> str:
    """An id as it may stand in a path. Magento has whole numbers; SKUs are never put in paths, where %2F breaks signatures."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Gone(f"The shop has no object with the id {text!r}.", code="no_such_id")
    return text


def read_object(api: Api, collection: str, object_id: str, name: str, id_field: str = "id") -> Tame:
    """One object by id; an answer about anything else is refused, whatever its status says."""
    found = api.get(f"{collection}/{path_id(object_id)}").json(name)
    if found[id_field].identifier() != str(int(object_id)):
        raise found[id_field].fail(f"the {name} {object_id}")
    return found


def send(api: Api, method: str, path: str, body: Any, effect: Effect) -> Tame:
    """Write something and read the answer; one that cannot be read leaves open whether it was stored."""
    answer = api.call(method, path, json=body, effect=effect)
    try:
        return answer.json("answer")
    except Rejected as error:
        if effect is Effect.CREATE:
            raise Unclear(f"The shop's answer to a write is not readable ({error.message}).", code=error.code) from error
        raise
