"""Console pages of rows that belong to an organization: lists, choices, filters and direct addresses show only one's own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.http import HttpRequest

from audit.console.base import ConsoleAdmin
from credentials.access import limit_to, visible_organizations
from credentials.models import Connection, Organization

CHOICES_AT_MOST = 200
LEADING_AT_MOST = 1000


class ScopedChoices:
    """Fields that point to another row offer only rows that the person may see. For pages and inlines, before their base."""

    admin_site: Any

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> forms.ModelChoiceField[Any]:
        page = self.admin_site._registry.get(db_field.related_model)
        if isinstance(page, ConsoleAdmin):
            kwargs["queryset"] = page.visible(request, db_field.related_model._default_manager.all())
        field: forms.ModelChoiceField[Any] = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        rows: Any = field.queryset
        if field.required and len(only := list(rows[:2])) == 1:  # nothing to choose
            field.initial, field.empty_label = only[0].pk, None
        return field

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Without the admin's pencil, plus and eye: they open another form within this one."""
        field: forms.Field | None = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


class ScopedAdmin(ScopedChoices, ConsoleAdmin):
    """organization_path leads from the row to its organization ("flow__organization")."""

    organization_path = "organization"

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without the organization for whoever works for one only: it says the same in each row, and the columns need the room."""
        columns = tuple(super().get_list_display(request))
        if "organization" in columns and len(visible_organizations(request.user)[:2]) < 2:
            return tuple(column for column in columns if column != "organization")
        return columns

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The ids of what leads to the organization are asked for first: with them at hand the database finds few rows among many."""
        step, _, rest = self.organization_path.partition("__")
        if not rest:
            return limit_to(request.user, queryset, self.organization_path)
        leading: Any = queryset.model._meta.get_field(step).related_model
        known = list(limit_to(request.user, leading._default_manager.order_by(), rest).values_list("pk", flat=True)[: LEADING_AT_MOST + 1])
        if len(known) > LEADING_AT_MOST:  # of somebody who sees nearly everything
            return limit_to(request.user, queryset, self.organization_path)
        return queryset.filter(**{f"{step}__in": known})

    def place_of(self, row: Any) -> dict[str, Any]:
        """Found by walking the path; also the connection on the way, if there is one."""
        if self.organization_path == "pk":
            return {"organization_id": row.pk}
        *steps, last = self.organization_path.split("__")
        place: dict[str, Any] = {}
        for step in steps:
            row = getattr(row, step)
            place |= _named(row)
        return {"organization_id": getattr(row, f"{last}_id"), **place, **_named(row)}


def _named(row: Any) -> dict[str, Any]:
    if isinstance(row, Connection):
        return {"connection": row}
    return {"flow_id": row.pk} if row._meta.model_name == "flow" else {}


def scoped_filter(field: str, model: type[Model], title: str, path: str = "organization") -> type[SimpleListFilter]:
    """A filter whose choices are the person's own rows of another model; hidden while there is only one."""

    class Scoped(SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            rows = limit_to(request.user, model._default_manager.all(), path)
            return [(str(row.pk), str(row)) for row in rows[:CHOICES_AT_MOST]]

        def has_output(self) -> bool:
            return len(self.lookup_choices) > 1 or bool(self.value())

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            chosen = self.value()
            if not chosen:
                return queryset
            return queryset.filter(**{field: int(chosen)}) if chosen.isdecimal() and len(chosen) < 19 else queryset.none()

    Scoped.title = title
    return Scoped


def organization_filter(field: str = "organization") -> type[SimpleListFilter]:
    """By organization."""
    return scoped_filter(field, Organization, "organization", "pk")


def connection_filter(field: str = "connection", title: str = "connection") -> type[SimpleListFilter]:
    """By connection."""
    return scoped_filter(field, Connection, title)
