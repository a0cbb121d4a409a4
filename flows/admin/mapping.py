"""The operator's mappings, editable in their lists; saving one lets the jobs go on that waited for it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from audit.console.buttons import Said, tell
from credentials.console import ScopedAdmin
from flows.admin.parts import flow_filter
from flows.models import ValueMapping
from flows.releasing import mapping_saved, subject_of


class MappingAdmin(ScopedAdmin):
    """What identifies a mapping stays as it was made."""

    identity: tuple[str, ...] = ()
    organization_path = "flow__organization"
    list_select_related = ("flow",)
    list_filter: ClassVar[tuple[Any, ...]] = (flow_filter(),)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self._release(request, obj)

    def _release(self, request: HttpRequest, row: Any) -> None:
        self._released(request, row, mapping_saved(row, request.user.get_username()))

    def _released(self, request: HttpRequest, row: Any, released: int) -> None:
        if released:
            tell(request, Said(f"{row}: {released} waiting job(s) go on with it now."))
            self.record(request, "release jobs", row, f"{released} job(s) that waited for {subject_of(row)} go on.")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("flow", *self.identity)


@admin.register(ValueMapping)
class ValueMappingAdmin(MappingAdmin):
    """Taxes, payment methods, statuses, accounts."""

    identity = ("kind", "source")
    list_display = ("source", "kind", "flow", "target")
    list_editable = ("target",)
    list_filter = (flow_filter(), "kind")
    search_fields = ("source", "target")
    fields = ("flow", "kind", "source", "target")
