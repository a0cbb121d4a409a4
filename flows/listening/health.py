"""How Tillbridge hears of changes, for one organization: each webhook's health, each poll, and what polls found that no webhook told of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django_celery_beat.models import PeriodicTask

from connectors.registry import get_connector
from credentials.models import Connection, Organization
from flows.inbox.expand import registered_as
from flows.inbox.handshake import PENDING
from flows.listening.gaps import gap_since
from flows.listening.unheard import unheard_by_flow
from flows.listening.words import every_in_words, in_words, next_run
from flows.models import Flow, InboundEvent, Subscription, SyncCursor
from flows.recipes import RECIPES
from flows.schedules import entry_name

Status = Subscription.Status
DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Hook:
    """One registration. day, week: deliveries received in the last 24 hours and seven days; sentence: how it is, in words."""

    row: Subscription
    sentence: str
    day: int = 0
    week: int = 0

    @property
    def well(self) -> bool:
        return self.row.status == Status.ACTIVE


@dataclass(frozen=True, slots=True)
class Poll:
    """One flow's polling. unheard: of what its polls found in seven days, how much no webhook had told of."""

    flow: Flow
    words: str
    last: datetime | None
    next: datetime | None
    under_way: bool
    found: int
    unheard: int


@dataclass(frozen=True, slots=True)
class Ear:
    """All that is heard from one connection. since: from when on something may be missing, None while all webhooks are active."""

    connection: Connection
    hooks: tuple[Hook, ...]
    polls: tuple[Poll, ...]
    by_hand: bool
    since: datetime | None

    @property
    def found(self) -> int:
        return sum(poll.found for poll in self.polls)

    @property
    def unheard(self) -> int:
        return sum(poll.unheard for poll in self.polls)


def ears_of(organization: Organization, now: datetime) -> list[Ear]:
    """One for each connection that an enabled or polled flow reads from, or that has webhooks; six queries in all."""
    flows = list(organization.flows.select_related("source", "destination").order_by("label"))
    hooks = _hooks(organization, now)
    polls = _polls(flows, now)
    connections = organization.connections.order_by("label")
    return [_ear(one, hooks.get(one.pk, ()), polls.get(one.pk, ())) for one in connections if one.pk in hooks or one.pk in polls]


def _ear(connection: Connection, hooks: Sequence[Hook], polls: Sequence[Poll]) -> Ear:
    webhooks = get_connector(connection.platform).webhooks
    dead = [hook.row for hook in hooks if not hook.well]
    return Ear(connection, tuple(hooks), tuple(polls), webhooks is not None and webhooks.by_hand, gap_since(dead) if dead else None)


def _hooks(organization: Organization, now: datetime) -> dict[int, list[Hook]]:
    rows = Subscription.objects.filter(connection__organization=organization).exclude(topic__startswith=PENDING)
    counted = _deliveries([row.connection_id for row in rows], now)
    found: dict[int, list[Hook]] = defaultdict(list)
    for row in rows.order_by("topic"):
        day, week = counted.get((row.connection_id, row.topic), (0, 0))
        found[row.connection_id].append(Hook(row, sentence_of(row), day, week))
    return found


def _deliveries(connections: Sequence[int], now: datetime) -> Mapping[tuple[int, str], tuple[int, int]]:
    """By connection and topic as it is registered: in a day, in a week."""
    fresh = InboundEvent.objects.filter(connection__in=set(connections), received_at__gte=now - WEEK).order_by()
    rows = fresh.values("connection_id", "topic").annotate(week=Count("pk"), day=Count("pk", filter=Q(received_at__gte=now - DAY)))
    found: dict[tuple[int, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        for topic in set(registered_as(row["topic"])):
            day, week = found[row["connection_id"], topic]
            found[row["connection_id"], topic] = day + row["day"], week + row["week"]
    return found


def sentence_of(row: Subscription) -> str:
    """Where it stands, in plain words."""
    off = f" since {row.disabled_at:%Y-%m-%d %H:%M} UTC" if row.disabled_at else ""
    again = f" Switched on again on {row.reenabled_at:%Y-%m-%d at %H:%M} UTC." if row.reenabled_at else ""
    said = {
        Status.ACTIVE: f"It is delivered to us.{again}",
        Status.WANTED: "Not registered at the platform yet; that is tried every five minutes.",
        Status.UNVERIFIED: "The platform has not confirmed it yet.",
        Status.PAUSED: "A person paused it at the platform. Nothing is delivered.",
        Status.DISABLED: f"The platform switched it off{off} after failed deliveries. Nothing is delivered.",
        Status.MISSING: "It is gone from the platform. Nothing is delivered.",
    }
    return said[Status(row.status)]


def _polls(flows: Sequence[Flow], now: datetime) -> dict[int, list[Poll]]:
    cursors = {cursor.flow_id: cursor for cursor in SyncCursor.objects.filter(flow__in=[flow.pk for flow in flows])}
    names = [entry_name(flow.pk) for flow in flows]
    entries = {entry.name: entry for entry in PeriodicTask.objects.filter(name__in=names).select_related("interval", "crontab")}
    sums = unheard_by_flow(flows, now.date())
    found: dict[int, list[Poll]] = defaultdict(list)
    for flow in flows:
        if get_connector(flow.source.platform).reads[RECIPES[flow.recipe].source].page is not None:
            known = sums.get(flow.pk, {"found": 0, "unheard": 0})
            poll = _poll(flow, cursors.get(flow.pk), entries.get(entry_name(flow.pk)), now)
            found[flow.source_id].append(Poll(*poll, known["found"], known["unheard"]))
    return found


def _poll(
    flow: Flow, cursor: SyncCursor | None, entry: PeriodicTask | None, now: datetime
) -> tuple[Flow, str, datetime | None, datetime | None, bool]:
    last, under_way = (cursor.polled_at, cursor.window_until is not None) if cursor else (None, False)
    words = "switched off with its flow" if not flow.enabled else in_words(entry) if entry else every_in_words(flow.poll_seconds)
    runs = flow.enabled and entry is not None
    return flow, words, last, next_run(entry, last, now) if runs else None, under_way
