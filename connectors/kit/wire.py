"""One request over the wire: pooled guarded sessions, bounded answers, and what a broken connection means."""

from __future__ import annotations

import ssl
import threading
import time
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from connectors.kit.errors import NeedsAttention, Rejected, SyncError, Transient, Unclear
from connectors.kit.network import MOST_POOLS, GuardedAdapter, authority, check_url
from connectors.kit.plumbing import Effect, Response
from connectors.kit.redact import redact_url

USER_AGENT = "Tillbridge (+https://github.com/tillbridge/tillbridge)"
MAX_BODY = 32 * 1024 * 1024
LONGEST_ANSWER = 180.0  # seconds for a whole body: read time-outs alone let a drip of bytes hold a worker for ever
_sessions_lock = threading.Lock()


@lru_cache(maxsize=512)
def _session(key: str, allow_private: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter: HTTPAdapter = GuardedAdapter(allow_private=allow_private, pool_connections=MOST_POOLS, pool_maxsize=64)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = USER_AGENT
    return session


def session_for(key: str, allow_private: bool) -> requests.Session:
    """The pooled session of a connection; one per process and connection."""
    with _sessions_lock:
        return _session(key, allow_private)


def prepare(session: requests.Session, request: requests.Request, allow_private: bool) -> requests.PreparedRequest:
    """Sign afresh for every attempt: a nonce is never sent twice. What cannot even be prepared is never retried."""
    check_url(request.url or "", allow_private)
    try:
        prepared = requests.PreparedRequest()  # by hand: a session would look for cookies, hooks and netrc each time, and we have none
        prepared.prepare(
            method=request.method,
            url=request.url,
            headers={**session.headers, **(request.headers or {})},
            params=request.params,
            data=request.data,
            json=request.json,
            auth=request.auth,
        )
        if authority(prepared.url or "") != authority(request.url or ""):
            check_url(prepared.url or "", allow_private)
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
        raise NeedsAttention(
            f"The call could not be put together ({type(error).__name__}). Correct the address and the keys of the connection.",
            code="address_refused",
        ) from error
    return prepared


def exchange(
    session: requests.Session, prepared: requests.PreparedRequest, timeout: tuple[float, float], effect: Effect
) -> tuple[Response | None, SyncError | None]:
    try:
        return _send(session, prepared, timeout), None
    except SyncError as error:  # the network guard's refusal
        return None, error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        return None, _network_failure(error, effect)


def _send(session: requests.Session, prepared: requests.PreparedRequest, timeout: tuple[float, float]) -> Response:
    adapter = session.get_adapter(prepared.url or "")  # the adapter follows no redirects
    with adapter.send(prepared, stream=True, timeout=timeout, verify=session.verify is None or session.verify) as answer:
        body, deadline = bytearray(), time.monotonic() + LONGEST_ANSWER
        while chunk := answer.raw.read1(65536, decode_content=True):
            body += chunk
            if len(body) > MAX_BODY:
                raise _TooLarge
            if time.monotonic() > deadline:
                raise requests.exceptions.ReadTimeout("the answer came too slowly")
            if answer.raw.length_remaining == 0 and "content-encoding" not in answer.headers:
                break  # else another read would find that out
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, bytes(body), redact_url(prepared.url or ""))


class _TooLarge(requests.RequestException):
    """The answer is larger than MAX_BODY."""


def _causes(error: BaseException) -> list[BaseException]:
    """The error, what it wraps and what those wrap: requests and urllib3 nest the reason in arguments."""
    found: list[BaseException] = []
    queue = [error]
    while queue and len(found) < 20:
        current = queue.pop()
        found.append(current)
        inner = [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
        queue += [cause for cause in inner if isinstance(cause, BaseException) and cause not in found]
    return found


def _network_failure(error: Exception, effect: Effect) -> SyncError:
    causes = _causes(error)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Transient("The platform's certificate is not valid, so nothing was sent to it.", code="certificate")
    never = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, requests.ConnectTimeout)
    if any(isinstance(cause, never) for cause in causes):
        return Transient("The platform could not be reached.", code="not_reached")
    if effect is Effect.CREATE:
        return Unclear("The answer to a write was lost on the way.", code="answer_lost")
    if isinstance(error, _TooLarge):
        return Rejected("The platform's answer is larger than 32 MiB.", code="too_large")
    return Transient(f"The connection to the platform broke ({type(error).__name__}).", code="connection_broke")
