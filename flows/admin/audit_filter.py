"""The form above the audit: person, organization, connection, outcome and period narrow the list, and the export with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.contrib.admin import ListFilter
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.models import Outcome
from credentials.access import limit_to, visible_organizations
from credentials.console import CHOICES_AT_MOST
from credentials.models import Connection

MACHINES = ("worker", "inbox", "poll")
Choices = Sequence[tuple[str, str]]


class FilterForm(forms.Form):
    """All of it is optional; the names are those of the address."""

    person = forms.CharField(label="Person", required=False, max_length=150, widget=forms.TextInput(attrs={"list": "people"}))
    organization = forms.ChoiceField(label="Organization", required=False)
    connection = forms.ChoiceField(label="Connection", required=False)
    outcome = forms.ChoiceField(label="Outcome", required=False, choices=[("", "any"), *Outcome.choices])
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, given: dict[str, Any], request: HttpRequest) -> None:
        super().__init__(given, label_suffix="")
        connections = limit_to(request.user, Connection.objects.all())[:CHOICES_AT_MOST]
        organizations = visible_organizations(request.user)[:CHOICES_AT_MOST]
        self._choose("connection", [(str(row.pk), row.label) for row in connections])
        self._choose("organization", [(str(row.pk), row.name) for row in organizations])
        if len(organizations) < 2:
            del self.fields["organization"]
        colleagues = User.objects.filter(memberships__organization__in=organizations.values("pk")) if organizations else User.objects.none()
        self.people = [*colleagues.order_by("username").values_list("username", flat=True).distinct()[:CHOICES_AT_MOST], *MACHINES]

    def _choose(self, name: str, choices: Choices) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "any"), *choices]

    def narrow(self, records: QuerySet[Any]) -> QuerySet[Any]:
        """Only what fits; nothing when something in the form cannot be."""
        if not self.is_valid():
            return records.none()
        wanted = {lookup: value for name, lookup in _LOOKUPS.items() if (value := self.cleaned_data.get(name))}
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        if since:
            wanted["at__gte"] = _midnight(since)
        if until:
            wanted["at__lte"] = datetime.combine(until, time.max, UTC)
        return records.filter(**wanted)


_LOOKUPS = {"person": "actor", "organization": "organization_id", "connection": "connection_id", "outcome": "outcome"}


class RecordsFilter(ListFilter):
    """Carries the form through Django's list; the page shows it above the table instead of beside it."""

    title = "what is wanted"
    parameter_names = tuple(FilterForm.base_fields)

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.expected_parameters():
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.form = FilterForm(self.used_parameters, request)

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameter_names)

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return self.form.narrow(queryset)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
