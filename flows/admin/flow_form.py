"""The form of a flow: first which recipe between which connections, then the recipe's options in plain words."""

from __future__ import annotations

from typing import Any

from django import forms

from audit.console.generics import AnyForm
from connectors.kit.errors import NeedsAttention
from credentials.setting_fields import collect, field_of
from flows.models import Flow
from flows.pairing import problem_with_pair
from flows.recipes import RECIPES
from flows.recipes.options import day, left_open
from flows.selectors import settings_for

OPTION = "option_"
FASTEST = 30  # seconds between two polls of one flow


def _label_clash(flow: Flow) -> bool:
    """The page shows the organization without editing it, so Django leaves this constraint out."""
    return Flow.objects.filter(organization_id=flow.organization_id, label=flow.label).exclude(pk=flow.pk).exists()


class NewFlowForm(AnyForm):
    """The first step. The flow starts switched off: its options are chosen before anything is written."""

    recipe = forms.ChoiceField(choices=[(name, recipe.label) for name, recipe in RECIPES.items()], label="What it does")

    class Meta:
        model = Flow
        fields = ("label", "recipe", "source", "destination")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        asked = self.cleaned_data
        source, destination = asked.get("source"), asked.get("destination")
        if not (source and destination and "recipe" in asked and "label" in asked):
            return cleaned
        problem = problem_with_pair(asked["recipe"], source, destination)
        if problem:
            raise forms.ValidationError(problem)
        self.instance.organization, self.instance.label, self.instance.enabled = source.organization, asked["label"], False
        if _label_clash(self.instance):
            self.add_error("label", "Another flow of this organization has this name.")
        return cleaned


class FlowForm(AnyForm):
    """The second step; made by form_for, which adds the recipe's options."""

    poll_seconds = forms.IntegerField(
        label="Look for changes every",
        min_value=0,
        max_value=86_400,
        help_text=f"Seconds, at least {FASTEST}; 0 relies on webhooks alone.",
    )

    changed_options = False

    class Meta:
        model = Flow
        fields = ("label", "poll_seconds")

    def clean_poll_seconds(self) -> int:
        seconds = int(self.cleaned_data["poll_seconds"])
        if 0 < seconds < FASTEST:
            raise forms.ValidationError(f"At least {FASTEST} seconds, or 0 for never.")
        return seconds

    def clean_label(self) -> str:
        label = str(self.cleaned_data["label"])
        if _label_clash(Flow(pk=self.instance.pk, organization_id=self.instance.organization_id, label=label)):
            raise forms.ValidationError("Another flow of this organization has this name.")
        return label

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        problem = problem_with_pair(self.instance.recipe, self.instance.source, self.instance.destination)
        if problem:
            raise forms.ValidationError(problem)
        start = OPTION + "start_date"
        if start in self.cleaned_data:
            try:
                day({"start_date": self.cleaned_data[start]}, "start_date")
            except NeedsAttention:
                self.add_error(start, "Write a date like 2026-07-31.")
        chosen = {name.removeprefix(OPTION): value for name, value in self.cleaned_data.items() if name.startswith(OPTION)}
        for name, asks in left_open(chosen).items():
            self.add_error(OPTION + name, asks)
        return cleaned

    def save(self, commit: bool = True) -> Flow:
        before = self.instance.options
        self.instance.options = collect(settings_for(self.instance), self.cleaned_data, OPTION, self.instance.options)
        self.changed_options = self.instance.options != before
        saved: Flow = super().save(commit)
        return saved


def form_for(flow: Flow) -> type[FlowForm]:
    """The form with the options of this flow."""
    options = settings_for(flow)
    return type("FlowForm", (FlowForm,), {OPTION + s.name: field_of(s, flow.options.get(s.name)) for s in options})


def option_names(flow: Flow) -> list[str]:
    """The names of the option fields."""
    return [OPTION + setting.name for setting in settings_for(flow)]
