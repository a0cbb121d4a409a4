"""Switching a flow on for the first time: from which day on, with its webhooks, its first poll, and what was before if that is wanted."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from django.db import transaction

from connectors.registry import get_connector
from flows.asking import ask_for_poll
from flows.listening.words import every_in_words
from flows.models import Flow, SetUp
from flows.polling import start_backfill
from flows.selectors import settings_for
from flows.setting_up.steps import FIRST
from flows.subscriptions import ensure_subscriptions
from flows.switching import switch


def has_start_date(flow: Flow) -> bool:
    """Whether the flow leaves alone what is older than a day of one's choice."""
    return any(option.name == "start_date" for option in settings_for(flow))


def how_it_hears(flow: Flow) -> str:
    """What a person is told before it is switched on."""
    hooks = get_connector(flow.source.platform).webhooks
    registered = f"Webhooks are registered at {flow.source}" if hooks is not None and not hooks.by_hand else ""
    looks = f"it looks for changes {every_in_words(flow.poll_seconds)}" if flow.poll_seconds else ""
    if registered or looks:
        return f"{registered}, and {looks} beside them." if registered and looks else f"{registered or looks.capitalize()}."
    return f"It hears of nothing before the webhook address is entered at {flow.source}."


def switch_on(path: SetUp, flow: Flow, first_day: date | None, since: datetime | None, now: datetime, person: str) -> list[str] | None:
    """On, and a backfill of all that changed since then where that is wanted; the path is at its end. Returns what did not work about the
    webhooks, which are tried again every five minutes; None when somebody else was faster. Raises NeedsAttention when its connections
    cannot do what it needs.
    """
    with transaction.atomic():
        mine = SetUp.objects.filter(pk=path.pk, finished_at=None)
        if not mine.update(finished_at=now, step=FIRST, changed_by=person, changed_at=now):
            return None
        if first_day is not None and has_start_date(flow):
            flow.options = {**flow.options, "start_date": first_day.isoformat()}
            flow.save(update_fields=["options"])
        switch(flow, on=True)
        if since is not None:
            start_backfill(flow, since, now, reason="the flow was switched on", asked_by=person)
        transaction.on_commit(partial(ask_for_poll, flow))
    return ensure_subscriptions(flow.source, person)
