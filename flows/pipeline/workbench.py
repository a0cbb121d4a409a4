"""All that one run of one job works with: its flow, its lease, both sides' APIs and the evidence it collects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection as database
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Connector
from connectors.kit.errors import Unauthorised
from connectors.kit.http import Api, Effect, Exchange
from connectors.registry import get_connector
from credentials.models import Connection
from credentials.services import mark_reauthorise, open_api
from credentials.vault import stored_secrets, unpacked
from credentials.waiting import leave_database
from flows.jobs.claim import HELD, Lease, LeaseLost
from flows.models import Flow
from flows.recipes import RECIPES
from flows.recipes.contract import Context, Mappings, Recipe
from flows.selectors import context_of, source_choices


@dataclass
class Side:
    """One end of a flow: the connection, its connector, an open API."""

    connection: Connection
    connector: Connector
    api: Api


@dataclass
class Workbench:
    """Made anew for each run, at `started`. fence is asked before anything is confirmed; exchanges is the evidence so far; origin names
    the source's object for the audit, names what people may search it by, once it is read. mappings are the flow's own, as many as were
    read; the context's are those of the record at hand.
    """

    flow: Flow
    recipe: Recipe[Any, Any]
    source: Side
    destination: Side
    context: Context
    fence: Callable[[], datetime]
    source_id: str = ""
    lease: Lease | None = None
    now: Callable[[], datetime] = timezone.now
    started: datetime = field(default_factory=timezone.now)
    exchanges: list[Exchange] = field(default_factory=list)
    origin: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    confirmed: dict[tuple[ObjectType, str], str] = field(default_factory=dict)  # what this run wrote: its remote ids
    mappings: Mappings = field(init=False)

    def __post_init__(self) -> None:
        self.mappings = self.context.mappings

    def take_evidence(self) -> list[Exchange]:
        """The exchanges since the last time, as evidence of one step."""
        taken, self.exchanges[:] = list(self.exchanges), []
        return taken

    @property
    def job_id(self) -> int | None:
        return self.lease.job_id if self.lease else None

    @property
    def lease_token(self) -> str:
        return self.lease.token if self.lease else ""

    def holding(self) -> tuple[str, int | None, str, Any]:
        """The condition that our job is still ours, in SQL, with its values."""
        return HELD, self.job_id, self.lease_token, database.ops.adapt_datetimefield_value(timezone.now())

    @property
    def scope(self) -> str:
        """The scope of this flow's own links."""
        return str(self.flow.source.key)


def open_workbench(
    flow: Flow,
    fence: Callable[[], datetime],
    *,
    lease: Lease | None = None,
    source_id: str = "",
) -> Workbench:
    """Open both sides. Before each call that changes something the lease is asked, or the fence where there is none; before any call
    the database connection goes back to its pool: a call may take a minute.
    """
    exchanges: list[Exchange] = []
    asked = lease.held_until if lease else fence
    secrets = stored_secrets(flow.source, flow.destination)

    def before_call(effect: Effect) -> Callable[[], None] | None:
        until = None if effect is Effect.READ else asked()
        leave_database()
        return None if until is None else partial(_still_ours, until)

    def side(connection: Connection, choices: Mapping[str, Any] | None = None) -> Side:
        try:
            known = unpacked(connection, secrets)
            api = open_api(connection, record=exchanges.append, before_call=before_call, choices=choices, secrets=known)
        except Unauthorised as problem:  # a secret that cannot be read waits for a person like one that is refused
            mark_reauthorise(connection, problem.message)
            raise
        return Side(connection, get_connector(connection.platform), api)

    recipe = RECIPES[flow.recipe]
    context = context_of(flow, timezone.now())
    source, destination = side(flow.source, source_choices(flow)), side(flow.destination)
    return Workbench(flow, recipe, source, destination, context, fence, source_id, lease, exchanges=exchanges)


def _still_ours(until: datetime) -> None:
    """The lease as we last saw it, at the moment when the bytes leave."""
    if until <= timezone.now():
        raise LeaseLost("the lease ran out before the call left")


@contextmanager
def calling(side: Side) -> Iterator[Api]:
    """Calls to one side. A refused credential marks that connection: it waits for a person, and so do its jobs."""
    try:
        yield side.api
    except Unauthorised as problem:
        mark_reauthorise(side.connection, problem.message)
        raise
