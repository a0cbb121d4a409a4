"""What the console's sidebar shows: rooms named for what people do there, not for the programs behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is no list of rows. permission: who may open it."""

    title: str
    view: str
    permission: str

    @property
    def entry(self) -> dict[str, Any]:
        """As Django's sidebar template wants it."""
        return {
            "name": self.title,
            "object_name": self.view,
            "admin_url": reverse(f"admin:{self.view}"),
            "add_url": None,
            "view_only": True,
        }


ROOMS: Mapping[str, tuple[str | Page, ...]] = {
    "Orders": ("flows.syncrecord", "flows.syncjob", "flows.bulkrun"),
    "Mappings": (
        Page("Unmapped SKUs", "flows_itemmapping_unmapped", "flows.add_itemmapping"),
        "flows.itemmapping",
        Page("Unmapped values", "flows_valuemapping_unmapped", "flows.add_valuemapping"),
        "flows.valuemapping",
        "flows.fieldmapping",
    ),
    "Checks": ("flows.comparison", "audit.alert", "flows.alerttarget", "audit.auditrecord", "audit.auditseal"),
    "Connections": (
        Page("Set up a flow", "set-up", "flows.set_up_flow"),
        "credentials.connection",
        "flows.flow",
        Page("Webhooks and schedules", "flows_subscription_everything", "flows.view_subscription"),
        "flows.backfill",
    ),
    "People": (
        "credentials.organization",
        "credentials.membership",
        "credentials.invitation",
        "credentials.apitoken",
        "flows.privacycase",
    ),
}
THE_REST = "Behind the scenes"


def rooms_of(request: HttpRequest, apps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Django's list of apps, sorted into rooms; what no room names comes last, so that nothing is ever missing."""
    models = {f"{app['app_label']}.{model['object_name'].lower()}": model for app in apps for model in app["models"]}
    rooms = [_room(title, [found for entry in entries if (found := _found(request, entry, models))]) for title, entries in ROOMS.items()]
    named = {entry for entries in ROOMS.values() for entry in entries if isinstance(entry, str)}
    rooms.append(_room(THE_REST, [model for key, model in models.items() if key not in named]))
    return [room for room in rooms if room["models"]]


def _found(request: HttpRequest, entry: str | Page, models: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    if isinstance(entry, str):
        return models.get(entry)
    return entry.entry if request.user.has_perm(entry.permission) else None


def _room(title: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": title, "app_label": title.lower().replace(" ", "-"), "app_url": "", "has_module_perms": True, "models": entries}
