"""The first step: from where to where, and what a flow between them does. It is where a path begins, and where it is thrown away."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.console.buttons import Said, tell
from connectors.registry import get_connector
from credentials.access import visible_organizations
from credentials.models import Organization
from flows.admin.setting_up.path import address, go_on, must_be_allowed, note, set_up_of, show
from flows.models import SetUp
from flows.setting_up.ends import platforms_from, platforms_to, recipes_between
from flows.setting_up.steps import ENDS, SOURCE, reached

_CHOOSE = ("", "Choose ...")


class PlatformsForm(forms.Form):
    """Asked first, because it decides what there is to choose."""

    source = forms.ChoiceField(label="From", help_text="Where the records are made.")
    destination = forms.ChoiceField(label="To", help_text="Where they should arrive.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, known in (("source", platforms_from()), ("destination", platforms_to())):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [_CHOOSE, *known]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        source, destination = self.cleaned_data.get("source"), self.cleaned_data.get("destination")
        if source and destination and not recipes_between(source, destination):
            reader, writer = get_connector(source), get_connector(destination)
            read = ", ".join(kind.plural for kind in reader.reads)
            self.add_error("destination", f"{writer.label} takes nothing of what {reader.label} has ({read}). Choose another one.")
        return cleaned


class RecipeForm(forms.Form):
    """What the flow does, and for whom."""

    recipe = forms.ChoiceField(label="What should it do?", widget=forms.RadioSelect)
    organization = forms.ModelChoiceField(Organization.objects.none(), label="For", empty_label=None)

    def __init__(self, *args: Any, source: str, destination: str, organizations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        recipe, organization = self.fields["recipe"], self.fields["organization"]
        if isinstance(recipe, forms.ChoiceField) and isinstance(organization, forms.ModelChoiceField):
            found = recipes_between(source, destination)
            recipe.choices = [(one.name, one.label) for one in found]
            recipe.initial = found[0].name if found else ""
            organization.queryset = organizations
            organization.initial = organizations.first()


def begin(request: HttpRequest) -> HttpResponse:
    """A new path: choose both ends (by GET, nothing is stored), then what to do (which makes the row)."""
    must_be_allowed(request)
    asked = request.POST if request.method == "POST" else request.GET
    platforms = PlatformsForm(asked if "source" in asked else None)
    recipe: RecipeForm | None = None
    if platforms.is_bound and platforms.is_valid():
        recipe = _recipe_form(request, platforms)
        if recipe.is_bound and recipe.is_valid():
            row = _made(request, platforms, recipe)
            return go_on(request, row, ENDS)
    words = {one.name: one.in_words for one in _recipes(platforms)}
    context = {"title": "Set up a flow", "platforms": platforms, "form": recipe, "words": words}
    return TemplateResponse(request, "admin/setting_up/begin.html", {**admin.site.each_context(request), **context})


def _recipes(platforms: PlatformsForm) -> Any:
    chosen = platforms.cleaned_data if platforms.is_bound and platforms.is_valid() else {}
    return recipes_between(chosen.get("source", ""), chosen.get("destination", ""))


def _recipe_form(request: HttpRequest, platforms: PlatformsForm) -> RecipeForm:
    return RecipeForm(
        request.POST if request.method == "POST" else None,
        source=platforms.cleaned_data["source"],
        destination=platforms.cleaned_data["destination"],
        organizations=visible_organizations(request.user).order_by("name"),
    )


def _made(request: HttpRequest, platforms: PlatformsForm, recipe: RecipeForm) -> SetUp:
    person = request.user.get_username()
    row = SetUp.objects.create(
        organization=recipe.cleaned_data["organization"],
        recipe=recipe.cleaned_data["recipe"],
        source_platform=platforms.cleaned_data["source"],
        destination_platform=platforms.cleaned_data["destination"],
        step=SOURCE,
        started_by=person,
        changed_by=person,
    )
    note(request, row, "begin set-up", "Begun.")
    return row


def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Where it was left."""
    row = set_up_of(request, pk)
    return HttpResponseRedirect(address(row, reached(row)))


def ends(request: HttpRequest, row: SetUp) -> HttpResponse:
    """What was chosen; other ends are another path."""
    if request.method == "POST":
        return go_on(request, row, ENDS)
    return show(request, row, ENDS, {})


def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first; then only the path goes, never a connection or a flow."""
    row = set_up_of(request, pk)
    if request.method != "POST":
        context = {**admin.site.each_context(request), "title": "Discard this set-up?", "row": row}
        return TemplateResponse(request, "admin/setting_up/discard.html", context)
    note(request, row, "discard set-up", "Discarded.")
    row.delete()
    tell(request, Said(f"The set-up {row} was discarded. Connections and flows that it made are still there."))
    return HttpResponseRedirect(reverse("admin:index"))
