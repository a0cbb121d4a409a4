"""What the host of a connector lends it, and what it gets back: effects, answers, evidence, limiter, tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from connectors.kit.tame import Tame, parse_json

Params = Mapping[str, str] | Sequence[tuple[str, str]]


class Effect(StrEnum):
    """What a call does on the other side, which decides when it may be sent twice."""

    READ = "read"  # changes nothing: retry freely
    REPEATABLE = "repeatable"  # the same call twice leaves the same result: retry freely
    CREATE = "create"  # never sent again once it may have arrived; a lost answer raises Unclear


@dataclass(frozen=True, slots=True)
class Operation:
    """Which intent of ours a create serves: key is the same for every attempt, over restarts too, and never used for anything else.

    searched: an earlier attempt is settled, and a search just showed that it left nothing.
    """

    key: str
    searched: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names in lower case, the body unparsed."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self, path: str = "body") -> Tame:
        return parse_json(self.body, path)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as evidence: bodies are handed over as sent and received, the receiver redacts them before storing. changes: whether it
    was to change something there, which its method does not tell (GraphQL reads by POST).
    """

    method: str
    url: str
    status: int
    duration_ms: int
    sent: bytes
    received: bytes
    at: datetime
    error: str = ""
    changes: bool = False


class Limiter(Protocol):
    """Rate limit of one connection, shared by all workers."""

    def acquire(self) -> None:
        """Wait for a slot; raises RateLimited when the wait would be long."""

    def pause(self, seconds: float) -> None:
        """The platform said stop: nobody calls this connection for so long."""


ONLY_TOKEN = "only_token"  # noqa: S105 - the code of the refusal of `renew` where there can be no other token


class Tokens(Protocol):
    """The access token of one connection, however it was come by."""

    def current(self) -> str:
        """A token that is valid now, refreshed ahead of expiry."""

    def renew(self, stale: str) -> str:
        """Another token than the stale one; raises Unauthorised when there is none to be had."""


class NoLimit:
    """A limiter that never waits, for sandboxes and tests."""

    def acquire(self) -> None:
        return None

    def pause(self, seconds: float) -> None:
        return None


@dataclass(frozen=True)
class Plumbing:
    """What the host of a connector lends it. before_call comes last before a call (fencing); what it returns is
    called once more when the bytes leave, and either may stop them by raising. warn(code, sentence) tells the operator of something
    that stops nothing now (an API version that is on its way out), as an alert of the connection.
    """

    limiter: Limiter = field(default_factory=NoLimit)
    tokens: Tokens | None = None
    record: Callable[[Exchange], None] = lambda _exchange: None
    before_call: Callable[[Effect], Callable[[], None] | None] = lambda _effect: None
    warn: Callable[[str, str], None] = lambda _code, _sentence: None
    allow_private: bool = False
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
