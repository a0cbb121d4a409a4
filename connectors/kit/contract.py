"""The whole protocol between a platform folder and the rest of Tillbridge. A connector is data; a capability
is declared by having the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from connectors.canonical.identity import Notice, ObjectType, Window

if TYPE_CHECKING:
    from connectors.kit.http import Api, Plumbing
    from connectors.kit.sandbox import Sandbox

T = TypeVar("T")
Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """What a connector knows of one connection. key is the connection's id, for pooled sessions and limits.

    urls overrides single addresses of the platform by name ("api", "authorize", "token"); ids holds what probing found
    out ("account_id"); settings what the operator chose; secrets is never shown by repr.
    """

    key: str
    base_url: str
    urls: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    time_zone: str = "UTC"
    currency: str = ""


# ---- reading -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing: notices, not data. next is the cursor of the page after it, None at the end."""

    notices: tuple[Notice, ...]
    next: str | None = None


@dataclass(frozen=True)
class Reads(Generic[T]):
    """How to read one object type. page walks a closed window of changes; None where the platform cannot list changes.

    fetch gathers the whole aggregate as raw JSON (raises Gone when it does not exist); normalise is pure and raises Rejected
    naming the path of a bad field.
    """

    fetch: Callable[[Api, str], Raw]
    normalise: Callable[[Raw, Account], T]
    page: Callable[[Api, Window, str | None], Page] | None = None


# ---- writing -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Writes(Generic[T]):
    """How to write one object type. Values that come back are as the platform answered them, id included.

    find: all objects that carry this value's marker or natural key, checked field by field on our side (filters may be ignored
    silently), best first. create: may raise Conflict, Refused, Unclear. update(api, id, value). get(api, id). actions: named changes
    without a body ("mark_sent", "void", "restore"). owns(found, wanted): whether a found object is ours or may be shared; another's
    is never adopted. settle: the longest time until a created object is findable.
    """

    find: Callable[[Api, T], tuple[T, ...]]
    create: Callable[[Api, T], T]
    get: Callable[[Api, str], T] | None = None
    update: Callable[[Api, str, T], T] | None = None
    actions: Mapping[str, Callable[[Api, str], T]] = field(default_factory=dict)
    owns: Callable[[T, T], bool] = lambda _found, _wanted: True
    settle: timedelta = timedelta(minutes=2)


# ---- webhooks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook request as it came: header names in lower case, the raw body."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Greeting:
    """An unsigned ping or handshake. A handshake names the subscription (its remote id) and the secret it brings."""

    kind: Literal["ping", "handshake"]
    subscription_id: str = ""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """A verified delivery. dedupe_key is stable over repeats of the same event (at most 200 characters).

    problem is a sentence for the operator when the platform sent something signed but useless; then there are no notices.
    """

    dedupe_key: str
    topic: str
    notices: tuple[Notice, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RemoteSubscription:
    """A webhook registration as the platform shows it."""

    id: str
    topic: str
    url: str
    status: Literal["active", "disabled", "paused", "unverified"]
    changed_at: datetime | None = None


@dataclass(frozen=True)
class Subscriptions:
    """How to look after registrations. create(api, topic, url, secret); confirm(api, id, secret) finishes a handshake;
    resend(api, id) asks for the handshake again.
    """

    list: Callable[[Api], tuple[RemoteSubscription, ...]]
    create: Callable[[Api, str, str, str], RemoteSubscription]
    delete: Callable[[Api, str], None]
    enable: Callable[[Api, str], RemoteSubscription] | None = None
    confirm: Callable[[Api, str, str], RemoteSubscription] | None = None
    resend: Callable[[Api, str], None] | None = None


@dataclass(frozen=True)
class Webhooks:
    """Receiving: greet recognises unsigned pings and handshakes; verify raises BadSignature unless one of the secrets
    (newest first, never empty strings) signed the raw body; parse is called only after that. topics: what to subscribe to for each
    object type that a flow reads. own_secret: we choose the signing secret (else the platform hands it over).
    """

    greet: Callable[[Delivery], Greeting | None]
    verify: Callable[[Delivery, Sequence[str]], None]
    parse: Callable[[Delivery], Event]
    topics: Mapping[ObjectType, tuple[str, ...]]
    subscriptions: Subscriptions
    own_secret: bool = True


# ---- who we are --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """Something the operator types in or chooses. kind drives the form; secret ones are encrypted and never shown again."""

    name: str
    label: str
    help: str = ""
    kind: Literal["text", "number", "boolean", "choice"] = "text"
    choices: tuple[tuple[str, str], ...] = ()
    default: Any = ""
    required: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One account that an authorisation gives access to; refusal is a sentence when it cannot be used."""

    label: str
    ids: Mapping[str, str]
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a real authenticated call found. problems are sentences; ok means there is none."""

    facts: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    time_zone: str = ""
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class OAuth2:
    """Authorization code flow. Addresses are the real platform's; a connection may override them by name.

    candidates lists the accounts behind a fresh token, to choose from when there are several.
    """

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    candidates: Callable[[Api], tuple[Candidate, ...]] | None = None
    kind: Literal["oauth2"] = "oauth2"


@dataclass(frozen=True)
class Keys:
    """Keys that the operator types in (they are Settings with secret=True)."""

    kind: Literal["keys"] = "keys"


@dataclass(frozen=True)
class Handover:
    """The shop hands its keys over: start(base_url, app_name, state, return_url, callback_url) is where the browser goes;
    read(body) gives (state, secrets) from the shop's callback or raises Rejected.
    """

    start: Callable[[str, str, str, str, str], str]
    read: Callable[[bytes], tuple[str, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How fast we may call one connection: per second, burst, and calls in flight."""

    per_second: float
    burst: int
    concurrent: int = 8


@dataclass(frozen=True)
class SandboxSpec:
    """A miniature of the platform for the demo and the tests. build(public_url, options) makes its state and routes;
    connection(public_url) is what provisioning needs to connect to it.
    """

    role: Literal["shop", "ledger"]
    build: Callable[[str, Mapping[str, Any]], Sandbox]
    connection: Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class Connector:
    """The table of contents of one platform folder.

    settings: what the operator types in (secrets included); statuses: the platform's order statuses with labels; paid_statuses:
    those that count for booking unless a flow says otherwise; link(account, object_type, id): where a person sees the object, ""
    where there is no page.
    """

    platform: str
    label: str
    auth: OAuth2 | Keys
    settings: tuple[Setting, ...]
    open: Callable[[Account, Plumbing], Api]
    probe: Callable[[Api], Probe]
    reads: Mapping[ObjectType, Reads[Any]]
    writes: Mapping[ObjectType, Writes[Any]]
    limits: RateLimit
    webhooks: Webhooks | None = None
    handover: Handover | None = None
    link: Callable[[Account, ObjectType, str], str] = lambda _account, _kind, _id: ""
    statuses: tuple[tuple[str, str], ...] = ()
    paid_statuses: tuple[str, ...] = ()
    payment_methods: tuple[str, ...] = ()
    sandbox: SandboxSpec | None = None

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What it can do, in words, from what it defines."""
        found = [f"reads {kind.plural}" for kind in self.reads] + [f"writes {kind.plural}" for kind in self.writes]
        if self.webhooks:
            found.append("webhooks")
        if isinstance(self.auth, OAuth2):
            found.append("OAuth")
        return tuple(found)
