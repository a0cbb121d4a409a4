"""The whole beat table on one screen. Polling is per flow and lives beside it (flows/schedules.py)."""

from __future__ import annotations

from celery.schedules import crontab


def beat_table(sweep_seconds: float) -> dict[str, dict[str, object]]:
    """Every periodic task with its schedule (seconds, or a crontab in UTC)."""
    return {
        "sweep": {"task": "flows.tasks.sweep", "schedule": sweep_seconds},
        "walk backfills": {"task": "flows.tasks.walk_backfills", "schedule": 15.0},
        "walk comparisons": {"task": "flows.tasks.walk_comparisons", "schedule": 15.0},
        "check subscriptions": {"task": "flows.tasks.check_subscriptions", "schedule": 300.0},
        "tell alerts": {"task": "flows.tasks.tell_alerts", "schedule": 30.0},
        "reconcile": {"task": "flows.tasks.reconcile_all", "schedule": crontab(hour="3", minute="10")},
        "mail comparisons": {"task": "flows.tasks.mail_comparisons", "schedule": crontab(minute="*/10")},
        "upkeep": {"task": "flows.tasks.upkeep", "schedule": crontab(hour="4", minute="20")},
    }
