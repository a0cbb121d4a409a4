"""Organizations: what they are called, who is told of alerts, whether a second factor is asked for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest

from audit.console.generics import AnyForm
from credentials.console import ScopedAdmin
from credentials.models import Organization


class OrganizationForm(AnyForm):
    """Contacts are checked, because nobody notices alerts that go nowhere."""

    def clean_contacts(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["contacts"].replace(",", "\n").splitlines() if line.strip()]
        for line in lines:
            try:
                validate_email(line)
            except ValidationError:
                raise forms.ValidationError(f"{line} is no e-mail address.") from None
        return "\n".join(lines)


@admin.register(Organization)
class OrganizationAdmin(ScopedAdmin):
    """Owners look after their own; only superusers make new ones. Nobody deletes one: its history belongs to it."""

    about = "The companies whose shops and books are connected."
    organization_path = "pk"
    form = OrganizationForm
    list_display = ("name", "slug", "contacts")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "contacts", "require_second_factor")
    prepopulated_fields = {"slug": ("name",)}

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return dict(self.prepopulated_fields) if obj is None else {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("slug",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
