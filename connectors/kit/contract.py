"""The whole protocol between a platform folder and the rest of Tillbridge. A connector is data; a capability
is declared by having the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.kit.account import Account
from connectors.kit.authorising import (
    Activated,
    Activation,
    Auth,
    Candidate,
    ClientCredentials,
    Entrance,
    Handover,
    Keys,
    OAuth2,
    Query,
    Whose,
)
from connectors.kit.receiving import (
    BY_HAND,
    Delivery,
    Event,
    Greeting,
    PrivacyRequest,
    RemoteSubscription,
    Subscriptions,
    Webhooks,
)

if TYPE_CHECKING:
    from connectors.kit.http import Api, Plumbing
    from connectors.kit.sandbox import Sandbox

__all__ = [
    "BY_HAND",
    "Activated",
    "Activation",
    "Auth",
    "Candidate",
    "ClientCredentials",
    "Connector",
    "Delivery",
    "Entrance",
    "Event",
    "Greeting",
    "Handover",
    "Keys",
    "OAuth2",
    "Page",
    "Permission",
    "PrivacyRequest",
    "Probe",
    "Query",
    "RateLimit",
    "Raw",
    "Reads",
    "RemoteSubscription",
    "SandboxSpec",
    "Setting",
    "Subscriptions",
    "Usage",
    "Webhooks",
    "Whose",
    "Writes",
]

T = TypeVar("T")
Raw = dict[str, Any]


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
    naming the path of a bad field. fetch may raise PartOf. of_customer: the objects of one customer that still count, raw. stored: the
    aggregate as fetch would gather it, out of a delivery's body that shows all of it (None where it does not, as far as one can tell);
    left out where deliveries are only hints.
    """

    fetch: Callable[[Api, str], Raw]
    normalise: Callable[[Raw, Account], T]
    page: Callable[[Api, Window, str | None], Page] | None = None
    of_customer: Callable[[Api, str], tuple[Raw, ...]] | None = None
    stored: Callable[[bytes], Raw | None] | None = None


# ---- writing -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Writes(Generic[T]):
    """How to write one object type. Values that come back are as the platform answered them, id included.

    find: all objects that carry this value's marker or natural key, checked field by field on our side (filters may be ignored
    silently), best first. create: may raise Conflict, Refused, Unclear. update(api, id, value). get(api, id). actions: named changes
    without a body ("mark_sent", "void", "remove", "restore"). owns(found, wanted): whether a found object is ours or may be shared;
    another's is never adopted. settle: the longest time until a created object is findable. every: all that a person may choose from.
    """

    find: Callable[[Api, T], tuple[T, ...]]
    create: Callable[[Api, T], T]
    get: Callable[[Api, str], T] | None = None
    update: Callable[[Api, str, T], T] | None = None
    actions: Mapping[str, Callable[[Api, str], T]] = field(default_factory=dict)
    owns: Callable[[T, T], bool] = lambda _found, _wanted: True
    settle: timedelta = timedelta(minutes=2)
    every: Callable[[Api], Iterable[T]] | None = None


# ---- who we are --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """Something the operator types in or chooses. kind drives the form; secret ones are encrypted and never shown again.

    ways: asked for only with these ways of authorising, by their names in Connector.ways; empty: with all. first: worth a look before
    anything runs; the others' defaults suit most people.
    """

    name: str
    label: str
    help: str = ""
    kind: Literal["text", "number", "boolean", "choice"] = "text"
    choices: tuple[tuple[str, str], ...] = ()
    default: Any = ""
    required: bool = False
    secret: bool = False
    ways: tuple[str, ...] = ()
    first: bool = False


APP = (
    Setting("client_id", "Client id of your app", "From the platform's developer page.", required=True, secret=True),
    Setting("client_secret", "Client secret of your app", required=True, secret=True),
)


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that flows need to be allowed at the platform, as a test found it. mend: what to do there when it is missing."""

    name: str
    granted: bool
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a real authenticated call found. problems are sentences; ok means there is none. permissions: each thing that was tried, by
    the name that people know it by.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    time_zone: str = ""
    problems: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How fast we may call one connection: per second, and how many at once after a quiet time. All workers share it."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What this process made of a platform's quota since it started: calls, how many of them were put off, and the part of the quota
    that was in use, from 0 to 1.
    """

    calls: int
    put_off: int
    used: float

    def __str__(self) -> str:
        hundred = 100 * self.put_off / max(self.calls, 1)
        return f"{self.calls} calls, {self.put_off} of them put off ({hundred:.2f} per hundred); the quota was {self.used:.0%} used"


@dataclass(frozen=True)
class SandboxSpec:
    """A miniature of the platform for the demo and the tests. build(public_url, options) makes its state and routes;
    connection(public_url) is what provisioning needs to connect to it. A collector is given the ledger's invoices to collect.
    """

    role: Literal["shop", "ledger", "collector"]
    build: Callable[[str, Mapping[str, Any]], Sandbox]
    connection: Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class Connector:
    """The table of contents of one platform folder.

    auth: how a connection is authorised. ways: by name, where the operator may choose between several; then a Setting "auth" with
    kind="choice" has these names as values, and `auth` is the way of its default. The secrets client_id and client_secret are asked for
    with OAuth2 and ClientCredentials by themselves; declare them to word their labels, or to ask for them with other ways too.
    settings: what the operator types in (secrets included); source_options: what a flow that reads from here may choose on top of its
    recipe's options; they stand in the settings of that flow's Account, over the connection's own, for page, fetch and normalise.
    statuses: the platform's order statuses with labels; paid_statuses: those that count for booking unless a flow says otherwise;
    keeps_books: whether it is the books, which every flow goes into or out of; addressed: whether each account has an address of its
    own, which the operator enters (address_help says which, refuses(address) why something else cannot be one);
    link(account, object_type, id): where a person sees the object, "" where there is no page; usage(account): how the quota was used,
    where the platform counts something else than calls.
    """

    platform: str
    label: str
    auth: Auth
    settings: tuple[Setting, ...]
    open: Callable[[Account, Plumbing], Api]
    probe: Callable[[Api], Probe]
    reads: Mapping[ObjectType, Reads[Any]]
    writes: Mapping[ObjectType, Writes[Any]]
    limits: RateLimit
    webhooks: Webhooks | None = None
    ways: Mapping[str, Auth] = field(default_factory=dict)
    handover: Handover | None = None
    link: Callable[[Account, ObjectType, str], str] = lambda _account, _kind, _id: ""
    usage: Callable[[Account], Usage | None] = lambda _account: None
    statuses: tuple[tuple[str, str], ...] = ()
    paid_statuses: tuple[str, ...] = ()
    payment_methods: tuple[str, ...] = ()
    source_options: tuple[Setting, ...] = ()
    keeps_books: bool = False
    addressed: bool = True
    address_help: str = "Of the shop, as its visitors see it: https://shop.example"
    refuses: Callable[[str], str] = lambda _address: ""
    sandbox: SandboxSpec | None = None

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What it can do, in words, from what it defines."""
        found = [f"reads {kind.plural}" for kind in self.reads] + [f"writes {kind.plural}" for kind in self.writes]
        signs_in = any(isinstance(auth, OAuth2) for auth in (self.auth, *self.ways.values()))
        return (*found, *(("webhooks",) if self.webhooks else ()), *(("OAuth",) if signs_in else ()))

    def way(self, settings: Mapping[str, Any]) -> tuple[str, Auth]:
        """The way of authorising that a connection with these settings uses, and its name ("" where there is only one)."""
        if not self.ways:
            return "", self.auth
        default = next((str(setting.default) for setting in self.settings if setting.name == "auth"), "")
        name = str(settings.get("auth") or default)
        return (name, self.ways[name]) if name in self.ways else (default, self.auth)

    def settings_of(self, settings: Mapping[str, Any]) -> tuple[Setting, ...]:
        """What is asked of a connection with these settings: what its way of authorising needs, and what all need."""
        name, auth = self.way(settings)
        found = tuple(setting for setting in self.settings if not setting.ways or name in setting.ways)
        known = {setting.name for setting in found}
        app = APP if isinstance(auth, (OAuth2, ClientCredentials)) else ()
        return (*found, *(setting for setting in app if setting.name not in known))
