"""Calls to Stripe: one pinned version, form bodies with brackets, keys that belong to one mode, creates that are never done twice."""

from __future__ import annotations

import random
import secrets as randomness
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from connectors.kit.account import Account
from connectors.kit.brackets import to_brackets
from connectors.kit.errors import Conflict, Gone, NeedsAttention, Rejected, SyncError, Transient, Unclear
from connectors.kit.http import ATTEMPTS, Api, Effect, Operation, Plumbing
from connectors.kit.tame import Tame
from connectors.platforms.stripe.answers import REPLAYED, classify, is_contended

API_URL = "https://api.stripe.com"
# Pinned, for calls and for the webhook endpoints that we make: whatever the account's default is, shapes stay the ones that we read.
VERSION = "2026-10-28.endive"
PER_PAGE = 100
MOST_PAGES = 500
FAILED_KEYS = 5
OWN_KEYS = "tillbridge-"  # how every idempotency key of ours begins: events tell by it that we caused them


class SecretKey(AuthBase):
    """Puts the key into the header; a refused key stays refused."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def mode_of(key: str) -> str:
    """ "live" or "test" by the key's prefix, "" when it is none of Stripe's secret keys."""
    parts = key.strip().split("_")
    return parts[1] if len(parts) >= 3 and parts[0] in ("sk", "rk") and parts[1] in ("live", "test") else ""


def open_api(account: Account, plumbing: Plumbing) -> Api:
    """Calls for a connection. NeedsAttention when its key is of another mode than the one that it was connected in."""
    key, known = account.secrets.get("secret_key", "").strip(), account.ids.get("mode", "")
    if known and mode_of(key) and mode_of(key) != known:
        raise NeedsAttention(
            f"This connection was made in Stripe's {known} mode, and its key is now one of {mode_of(key)} mode. Test and live money are "
            "never mixed: enter a key of the old mode, or make another connection.",
            code="other_mode",
        )
    return Api(
        account=account,
        base_url=(account.urls.get("api") or API_URL).rstrip("/"),
        classify=classify,
        plumbing=plumbing,
        auth=SecretKey(key),
        headers={"Accept": "application/json", "Stripe-Version": VERSION},
        timeout=(5.0, 80.0),
        contended=is_contended,
    )


def path_id(prefixes: Sequence[str], text: str) -> str:
    """An id as it may stand in a path; one of another kind names nothing."""
    if not text.startswith(tuple(prefixes)) or not text.isascii() or not text.replace("_", "").isalnum():
        raise Gone(f"Stripe has no object with the id {text[:60]!r}.", code="no_such_id")
    return quote(text, safe="")


def check_mode(api: Api, found: Tame) -> Tame:
    """The object, unless it belongs to the other mode."""
    wanted = api.account.ids.get("mode") or mode_of(api.account.secrets.get("secret_key", ""))
    if wanted and "livemode" in found and found["livemode"].boolean() != (wanted == "live"):
        raise Rejected(f"{found.path}: an object of the other mode (live and test are never mixed)", code="other_mode")
    return found


def read_object(api: Api, path: str, name: str, params: Mapping[str, Any] | None = None) -> Tame:
    """One object by its path; Gone also for a deleted one."""
    found = api.get(path, to_brackets(params or {})).json(name)
    found["id"].known_identifier()
    if found.get("deleted").value is True:
        raise Gone(f"This was deleted in Stripe ({found['id'].value}).", code="deleted")
    return check_mode(api, found)


def list_page(api: Api, path: str, name: str, params: Mapping[str, Any]) -> tuple[list[Tame], bool]:
    """One page of a listing, newest first, and whether there is more."""
    answer = api.get(path, to_brackets({"limit": PER_PAGE, **params})).json(name)
    rows = [check_mode(api, Tame(row.value, f"{name}[{index}]")) for index, row in enumerate(answer["data"].items())]
    return rows, answer["has_more"].boolean()


def list_all(api: Api, path: str, name: str, params: Mapping[str, Any]) -> Iterator[Tame]:
    """All objects of a listing, newest first."""
    after: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        rows, more = list_page(api, path, name, {**params, **after})
        yield from rows
        if not more or not rows:
            return
        after = {"starting_after": rows[-1]["id"].known_identifier()}
    raise Rejected(f"Stripe lists more than {MOST_PAGES * PER_PAGE} {name}s: too many to search.", code="too_many")


def change(api: Api, path: str, fields: Mapping[str, Any], name: str, method: str = "POST") -> Tame:
    """Change something that exists. Attempts within this call share a key of their own, so a lost answer does it once."""
    key = {"Idempotency-Key": f"{OWN_KEYS}{randomness.token_hex(16)}"} if method == "POST" else {}
    answer = api.call(method, path, form=to_brackets(fields), effect=Effect.REPEATABLE, headers=key)
    return answer.json(name)


def operation_of(api: Api) -> Operation:
    """The intent behind a create; one of its own where the caller has none."""
    return api.operation or Operation(f"{OWN_KEYS}{randomness.token_hex(16)}")


def create(api: Api, path: str, fields: Mapping[str, Any], name: str, operation: Operation, part: str) -> Tame:
    """Make something once: every attempt for this part of the operation, over restarts too, carries the same key.

    Raises Unclear while nobody knows what became of it; a refusal after a lost answer is no proof that nothing was made.
    """
    number, tries, doubtful = 1, 0, False
    while True:
        key = f"{operation.key}-{part}" + (f"-{number}" if number > 1 else "")
        try:
            return _created(api, path, fields, name, key)
        except (Unclear, Transient) as error:
            if error.code == REPLAYED and operation.searched and number < FAILED_KEYS:
                number += 1  # the failure is kept under that key for a day; a search has shown that nothing came of it
                continue
            tries, doubtful = tries + 1, doubtful or isinstance(error, Unclear)
            if tries == ATTEMPTS or error.code in (REPLAYED, "unreadable"):
                raise _doubted(error, doubtful) from error
            api.plumbing.sleep(random.uniform(0, 0.25 * 2**tries))
        except SyncError as error:
            raise _doubted(error, doubtful) from error


def _doubted(error: SyncError, doubtful: bool) -> SyncError:
    return Unclear(error.message, code=error.code) if doubtful and not isinstance(error, (Unclear, Conflict)) else error


def _created(api: Api, path: str, fields: Mapping[str, Any], name: str, key: str) -> Tame:
    answer = api.call("POST", path, form=to_brackets(fields), effect=Effect.CREATE, headers={"Idempotency-Key": key})
    try:
        found = answer.json(name)
        found["id"].known_identifier()
    except Rejected as error:
        raise Unclear(f"Stripe took the {name}, but its answer cannot be read: {error.message}", code="unreadable") from error
    return found
