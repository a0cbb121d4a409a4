"""One beat entry per polled flow, editable in the admin like any other."""

from __future__ import annotations

import json

from django_celery_beat.models import IntervalSchedule, PeriodicTask

from flows.models import Flow


def entry_name(flow_id: int) -> str:
    """What a flow's beat entry is called."""
    return f"poll flow {flow_id}"


def schedule_poll(flow: Flow) -> None:
    """Make the flow's beat entry match its poll_seconds; called wherever a flow is saved."""
    name = entry_name(flow.pk)
    if not flow.poll_seconds:
        PeriodicTask.objects.filter(name=name).delete()
        return
    interval = _every(flow.poll_seconds)
    entry, _ = PeriodicTask.objects.get_or_create(
        name=name, defaults={"task": "flows.tasks.poll", "args": json.dumps([flow.pk]), "interval": interval, "enabled": flow.enabled}
    )
    if entry.interval_id != interval.pk or entry.enabled != flow.enabled:
        entry.interval, entry.enabled = interval, flow.enabled
        entry.save()


def _every(seconds: int) -> IntervalSchedule:
    """The interval of so many seconds. Its table has no unique key: two processes may each have made one, and either will do."""
    wanted = {"every": seconds, "period": IntervalSchedule.SECONDS}
    return IntervalSchedule.objects.filter(**wanted).order_by("pk").first() or IntervalSchedule.objects.create(**wanted)
