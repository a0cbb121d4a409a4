"""Switching a flow on and off."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from audit.alerts import close_alert
from connectors.kit.errors import NeedsAttention
from flows.models import Flow, SyncCursor
from flows.pairing import problem_with_pair
from flows.polling import FIRST_LOOK_BACK
from flows.schedules import schedule_poll


def switch(flow: Flow, *, on: bool) -> None:
    """On: events make jobs and polling runs. Raises NeedsAttention when its connections cannot do what it needs."""
    problem = problem_with_pair(flow.recipe, flow.source, flow.destination) if on else ""
    if problem:
        raise NeedsAttention(problem, code="bad_pair")
    with transaction.atomic():
        flow.enabled = on
        flow.save(update_fields=["enabled"])
        schedule_poll(flow)
        if on:  # from now on nothing is missed, however late the first poll comes
            SyncCursor.objects.get_or_create(flow=flow, defaults={"watermark": timezone.now() - FIRST_LOOK_BACK})
    if not on:
        close_alert(flow.organization_id, f"poll:{flow.pk}")
