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
from flows.setting_up.proposals import ITEM, LOOKS, Group, groups_of, kinds_for
from flows.setting_up.steps import MAPPINGS


def mappings(request: HttpRequest, row: SetUp) -> HttpResponse:
    """GET proposes, POST saves what was filled in. Names that come up later can be mapped at any time."""
    if row.flow is None:
        return again(row, MAPPINGS)
    if request.method == "POST":
        refused = _save_all(request, row.flow)
        return again(row, MAPPINGS) if refused else go_on(request, row, MAPPINGS)
    groups, problem = _groups(row.flow)
    return show(request, row, MAPPINGS, {"groups": groups, "problem": problem, "looks": LOOKS})


def _groups(flow: Flow) -> tuple[list[Group], str]:
    try:
        return groups_of(flow, timezone.now()), ""
    except SyncError as problem:
        return [], problem.message


def _save_all(request: HttpRequest, flow: Flow) -> int:
    """Each "kind:name" of the form as it was shown, whatever the source would say by now; "was:kind:name" is what was mapped then. What
    somebody else has mapped meanwhile stays. Returns how many could not be saved.
    """
    held = _held(flow, [name.partition(":")[2] for name in request.POST])
    saved = removed = refused = 0
    for name, typed in request.POST.items():
        kind, _, source = name.partition(":")
        value, row, was = str(typed).strip(), held.get(name), str(request.POST.get(f"was:{name}", ""))
        if kind not in kinds_for(flow.recipe) or value in (was, _value(row)):
            continue
        if was != _value(row):
            tell(request, Said(f"{source} was mapped by somebody else while this page was open; that stays.", ok=False))
        elif not value and row is not None:
            _remove(request, row)
            removed += 1
        elif why := _refusal(request, flow, kind, source, value):
            tell(request, Said(f"{source} was not mapped: {why}", ok=False))
            refused += 1
        else:
            saved += 1
    told = [f"{count} mapping{'s' if count > 1 else ''} {what}." for count, what in ((saved, "saved"), (removed, "removed")) if count]
    if told:
        tell(request, Said(" ".join(told)))
    return refused


def _held(flow: Flow, sources: list[str]) -> dict[str, ItemMapping | ValueMapping]:
    """What is mapped already, by the names of the form."""
    items = {f"{ITEM}:{row.sku}": row for row in ItemMapping.objects.filter(flow=flow, sku__in=sources)}
    return {**items, **{f"{row.kind}:{row.source}": row for row in ValueMapping.objects.filter(flow=flow, source__in=sources)}}


def _value(row: ItemMapping | ValueMapping | None) -> str:
    if row is None:
        return ""
    return row.item_id if isinstance(row, ItemMapping) else row.target


def _refusal(request: HttpRequest, flow: Flow, kind: str, source: str, value: str) -> str:
    """ "" when it is saved; else why it cannot be."""
    person = request.user.get_username()
    mapping: ItemMapping | ValueMapping
    try:
        if kind == ITEM:
            mapping, new, _ = map_item(flow, source, value, person)
        else:
            mapping, new, _ = map_value(flow, kind, source, value, person)
    except SyncError as problem:
        return problem.message
    except KeyError:
        return "The books do not list that item."
    page: Any = admin.site.get_model_admin(type(mapping))
    (page.log_addition if new else page.log_change)(request, mapping, "Chosen while the flow was set up.")
    return ""


def _remove(request: HttpRequest, row: ItemMapping | ValueMapping) -> None:
    page: Any = admin.site.get_model_admin(type(row))
    page.log_deletions(request, [row])
    row.delete()
