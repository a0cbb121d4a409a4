"""The operator's mappings, editable in their lists; saving one lets the jobs go on that waited for it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from audit.console.buttons import Said, tell
from audit.console.generics import AnyForm
from credentials.console import ScopedAdmin
from flows.admin.parts import flow_filter
from flows.models import FieldMapping, ValueMapping
from flows.recipes.contract import FieldRule
from flows.recipes.fields import TRANSFORMS, problem_with, targets
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
        released = mapping_saved(row, request.user.get_username())
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


class FieldMappingForm(AnyForm):
    """A rule that cannot work would stop every order of the flow."""

    target = forms.ChoiceField(choices=[(name, name) for name in targets()])
    transform = forms.ChoiceField(choices=[(name, name or "-") for name in TRANSFORMS], required=False)

    class Meta:
        model = FieldMapping
        fields = ("flow", "target", "expression", "transform", "default")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        asked = {**self.cleaned_data}
        rule = FieldRule(asked.get("target") or self.instance.target, asked.get("expression", ""), asked.get("transform", ""))
        wrong = problem_with(rule)
        if wrong and not self.errors:
            raise forms.ValidationError(wrong)
        return cleaned


@admin.register(FieldMapping)
class FieldMappingAdmin(MappingAdmin):
    """Which field from where."""

    form = FieldMappingForm
    identity = ("target",)
    list_display = ("target", "flow", "expression", "transform", "default")
    list_editable = ("default",)
    search_fields = ("target", "expression")
    fields = ("flow", "target", "expression", "transform", "default")
