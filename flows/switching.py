"""Switching a flow on and off."""

from __future__ import annotations

from django.db import transaction

from audit.alerts import close_alert
from connectors.kit.errors import NeedsAttention
from flows.models import Flow
from flows.pairing import problem_with_pair
from flows.polling import read_from_now
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
        if on:
            read_from_now(flow)
    if not on:
        close_alert(flow.organization_id, f"poll:{flow.pk}")
