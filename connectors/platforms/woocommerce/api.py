"""Calls to one shop: its address, how answers are judged, how something new is made."""

from __future__ import annotations

from typing import Any

from connectors.kit.account import Account
from connectors.kit.errors import Gone, Rejected, SyncError, Unclear
from connectors.kit.http import Api, Effect, Plumbing, Response
from connectors.kit.tame import Tame
from connectors.platforms.woocommerce.answers import classify
from connectors.platforms.woocommerce.auth import second_way, sign_in

V3 = "/wc/v3"


def store_url(account: Account) -> str:
    """The shop's address as typed, sub-folder kept, without a trailing slash or /wp-json."""
    return account.base_url.strip().rstrip("/").removesuffix("/wp-json").rstrip("/")


def open_api(account: Account, plumbing: Plumbing) -> Api:
    """The shop's REST API; paths start behind /wp-json (keys work on no other address, observed)."""
    base_url = account.urls.get("api", "").rstrip("/") or f"{store_url(account)}/wp-json"

    def judge(response: Response) -> SyncError | None:
        return second_way(account, base_url, response, classify(response))

    return Api(account, base_url, judge, plumbing, auth=sign_in(account, base_url), headers={"Accept": "application/json"})


def path_id(text: str) -> str:
    """An id as it may stand in a path; WooCommerce has whole numbers only, so anything else names nothing."""
    if not (text.isascii() and text.isdigit()):
        raise Gone(f"The shop has no object with the id {text!r}.", code="no_such_id")
    return text


def read_object(api: Api, collection: str, object_id: str, name: str) -> Tame:
    """One object by id; an answer about anything else is refused, whatever its status says."""
    found = api.get(f"{V3}/{collection}/{path_id(object_id)}").json(name)
    if found["id"].identifier() != str(int(object_id)):
        raise found["id"].fail(f"the {name} {object_id}")
    return found


def create_json(api: Api, path: str, body: Any) -> Tame:
    """POST something new and read the answer; one that cannot be read leaves it open whether it was stored."""
    answer = api.call("POST", path, json=body, effect=Effect.CREATE)
    try:
        return answer.json("created")
    except Rejected as error:
        raise Unclear(f"The shop's answer to a write is not readable ({error.message}).", code=error.code) from error
