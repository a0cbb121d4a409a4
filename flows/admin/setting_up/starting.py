"""Switching the flow on, with a start date, and the page that shows the first record arriving."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit.console.buttons import Said, tell
from connectors.kit.errors import NeedsAttention
from flows.admin.flow_pages import days
from flows.admin.parts import proof_of, web_address
from flows.admin.setting_up.path import again, show
from flows.listening.words import every_in_words
from flows.models import Flow, SetUp
from flows.recipes import RECIPES
from flows.setting_up.arrival import arrival_of
from flows.setting_up.starting import has_start_date, how_it_hears, switch_on
from flows.setting_up.steps import FIRST, START


class StartForm(forms.Form):
    """From which day on, and whether what is there already comes along."""

    first_day = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}), required=False)
    backfill = forms.BooleanField(label="Also bring over what is there already since that day", required=False)

    def __init__(self, *args: Any, today: Any, needed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["first_day"].initial = today
        self.fields["first_day"].required = needed
        self.fields["first_day"].error_messages["required"] = "Say from which day on."

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        first = self.cleaned_data.get("first_day")
        if self.cleaned_data.get("backfill") and not first and "first_day" not in self.errors:
            self.add_error("first_day", "Say since which day.")
        if self.cleaned_data.get("backfill") and first and first > self.today:
            self.add_error(
                "first_day", "This day is still to come, so there is nothing yet to bring over. Untick the box, or take another day."
            )
        return cleaned


def start(request: HttpRequest, row: SetUp) -> HttpResponse:
    """POST switches the flow on: from then on its records are written."""
    flow, now = row.flow, timezone.now()
    if flow is None:
        return again(row, START)
    dated = has_start_date(flow)
    form = StartForm(request.POST if request.method == "POST" else None, today=now.astimezone(_zone(flow)).date(), needed=dated)
    if form.is_bound and form.is_valid():
        problem = _switched_on(request, row, flow, form, now)
        if not problem:
            return again(row, FIRST)
        form.add_error(None, problem)
    context = {"form": form, "flow": flow, "dated": dated, "kind": RECIPES[flow.recipe].source.plural, "hears": how_it_hears(flow)}
    return show(request, row, START, context)


def _zone(flow: Flow) -> ZoneInfo:
    try:
        return ZoneInfo(flow.source.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _switched_on(request: HttpRequest, row: SetUp, flow: Flow, form: StartForm, now: datetime) -> str:
    """ "" when it is on; else the sentence why it cannot be."""
    first = form.cleaned_data["first_day"]
    since = days(flow, first, first, now)[0] if form.cleaned_data["backfill"] and first else None
    try:
        problems = switch_on(row, flow, first, since, now, request.user.get_username())
    except NeedsAttention as refusal:
        return refusal.message
    if problems is None:
        tell(request, Said(f'"{flow}" was switched on a moment ago, with what was chosen then. This changed nothing.', ok=False))
        return ""
    said = f'"{flow}" is on' + (f", for what is from {first} on." if first and has_start_date(flow) else ".")
    more = f" All that changed since {first} is being read." if since else ""
    page: Any = admin.site.get_model_admin(Flow)
    page.record(request, "switch on", flow, said + more)
    tell(request, Said(said + more))
    for problem in problems:
        tell(request, Said(f"{problem} It is tried again every five minutes; until then polling brings what changes.", ok=False))
    return ""


def first(request: HttpRequest, row: SetUp) -> HttpResponse:
    """What came of it so far; looked at again by itself where scripts run."""
    flow = row.flow
    if flow is None:
        return again(row, FIRST)
    found = arrival_of(flow)
    context = {
        "flow": flow,
        "found": found,
        "kind": RECIPES[flow.recipe].source,
        "proof": proof_of(found.first) if found.first and found.first.exact is not None else None,
        "there": web_address(flow.destination, found.link.object_type, found.link.remote_id) if found.link else "",
        "every": every_in_words(flow.poll_seconds),
    }
    return show(request, row, FIRST, context)
