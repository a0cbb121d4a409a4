"""What is called what: names that the last records use, each with a proposal and its reason, saved together when a person says so."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit.console.buttons import Said, tell
from connectors.kit.errors import SyncError
from flows.admin.setting_up.path import again, go_on, show
from flows.mapping.items import map_item
from flows.mapping.values import map_value
from flows.models import Flow, ItemMapping, SetUp, ValueMapping
from flows.setting_up.proposals import ITEM, LOOKS, Group, Proposal, groups_of
from flows.setting_up.steps import MAPPINGS


def mappings(request: HttpRequest, row: SetUp) -> HttpResponse:
    """GET proposes, POST saves what was filled in. Names that come up later can be mapped at any time."""
    if row.flow is None:
        return again(row, MAPPINGS)
    groups, problem = _groups(row.flow)
    if request.method == "POST":
        refused = _save_all(request, row.flow, groups)
        return again(row, MAPPINGS) if refused else go_on(request, row, MAPPINGS)
    return show(request, row, MAPPINGS, {"groups": groups, "problem": problem, "looks": LOOKS})


def _groups(flow: Flow) -> tuple[list[Group], str]:
    try:
        return groups_of(flow, timezone.now()), ""
    except SyncError as problem:
        return [], problem.message


def _save_all(request: HttpRequest, flow: Flow, groups: list[Group]) -> int:
    """Only what was proposed can be saved here, and only what is new is. Returns how many could not be."""
    saved = refused = 0
    for proposal in [one for group in groups for one in group.proposals]:
        value = request.POST.get(f"{proposal.kind}:{proposal.source}", "").strip()
        if not value or (proposal.mapped and value == proposal.value):
            continue
        try:
            _save(request, flow, proposal, value)
            saved += 1
        except (SyncError, KeyError) as problem:
            why = problem.message if isinstance(problem, SyncError) else "The books do not list that item."
            tell(request, Said(f"{proposal.name} was not mapped: {why}", ok=False))
            refused += 1
    if saved:
        tell(request, Said(f"{saved} mapping{'s' if saved > 1 else ''} saved."))
    return refused


def _save(request: HttpRequest, flow: Flow, proposal: Proposal, value: str) -> None:
    person = request.user.get_username()
    mapping: ItemMapping | ValueMapping
    if proposal.kind == ITEM:
        mapping, new, _ = map_item(flow, proposal.source, value, person)
    else:
        mapping, new, _ = map_value(flow, proposal.kind, proposal.source, value, person)
    page: Any = admin.site.get_model_admin(type(mapping))
    (page.log_addition if new else page.log_change)(request, mapping, "Chosen while the flow was set up.")
