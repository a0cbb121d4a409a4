"""What each answer of BigCommerce means: v2 errors are lists, v3 errors objects (at times in a list), some bodies are empty or HTML."""

from __future__ import annotations

from connectors.kit.errors import Conflict, Gone, NeedsAttention, Refused, Rejected, SyncError, Transient, Unauthorised
from connectors.kit.http import Response
from connectors.kit.tame import Tame

_NOT_ACCEPTED = (
    "BigCommerce does not accept our access token: its API account was deleted, or the app was removed or has to be opened again. "
    "Authorise the connection again, or make a new API account under Settings > Store-level API accounts."
)
_FORBIDDEN = (
    "BigCommerce forbids this call: the API account lacks a scope, belongs to another store, or was suspended. Test the connection, "
    "which names what is missing, then authorise it again."
)


def classify(response: Response) -> SyncError | None:
    """The error that an answer stands for, None for a success. 429 never gets here.

    A 401 or 403 means that a person has to authorise again: tokens never expire, and there is nothing to refresh them with.
    """
    status = response.status
    if status < 300:
        return None if _looks_like_json(response) else _web_page()
    if status < 400:
        return None  # the kit refuses redirects
    if status >= 500:
        return _server_side(status)
    return _client_side(status, response)


def _server_side(status: int) -> SyncError:
    if status == 507:
        return NeedsAttention("The store has reached a limit of its BigCommerce plan.", code="plan_limit")
    return Transient(f"BigCommerce answered with an error of its own ({status}).", code="server_error")


def _client_side(status: int, response: Response) -> SyncError:
    if status in (401, 403):
        return Unauthorised(_NOT_ACCEPTED if status == 401 else _FORBIDDEN, code=f"http_{status}")
    if status == 404:
        return Gone("The store has no such object (any more).", code="not_found")
    if status == 409:
        return Conflict(_said("The store has such an object already.", response), code="conflict")
    if status in (408, 423, 425, 499):  # 423: locked by another change
        return Transient(f"BigCommerce could not take the call just now ({status}).", code="busy")
    code = "too_many" if status == 413 else f"http_{status}"
    return Refused(_said("BigCommerce refused the call.", response), code=code, field=_culprit(response))


def _looks_like_json(response: Response) -> bool:
    return not response.body.strip() or response.body.lstrip()[:1] in (b"{", b"[")


def _web_page() -> Transient:
    return Transient("BigCommerce answered with a web page instead of facts, as it does during maintenance.", code="not_json_answer")


def _errors(response: Response) -> list[Tame]:
    """The error objects of a body: [{...}] (v2), {...} (v3), {"data": [{...}]} (refunds); nothing for anything else."""
    try:
        body = response.json("error")
        if isinstance(body.value, dict) and isinstance(body.value.get("data"), list):
            body = body["data"]
        found = list(body.items()) if isinstance(body.value, list) else [body]
    except Rejected:
        return []
    return [one for one in found if isinstance(one.value, dict)]


def _said(sentence: str, response: Response) -> str:
    """The sentence with the store's own words behind it: v2 calls them message, v3 title, refunds error."""
    for one in _errors(response):
        for name in ("message", "title", "error", "detail"):
            words = one.get(name).value
            if isinstance(words, str) and words:
                return f"{sentence} BigCommerce says: {words[:300]}"
    return sentence


def _culprit(response: Response) -> str:
    """The first refused field of a v3 error."""
    for one in _errors(response):
        fields = one.get("errors").value
        if isinstance(fields, dict) and fields:
            return str(next(iter(fields)))[:100]
    return ""
