"""Workers that die at a named place, or lose their job there; and what the sweep then makes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from flows.jobs.claim import claim
from flows.jobs.crashed import release_expired
from flows.jobs.queue import Wanted, enqueue
from flows.models import ExternalLink, SyncJob
from flows.models.job import Priority
from flows.pipeline import load, run
from flows.pipeline.run import run_job
from tests.flows.conftest import Town


class Died(BaseException):
    """The worker is gone: nothing after this place runs, no handler sees it."""


def queue(town: Town, order: dict[str, Any], priority: Priority = Priority.WEBHOOK, **wish: Any) -> None:
    enqueue([Wanted(town.orders.pk, ObjectType.ORDER, str(order["id"]), priority, "test", **wish)], timezone.now())


def runs_once(town: Town) -> object:
    """Run the job that is due; what its run answers."""
    lease = claim(timezone.now())
    assert lease is not None
    return run_job(lease)


def at_point(patch: pytest.MonkeyPatch, name: str, object_type: str, happens: Callable[[], None], nth: int = 1) -> None:
    """Let this happen once, when that place is passed for the nth time while there is a link of the object type."""
    passed: list[str] = []

    def point(here: str) -> None:
        if here == name and ExternalLink.objects.filter(object_type=object_type).exists():
            passed.append(here)
            if len(passed) == nth:
                happens()

    for module in (load, run):
        patch.setattr(module, "point", point)


def dies(town: Town, name: str, object_type: str = "invoice", nth: int = 1) -> None:
    """The worker of the due job dies there, and its lease runs out."""

    def die() -> None:
        raise Died

    with pytest.MonkeyPatch.context() as patch:
        at_point(patch, name, object_type, die, nth)
        with pytest.raises(Died):
            runs_once(town)
    lease_over()


def lease_over() -> None:
    SyncJob.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1))


def settle() -> None:
    """The time after which a lost effect would show has passed."""
    ExternalLink.objects.filter(state="intended").update(intended_at=timezone.now() - timedelta(hours=1), in_doubt_until=None)


def found_by_the_sweep(town: Town) -> SyncJob:
    """The dead worker's job goes back and is run when all has settled; the flow's newest job."""
    assert release_expired(timezone.now()) == 1
    settle()
    town.due_now()
    town.work()
    return SyncJob.objects.filter(flow=town.orders).latest("pk")


def links(**fields: Any) -> list[tuple[str, str]]:
    found = ExternalLink.objects.filter(**fields).exclude(object_type__in=["customer", "product"])
    return list(found.order_by("object_type", "id").values_list("object_type", "state"))
