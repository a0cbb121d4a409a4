"""Field rules: what fills a field of the books, kept with every version and who made it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.console.generics import AnyForm
from flows.admin.sheets import SheetAdmin
from flows.mapping.rules import delete_rule, problem_in, rule_of, save_rule
from flows.mapping.sheets.resources import FieldMappingResource
from flows.models import FieldMapping
from flows.recipes.contract import FieldRule
from flows.recipes.fields import TRANSFORMS, targets
from flows.recipes.updating import MODES, OVERWRITE


class FieldMappingForm(AnyForm):
    """A rule that cannot work would stop every order of the flow."""

    target = forms.ChoiceField(choices=[(name, name) for name in targets()])
    transform = forms.ChoiceField(choices=[(name, name or "-") for name in TRANSFORMS], required=False)

    mode = forms.ChoiceField(choices=list(MODES.items()), required=False, label="When updating")

    class Meta:
        model = FieldMapping
        fields = ("flow", "target", "expression", "transform", "default", "mode")

    def clean_mode(self) -> str:
        return self.cleaned_data.get("mode") or OVERWRITE

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        asked = {**self.cleaned_data}
        flow = asked.get("flow") or getattr(self.instance, "flow", None)
        rule = FieldRule(
            asked.get("target") or self.instance.target,
            asked.get("expression", ""),
            asked.get("transform", ""),
            asked.get("default", ""),
            asked.get("mode", ""),
        )
        if not self.errors and flow and (wrong := problem_in(flow, rule)):
            raise forms.ValidationError(wrong)
        return cleaned


@admin.register(FieldMapping)
class FieldMappingAdmin(SheetAdmin):
    """Which field from where."""

    form = FieldMappingForm
    resource = FieldMappingResource
    identity = ("target",)
    list_display = ("target", "flow", "expression", "transform", "default", "mode")
    search_fields = ("target", "expression")
    fields = ("flow", "target", "expression", "transform", "default", "mode")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        row, released = save_rule(obj.flow, rule_of(obj), request.user.get_username())
        obj.pk = row.pk
        self._released(request, row, released)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_rule(obj, request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            delete_rule(row, request.user.get_username())
