"""The one way out to a platform: safe retries, limits, renewed tokens, redacted exchange log."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from connectors.kit.account import Account
from connectors.kit.errors import NeedsAttention, RateLimited, Rejected, SyncError, Transient, Unauthorised, Unclear
from connectors.kit.limits import parse_retry_after
from connectors.kit.network import at_the_door
from connectors.kit.plumbing import ONLY_TOKEN, Effect, Exchange, Limiter, NoLimit, Operation, Params, Plumbing, Response, Tokens
from connectors.kit.redact import redact_url
from connectors.kit.wire import USER_AGENT, exchange, prepare, session_for

__all__ = [
    "USER_AGENT",
    "Api",
    "Bearer",
    "Effect",
    "Exchange",
    "Limiter",
    "NoLimit",
    "Operation",
    "Params",
    "Plumbing",
    "Response",
    "Tokens",
    "session_for",
]

ATTEMPTS = 3
LONGEST_NAP = 3.0


class Bearer(AuthBase):
    """The access token that is valid at that moment, in a header ("Authorization: Bearer ..." unless told otherwise)."""

    def __init__(self, tokens: Tokens, header: str = "Authorization", prefix: str = "Bearer ") -> None:
        self.tokens, self.header, self.prefix = tokens, header, prefix

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self.header] = self.prefix + self.tokens.current()
        return request

    def renew(self, request: requests.PreparedRequest) -> None:
        """Get another token than the one that this request carried."""
        self.tokens.renew(str(request.headers[self.header])[len(self.prefix) :])


@dataclass(frozen=True)
class Api:
    """Calls to one connection. classify turns an answer into an error, or None when it is a success.

    base_url has no trailing slash; paths start with one. timeout is (connect, read) in seconds. contended: whether a 429 says that
    the object is in use rather than that we are too fast; classify judges it then. operation: the intent behind a create, for platforms
    with idempotency keys. rest_after: seconds for which this answer, good or bad, asks everybody on the connection to rest, where the
    platform counts its quota in headers of its own; None where it says nothing.
    """

    account: Account
    base_url: str
    classify: Callable[[Response], SyncError | None]
    plumbing: Plumbing
    auth: AuthBase | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: tuple[float, float] = (5.0, 60.0)
    rest_after: Callable[[Response], float | None] = lambda _response: None
    contended: Callable[[Response], bool] = lambda _response: False
    operation: Operation | None = None

    def get(self, path: str, params: Params = ()) -> Response:
        return self.call("GET", path, params=params)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        json: Any = None,
        form: Params | None = None,
        effect: Effect = Effect.READ,
        headers: Mapping[str, str] | None = None,
        timeout: tuple[float, float] | None = None,
    ) -> Response:
        """Send it, retrying what is safe to retry; returns a success or raises a SyncError.

        headers come on top of the connection's; timeout overrides its (connect, read) seconds for this call. Redirects are never
        followed (a signed call must not go elsewhere).
        """
        if not path.startswith("/"):
            raise ValueError(f"a path starts with a slash: {path!r}")
        request = requests.Request(
            method,
            self.base_url + path,
            params=_pairs(params),
            json=json,
            data=None if form is None else _pairs(form),
            headers={**self.headers, **(headers or {})},
            auth=self.auth,
        )
        return self._sent(request, effect, timeout or self.timeout)

    def _sent(self, request: requests.Request, effect: Effect, timeout: tuple[float, float]) -> Response:
        renewed = False
        attempt = 1
        while True:
            prepared, outcome = self._once(request, effect, timeout)
            if isinstance(outcome, Response):
                return outcome
            if isinstance(outcome, Unauthorised) and isinstance(self.auth, Bearer) and not renewed:
                renewed = True  # a 401 means that nothing was done: with another token even a create may be sent again
                _renew(self.auth, prepared, outcome)
                continue
            nap = _nap(outcome, effect, attempt)
            if nap is None:
                raise outcome
            self.plumbing.sleep(nap)
            attempt += 1

    def _once(
        self, request: requests.Request, effect: Effect, timeout: tuple[float, float]
    ) -> tuple[requests.PreparedRequest, Response | SyncError]:
        plumbing = self.plumbing
        plumbing.limiter.acquire()
        session = session_for(self.account.key, plumbing.allow_private)
        prepared = prepare(session, request, plumbing.allow_private)
        may_leave = plumbing.before_call(effect)  # last: signing may wait for a new token, and the lease must hold when the bytes leave
        at, started = plumbing.now(), time.monotonic()
        with at_the_door(may_leave):
            response, failure = exchange(session, prepared, timeout, effect)
        if response is not None:
            failure = self._failure(response, effect)
        plumbing.record(
            Exchange(
                method=request.method or "",
                url=redact_url(prepared.url or ""),
                status=response.status if response else 0,
                duration_ms=round((time.monotonic() - started) * 1000),
                sent=_bytes(prepared.body),
                received=response.body if response else b"",
                at=at,
                error=str(failure) if failure else "",
                changes=effect is not Effect.READ,
            )
        )
        return prepared, failure or _certain(response)

    def _failure(self, response: Response, effect: Effect) -> SyncError | None:
        wait = parse_retry_after(response.headers.get("retry-after", ""), self.plumbing.now())
        rest = self.rest_after(response)
        if rest and response.status != 429:
            self.plumbing.limiter.pause(rest)
        wait = rest if wait is None and response.status == 429 else wait
        if response.status == 429 and not self.contended(response):
            wait = random.uniform(1.0, 4.0) if wait is None else max(wait, 1.0)  # "0" and past dates are seen, and mean nothing
            self.plumbing.limiter.pause(wait)
            return RateLimited("The platform asked us to slow down.", retry_after=wait)
        if response.status == 503 and wait:
            self.plumbing.limiter.pause(wait)
        failure = self._classified(response)
        # An error page in place of a success, a 5xx or a time-out says nothing about what became of a write.
        vague = response.status < 400 or response.status >= 500 or response.status == 408
        if isinstance(failure, (Transient, Rejected)) and effect is Effect.CREATE and vague:
            return Unclear(f"{failure.message} It may or may not have been stored.", code=failure.code)
        return failure

    def _classified(self, response: Response) -> SyncError | None:
        try:
            failure = self.classify(response)
        except SyncError as error:  # a body that is not what it should be
            return error
        if failure is None and 300 <= response.status < 400:
            return _redirected(response)
        if failure is None and response.status == 408:
            return Transient("The platform waited too long for our request.")
        return failure


def _renew(auth: Bearer, prepared: requests.PreparedRequest, refusal: Unauthorised) -> None:
    """Another token; where there can be none, the platform's own words say best what is wrong."""
    try:
        auth.renew(prepared)
    except Unauthorised as error:
        raise refusal if error.code == ONLY_TOKEN else error from None


def _certain(response: Response | None) -> Response:
    if response is None:
        raise AssertionError("a call without a failure has a response")
    return response


def _pairs(params: Params) -> list[tuple[str, str]]:
    return list(params.items()) if isinstance(params, Mapping) else list(params)


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""


def _nap(error: SyncError, effect: Effect, attempt: int) -> float | None:
    """Seconds to wait before the same call may be sent again here, None when it must not be."""
    if attempt == ATTEMPTS:
        return None
    if isinstance(error, RateLimited):
        return error.retry_after if error.retry_after <= LONGEST_NAP else None
    repeatable = effect is not Effect.CREATE or error.code == "not_reached"
    if isinstance(error, Transient) and repeatable:
        return random.uniform(0, min(LONGEST_NAP, 0.25 * 2**attempt))  # full jitter
    return None


def _redirected(response: Response) -> SyncError:
    target = urlsplit(redact_url(response.headers.get("location", "")[:500]))
    where = f"{target.scheme}://{target.netloc}" if target.netloc else "another address"
    return NeedsAttention(
        f"The platform sends us on to {where}, and calls with our keys are never redirected. "
        "Set the address of the connection to the one that answers directly.",
        code="redirected",
    )
