"""Organizations and who works for them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest

from audit.console.generics import AnyForm, AnyInline
from audit.console.inlines import SpokenRows
from credentials.console import ScopedAdmin
from credentials.models import Membership, Organization


class MembershipForm(AnyForm):
    """A member by user name: a list to choose from would show the people of other organizations."""

    person = forms.CharField(label="user name", max_length=150)

    class Meta:
        model = Membership
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["person"] = self.instance.user.get_username()
            self.fields["person"].disabled = True

    def clean_person(self) -> str:
        name = str(self.cleaned_data["person"]).strip()
        user = User.objects.filter(username=name).first()
        if user is None:
            raise forms.ValidationError(f"There is no user {name!r}. Ask whoever runs this installation to make one.")
        self.instance.user = user
        return name

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        mine = Membership.objects.filter(organization_id=self.instance.organization_id, user_id=self.instance.user_id)
        if self.instance.pk is None and self.instance.user_id and mine.exists():
            raise forms.ValidationError("This person works for the organization already.")
        return cleaned


class MembershipInline(AnyInline):
    """Members; only owners see and change them."""

    model = Membership
    form = MembershipForm
    formset = SpokenRows
    extra = 0
    verbose_name = "member"
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")


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

    organization_path = "pk"
    form = OrganizationForm
    list_display = ("name", "slug", "contacts")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "contacts")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return dict(self.prepopulated_fields) if obj is None else {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("slug",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
