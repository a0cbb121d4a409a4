"""Users and roles: kept by superusers only; whoever could edit users could make himself one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.console.base import ConsoleAdmin
from audit.console.generics import AnyInline, AnyUserAdmin
from audit.console.inlines import SpokenRows
from credentials.models import Membership
from credentials.people.ending import end_access, end_what_only_owners_may


class SuperusersOnly:
    """Put it before the base class."""

    def _is_super(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_super(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_super(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_super(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_super(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_super(request)


class WorksFor(SuperusersOnly, AnyInline):
    """The organizations that a person works for."""

    model = Membership
    formset = SpokenRows
    extra = 0
    verbose_name = "organization"
    verbose_name_plural = "works for"

    def formfield_for_foreignkey(self, *args: Any, **kwargs: Any) -> Any:
        """Named for those who do not see the column's heading."""
        field: Any = super().formfield_for_foreignkey(*args, **kwargs)
        field.widget.attrs["aria-label"] = "Organization"
        return field


class Everyone(SuperusersOnly, ConsoleAdmin):
    """Rows that belong to the whole installation."""

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def place_of(self, row: Any) -> dict[str, Any]:
        return {}


class PersonAdmin(Everyone, AnyUserAdmin):
    """Django's own, with the memberships."""

    inlines = (WorksFor,)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        end_what_only_owners_may(form.instance, request.user.get_username())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        before = list(Membership.objects.filter(user=form.instance).select_related("user", "organization"))
        super().save_formset(request, form, formset, change)
        kept = set(Membership.objects.filter(user=form.instance).values_list("organization_id", flat=True))
        for gone in (row for row in before if row.organization_id not in kept):
            end_access(gone.user, gone.organization, request.user.get_username())


class RoleAdmin(Everyone, GroupAdmin):
    """Django's own."""


for model, page in ((User, PersonAdmin), (Group, RoleAdmin)):
    admin.site.unregister(model)
    admin.site.register(model, page)
