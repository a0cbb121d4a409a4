"""What each answer of Stripe means: the table from status, type and code to the class of error."""

from __future__ import annotations

from connectors.kit.errors import Conflict, Gone, NeedsAttention, Refused, Rejected, SyncError, Transient, Unauthorised
from connectors.kit.http import Response
from connectors.kit.redact import excerpt
from connectors.kit.tame import Tame

REPLAYED = "replayed_failure"
_LOCKED = "lock_timeout"
_IN_USE = "idempotency_key_in_use"


def is_contended(response: Response) -> bool:
    """A 429 that says that somebody else holds the object: worth another try at once, no reason to slow everybody down."""
    return _text(_error(response), "code") == _LOCKED


def classify(response: Response) -> SyncError | None:
    """The error that an answer stands for, None for a success. A 429 gets here only when the object is in use."""
    if response.status < 300:
        return None if _is_object(response) else _no_data(response)
    if response.status < 400:
        return None  # the kit refuses redirects
    error = _error(response)
    if response.status >= 500 or error is None:
        return _fault(response)
    return _by_code(response.status, _text(error, "code"), error)


def _is_object(response: Response) -> bool:
    return response.body.lstrip()[:1] in (b"{", b"")


def _no_data(response: Response) -> SyncError:
    return Transient(f"Stripe answered with a page instead of data (status {response.status}). It will be tried again.", code="not_json")


def _error(response: Response) -> Tame | None:
    try:
        error = response.json("answer").get("error")
        error.mapping()
    except Rejected:
        return None
    return error


def _text(error: Tame | None, name: str) -> str:
    if error is None:
        return ""
    value = error.get(name).value
    return excerpt(value, 300) if isinstance(value, str) else ""


def _fault(response: Response) -> SyncError:
    if response.status == 401:
        return _unauthorised("no reason given")
    if response.status == 403:
        return _forbidden("no reason given")
    if response.status == 404:
        return Gone("Stripe has nothing at this address.")
    # The first answer under an idempotency key is kept, 500s included: asking again under it changes nothing.
    replayed = response.headers.get("idempotent-replayed", "").lower() == "true"
    said = f"Stripe could not do it just now (status {response.status}). It will be tried again."
    return Transient(said, code=REPLAYED if replayed else "server_error")


def _unauthorised(said: str) -> SyncError:
    return Unauthorised(f"Stripe refused our key: {said}. Enter a key that is valid under Developers > API keys.")


def _forbidden(said: str) -> SyncError:
    return NeedsAttention(
        f"The Stripe key may not do this: {said}. Give the restricted key the permissions named on the platform's page, under "
        "Developers > API keys.",
        code="not_permitted",
    )


def _by_code(status: int, code: str, error: Tame) -> SyncError:
    said, kind = _text(error, "message").rstrip(". ") or code or "no reason given", _text(error, "type")
    if status == 401:
        return _unauthorised(said)
    if status == 403:
        return _forbidden(said)
    if code in (_LOCKED, _IN_USE) or status in (409, 424):
        return Transient(f"Stripe is at work on this already: {said}. It will be tried again.", code=code or "in_use")
    if kind == "idempotency_error":
        return Conflict(f"Stripe has seen this very operation with other content: {said}.", code="idempotency_error")
    field = _text(error, "param")
    if code == "resource_missing" or status == 404:
        # Without a parameter, or with the path's own, it is the object itself; else something that it refers to.
        if status == 404 and field in ("", "id", *_PATH_PARAMETERS):
            return Gone(f"Stripe does not have this (any more): {said}.", code="resource_missing")
        return Refused(f"Stripe refused it: {said}.", code="reference_missing", field=field)
    if status == 402:
        return Refused(f"Stripe could not charge it: {said}.", code=code or "card_error")
    return Refused(f"Stripe refused it: {said}.", code=code or "invalid_request", field=field)


_PATH_PARAMETERS = ("invoice", "charge", "intent", "payment_intent", "refund", "dispute", "webhook_endpoint", "event")
