"""Switching a flow on for the first time: from which day on, with its webhooks, its first poll, and what was before if that is wanted."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from django.db import transaction

from flows.asking import ask_for_poll
from flows.models import Flow
from flows.polling import start_backfill
from flows.selectors import settings_for
from flows.subscriptions import ensure_subscriptions
from flows.switching import switch


def has_start_date(flow: Flow) -> bool:
    """Whether the flow leaves alone what is older than a day of one's choice."""
    return any(option.name == "start_date" for option in settings_for(flow))


def switch_on(flow: Flow, first_day: date | None, since: datetime | None, now: datetime, person: str) -> list[str]:
    """On, and a backfill of all that changed since then where that is wanted. Returns what did not work about the webhooks, which are
    tried again every five minutes. Raises NeedsAttention when its connections cannot do what it needs.
    """
    with transaction.atomic():
        if first_day is not None and has_start_date(flow):
            flow.options = {**flow.options, "start_date": first_day.isoformat()}
            flow.save(update_fields=["options"])
        switch(flow, on=True)
        if since is not None:
            start_backfill(flow, since, now, reason="the flow was switched on", asked_by=person)
        transaction.on_commit(partial(ask_for_poll, flow))
    return ensure_subscriptions(flow.source, person)
