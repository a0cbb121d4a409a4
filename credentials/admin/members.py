"""Members of an organization and the invitations that are open: looked after by owners, seen by viewers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.console.buttons import Button, Said
from audit.console.generics import AnyForm
from audit.console.showing import badge, moment
from credentials.access import BOOKKEEPER, OWNER, ROLES, SUPPORT, VIEWER
from credentials.console import ScopedAdmin, organization_filter
from credentials.models import Invitation, Membership
from credentials.people.ending import open_invitations, tokens_in_use
from credentials.people.inviting import Refused, invite, withdraw
from credentials.people.members import NotYours, change_roles, look_after, may_look_after, remove_member, roles_of
from credentials.people.second_factor import in_use, remove
from credentials.people.sign_ins import end_others

MAY_CHANGE = "credentials.change_membership"
IN_WORDS = {
    VIEWER: "Viewer: sees everything, changes nothing",
    BOOKKEEPER: "Bookkeeper: mappings, comparisons, reading a period again",
    SUPPORT: "Support: retry, replay, webhooks, the audit",
    OWNER: "Owner: all of that, and connections, flows and people",
}


def role_field() -> forms.MultipleChoiceField:
    """Roles as boxes to tick, each with what it may do."""
    choices = [(role, IN_WORDS[role]) for role in ROLES]
    return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple)


def remove_factor(member: Membership, _person: str) -> Said:
    """For somebody who lost the phone and the recovery codes."""
    remove(member.user, actor=_person)
    return Said(f"{member.user} has no second factor any more. Where one is required, the next login leads to setting it up.")


def end_sessions(member: Membership, person: str) -> Said:
    ended = end_others(member.user, None, person)
    return Said(f"{member.user} was logged out of {ended} browser{'' if ended == 1 else 's'}.")


class MemberForm(AnyForm):
    """What an owner decides about a member."""

    roles = role_field()

    class Meta:
        model = Membership
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["roles"] = roles_of(self.instance.user)


@admin.register(Membership)
class MemberAdmin(ScopedAdmin):
    """Who works for the organization. The services write the audit records."""

    about = "Who works here, and what they may do."
    list_display = ("person", "mail", "roles_told", "factor", "last_login", "organization")
    list_display_links = ("person",)
    list_filter = (organization_filter(),)
    list_select_related = ("user", "organization")
    search_fields = ("user__username", "user__email", "user__last_name")
    sortable_by = ()
    ordering = ("organization_id", "user__username")
    form = MemberForm
    actions = None
    change_list_template = "admin/credentials/membership/change_list.html"
    buttons = (
        Button("remove-factor", "Remove second factor", MAY_CHANGE, remove_factor, lambda row: row.has_factor, records=False),
        Button("end-sessions", "Log out everywhere", MAY_CHANGE, end_sessions, records=False),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        factor = Exists(in_use().filter(user_id=OuterRef("user_id")))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(has_factor=factor)
        return rows.select_related("user", "organization").prefetch_related("user__groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        head = ("person", "mail", "organization", "factor", "last_login")
        return ((None, {"fields": head}), ("Roles", {"fields": ("roles" if self._decides(request, obj) else "roles_told",)}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("person", "mail", "organization", "factor", "last_login", "roles_told")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # people are invited, not entered

    def _decides(self, request: HttpRequest, obj: Any) -> bool:
        return obj is not None and self.has_change_permission(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[forms.ModelForm[Any]]:
        if not self._decides(request, obj):
            kwargs["form"] = AnyForm
        return super().get_form(request, obj, change, **{**kwargs, "fields": ()})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user: Any = request.user
        try:
            changed = change_roles(obj, form.cleaned_data["roles"], user)
        except NotYours as why:
            messages.error(request, str(why))
        else:
            messages.success(request, "The roles were changed." if changed else "Nothing was changed.")

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return HttpResponseRedirect(self.address("changelist"))

    def press(self, request: HttpRequest, button: Button, row: Any) -> Said:
        user: Any = request.user
        if button.press is remove_factor and row.user_id == user.pk:
            return Said(
                "Remove your own on the page of your account: it asks for a code, so that nobody does it at your open browser.", ok=False
            )
        try:
            look_after(user, row.user)
        except NotYours as why:
            return Said(str(why), ok=False)
        return super().press(request, button, row)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        user: Any = request.user
        remove_member(obj, user)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except NotYours as why:
            messages.error(request, str(why))
            return HttpResponseRedirect(self.address("change", object_id))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The membership, and what ends with it; what Django would list are rows of other pages."""
        tokens = [f"API token {token.name}" for row in objs for token in tokens_in_use(row.user, row.organization)]
        sent = [str(invitation) for row in objs for invitation in open_invitations(row.user, row.organization)]
        counts = {"members": len(objs), "API tokens": len(tokens), "open invitations": len(sent)}
        return [*(str(row) for row in objs), *tokens, *sent], {name: n for name, n in counts.items() if n}, set(), []

    def record(self, *_args: Any, **_kwargs: Any) -> None:
        """The services write their own, with more to tell."""

    def tools(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        user: Any = request.user
        if request.user.has_perm(MAY_CHANGE) and not may_look_after(user, row.user):
            messages.info(request, "This person also works for others: only whoever runs this installation can change the roles.")
        return []

    @admin.display(description="person")
    def person(self, row: Any) -> str:
        return str(row.user.get_full_name() or row.user.get_username())

    @admin.display(description="e-mail")
    def mail(self, row: Any) -> str:
        return str(row.user.email or row.user.get_username())

    @admin.display(description="roles")
    def roles_told(self, row: Any) -> str:
        return "superuser" if row.user.is_superuser else ", ".join(roles_of(row.user)) or "-"

    @admin.display(description="second factor")
    def factor(self, row: Any) -> SafeString:
        return badge("on") if row.has_factor else badge("none")

    @admin.display(description="last login (UTC)")
    def last_login(self, row: Any) -> SafeString | str:
        return moment(row.user.last_login)


class InvitationForm(AnyForm):
    """Who, and what they may do."""

    roles = role_field()

    class Meta:
        model = Invitation
        fields = ("organization", "email")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def validate_unique(self) -> None:
        """A new invitation takes the place of the old one."""


ONE_BUTTON = {"show_save_and_add_another": False, "show_save_and_continue": False}  # whichever was pressed, the list comes next


@admin.register(Invitation)
class InvitationAdmin(ScopedAdmin):
    """Open ones: whom we wait for. Withdrawn by deleting; accepted ones are members."""

    about = "People who were asked to join and have not yet come."
    form = InvitationForm
    list_display = ("email", "roles_told", "organization", "invited_by", "made", "state")
    list_filter = (organization_filter(),)
    list_select_related = ("organization",)
    sortable_by = ()
    actions = None
    fields = ("organization", "email", "roles")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(accepted_at=None)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[forms.ModelForm[Any]]:
        if obj is not None:
            kwargs["form"] = AnyForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None else self.get_readonly_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("email", "roles_told", "organization", "invited_by", "made", "state")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Mailed before anything is said: one that cannot be mailed was not made."""
        user: Any = request.user
        asked = form.cleaned_data
        return invite(asked["organization"], asked["email"], asked["roles"], user)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        try:
            return super().add_view(request, form_url, {**ONE_BUTTON, "title": "Invite somebody", **(extra_context or {})})
        except (Refused, ValidationError) as why:
            messages.error(request, str(why))
            return HttpResponseRedirect(self.address("add"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Made by the service already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing hangs on it."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"An invitation was mailed to {obj.email}. Its link works once, for a week.")
        return HttpResponseRedirect(reverse("admin:credentials_invitation_changelist"))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        user: Any = request.user
        withdraw(obj, user)

    def record(self, *_args: Any, **_kwargs: Any) -> None:
        """The services write their own."""

    @admin.display(description="roles")
    def roles_told(self, row: Any) -> str:
        return ", ".join(row.roles)

    @admin.display(description="invited (UTC)")
    def made(self, row: Any) -> SafeString | str:
        return moment(row.created_at)

    @admin.display(description="state")
    def state(self, row: Any) -> SafeString:
        return badge("waiting") if row.expires_at > timezone.now() else badge("expired")
