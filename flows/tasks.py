"""Celery's way in: each task is a few lines, takes ids, returns nothing and never raises."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import shared_task
from django.conf import settings

from counting.tally import flush_sometimes
from credentials.waiting import leave_database

logger = logging.getLogger(__name__)


def quiet_task(name: str, **options: Any) -> Callable[[Callable[..., None]], Any]:
    """A task that logs a defect instead of raising it: Celery would only lose or repeat it, our rows do better."""

    def wrap(function: Callable[..., None]) -> Any:
        @wraps(function)
        def task(*args: Any) -> None:
            try:
                function(*args)
            except Exception:
                logger.exception("%s failed", name)
            finally:
                flush_sometimes()
                leave_database()

        return shared_task(name=f"flows.tasks.{name}", ignore_result=True, **options)(task)

    return wrap


@quiet_task("drain", expires=60)
def drain() -> None:
    """Work on due jobs until there are none."""
    from flows.drain import drain_jobs

    drain_jobs()


@quiet_task("sweep", expires=10)
def sweep() -> None:
    """Pick up what was left lying."""
    from flows.sweep import sweep as sweep_now

    sweep_now()


@quiet_task("poll", expires=300)
def poll(flow_id: int) -> None:
    """Look for changes that no webhook told of."""
    from flows.polling import poll_flow

    poll_flow(flow_id)


@quiet_task("walk_backfills", expires=300)
def walk_backfills() -> None:
    """Go on with unfinished backfills, and with what was asked to be looked at with today's mappings."""
    from flows.bulk.looking import walk_looks
    from flows.polling import walk_backfills as walk_now

    walk_now()
    walk_looks()


@quiet_task("check_subscriptions", expires=300)
def check_subscriptions() -> None:
    """Look after every webhook registration."""
    from flows.subscriptions import check_all

    check_all()


@quiet_task("tell_alerts", expires=60)
def tell_alerts() -> None:
    """Tell people of alerts, and of their end."""
    from flows.alerting.delivering import tell_alerts as tell_now

    tell_now()


@quiet_task("upkeep", expires=3600)
def upkeep() -> None:
    """Once a day: access that nobody used, retention."""
    from flows.upkeep import keep_access_alive, prune_old

    keep_access_alive()
    prune_old(settings.RETENTION_DAYS_EVENTS, settings.RETENTION_DAYS_AUDIT)


@quiet_task("reconcile_all", expires=3600)
def reconcile_all() -> None:
    """Once a night: compare both sides of every flow."""
    from flows.reconcile import reconcile_all as reconcile_now

    reconcile_now()


@quiet_task("walk_comparisons", expires=300)
def walk_comparisons() -> None:
    """Compare what a person asked for, and what a worker left unfinished."""
    from flows.asking import walk_comparisons as walk_now

    walk_now()


@quiet_task("mail_comparisons", expires=300)
def mail_comparisons() -> None:
    """Tell those who want it how both sides compare, once a day or week."""
    from flows.comparisons.mailing import mail_comparisons as mail_now

    mail_now()


@quiet_task("verify_audit", expires=3600)
def verify_audit(check_id: int) -> None:
    """A person asked whether the audit is as it was sealed."""
    from flows.verifying import verify_asked

    verify_asked(check_id)
