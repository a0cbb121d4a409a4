"""All that one run of one job works with: its flow, its lease, both sides' APIs and the evidence it collects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Connector
from connectors.kit.errors import Unauthorised
from connectors.kit.http import Api, Effect, Exchange
from connectors.registry import get_connector
from credentials.models import Connection
from credentials.services import mark_reauthorise, open_api
from flows.jobs.claim import LeaseLost
from flows.models import Flow
from flows.recipes import RECIPES
from flows.recipes.contract import Context, Recipe
from flows.selectors import context_of


@dataclass
class Side:
    """One end of a flow: the connection, its connector, an open API."""

    connection: Connection
    connector: Connector
    api: Api


@dataclass
class Workbench:
    """Made anew for each run. fence is asked before every call that changes something; exchanges is the evidence so far."""

    flow: Flow
    recipe: Recipe[Any, Any]
    source: Side
    destination: Side
    context: Context
    fence: Callable[[], datetime]
    source_id: str = ""
    job_id: int | None = None
    lease_token: str = ""
    now: Callable[[], datetime] = timezone.now
    exchanges: list[Exchange] = field(default_factory=list)
    confirmed: dict[tuple[ObjectType, str], str] = field(default_factory=dict)  # what this run wrote: its remote ids

    def take_evidence(self) -> list[Exchange]:
        """The exchanges since the last time, as evidence of one step."""
        taken, self.exchanges[:] = list(self.exchanges), []
        return taken

    @property
    def scope(self) -> str:
        """The scope of this flow's own links."""
        return str(self.flow.source.key)


def open_workbench(
    flow: Flow, fence: Callable[[], datetime], *, source_id: str = "", job_id: int | None = None, lease_token: str = ""
) -> Workbench:
    """Open both sides. Before each call out, the database connection goes back to its pool: a call may take a minute."""
    exchanges: list[Exchange] = []

    def before_call(effect: Effect) -> Callable[[], None] | None:
        until = None if effect is Effect.READ else fence()
        leave_database()
        return None if until is None else partial(_still_ours, until)

    def side(connection: Connection) -> Side:
        try:
            api = open_api(connection, record=exchanges.append, before_call=before_call)
        except Unauthorised as problem:  # a secret that cannot be read waits for a person like one that is refused
            mark_reauthorise(connection, problem.message)
            raise
        return Side(connection, get_connector(connection.platform), api)

    recipe = RECIPES[flow.recipe]
    context = context_of(flow, timezone.now())
    source, destination = side(flow.source), side(flow.destination)
    return Workbench(flow, recipe, source, destination, context, fence, source_id, job_id, lease_token, exchanges=exchanges)


def _still_ours(until: datetime) -> None:
    """The lease as we last saw it, at the moment when the bytes leave."""
    if until <= timezone.now():
        raise LeaseLost("the lease ran out before the call left")


def leave_database() -> None:
    """Hand a pooled connection back before waiting on somebody else, where the pool is smaller than the threads."""
    small = settings.DATABASE_POOL_SIZE < settings.WORKER_THREADS
    if small and database.vendor == "postgresql" and not database.in_atomic_block:
        database.close()


@contextmanager
def calling(side: Side) -> Iterator[Api]:
    """Calls to one side. A refused credential marks that connection: it waits for a person, and so do its jobs."""
    try:
        yield side.api
    except Unauthorised as problem:
        mark_reauthorise(side.connection, problem.message)
        raise
