"""Webhooks as a platform folder declares them: what comes in, who signed it, what it says, and how registrations are looked after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.authorising import Whose
from connectors.kit.errors import Refused

if TYPE_CHECKING:
    from connectors.kit.http import Api


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook request as it came: header names in lower case, the raw body. received_at: for signatures with a time in them."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Greeting:
    """An unsigned ping or handshake. A handshake names the subscription (its remote id) and the secret it brings."""

    kind: Literal["ping", "handshake"]
    subscription_id: str = ""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """What the law lets a person, or a shop that leaves, ask of us through the platform.

    redact_person: blank what we hold of the person in events, records and audit evidence. redact_account: the same for everything that
    came from this connection. export_person: gather what we hold of the person for the owner to hand over.
    A person is named by e-mails, telephones and by the objects that are theirs: (object type, source id) of the customer and the orders.
    reference: the platform's number of the request, at most 100 characters.
    """

    kind: Literal["redact_person", "redact_account", "export_person"]
    emails: tuple[str, ...] = ()
    telephones: tuple[str, ...] = ()
    objects: tuple[tuple[ObjectType, str], ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A verified delivery. dedupe_key is stable over repeats of the same event (at most 200 characters).

    problem is a sentence for the operator when the platform sent something signed but useless; then there are no notices. echo: nothing
    but the echo of a write of ours, recognised by its idempotency key; it is kept without notices, and nobody is told.
    ends: a sentence when the event ends the connection (the app was removed there): its jobs wait until it is connected again. at: when
    that happened, if the event says so; one from before the present authorisation ends nothing.
    privacy: what the platform asks us to do with a person's data.
    """

    dedupe_key: str
    topic: str
    notices: tuple[Notice, ...]
    problem: str = ""
    echo: bool = False
    ends: str = ""
    at: datetime | None = None
    privacy: PrivacyRequest | None = None


@dataclass(frozen=True, slots=True)
class RemoteSubscription:
    """A webhook registration as the platform shows it. secret: where the platform chooses it and tells it once, at the creation; the one
    before stays good while both may sign.
    """

    id: str
    topic: str
    url: str
    status: Literal["active", "disabled", "paused", "unverified"]
    changed_at: datetime | None = None
    secret: str = field(default="", repr=False)


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


def _by_hand(_api: Api, topic: str, _url: str, _secret: str) -> RemoteSubscription:
    raise Refused(f"{topic}: webhooks of this platform are registered there by hand, with the address on the connection's page.")


BY_HAND = Subscriptions(list=lambda _api: (), create=_by_hand, delete=lambda _api, _id: None)


@dataclass(frozen=True)
class Webhooks:
    """Receiving: greet recognises unsigned pings and handshakes; verify raises BadSignature unless one of the secrets
    (newest first, never empty strings) signed the raw body, or is the header that only the platform knows; parse is called only after
    that. topics: what to subscribe to for each object type that a flow reads; extra_topics: whatever flows read (the end of the
    connection). own_secret: we choose the signing secret (else the platform hands it over, in a handshake or in its answer).

    verify is given the secrets of the subscriptions (during a change also those before), and those that secrets(the connection's
    secrets) picks: the app's own secret where the platform signs with that. A client_secret that was replaced stays good for a day.
    whose: which connection a delivery says it is about. One at a connection's own address that names another connection is refused like
    a bad signature. It also opens POST /in/<platform>/, for deliveries that come to one address for all connections of an app (privacy
    requests): those that it names are tried, and one of them must have the secret that signed. It reads what nobody has proven yet.
    Where webhooks are registered at the platform by hand (subscriptions=BY_HAND), topics are empty and the connection's page shows the
    address. challenge: what to answer to a GET of that address with these parameters, None where it is no challenge; only letters,
    digits and -_.=+/ are ever answered. published(delivery, secrets): web addresses of public keys with which this delivery may be
    signed, on a host that the connector fixes; they are fetched once a day, and verify finds their texts (PEM) behind the secrets.
    """

    greet: Callable[[Delivery], Greeting | None]
    verify: Callable[[Delivery, Sequence[str]], None]
    parse: Callable[[Delivery], Event]
    topics: Mapping[ObjectType, tuple[str, ...]]
    subscriptions: Subscriptions
    own_secret: bool = True
    extra_topics: tuple[str, ...] = ()
    secrets: Callable[[Mapping[str, str]], Sequence[str]] | None = None
    whose: Callable[[Delivery], Whose] | None = None
    challenge: Callable[[Mapping[str, str]], str | None] | None = None
    published: Callable[[Delivery, Sequence[str]], tuple[str, ...]] | None = None

    @property
    def by_hand(self) -> bool:
        """Whether a person registers them at the platform."""
        return not self.topics and not self.extra_topics
