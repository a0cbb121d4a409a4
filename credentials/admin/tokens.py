"""Tokens of the API in the console: owners see those for their organization and revoke them; each person makes their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.console.base import ReadOnly
from audit.console.buttons import Button, Said
from audit.console.showing import badge, moment
from credentials.console import ScopedAdmin, organization_filter
from credentials.models import ApiToken
from credentials.people.tokens import revoke


def press_revoke(token: ApiToken, person: str) -> Said:
    revoked = revoke(token, person)
    return Said(f"{token.name} is revoked: it is not accepted any more." if revoked else "It was revoked already.")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly, ScopedAdmin):
    """Never the token itself: nobody can read it again."""

    about = "Programs that may ask and write in somebody's name. People make and end their own under Your account."
    list_display = ("name", "hint", "user", "organization", "may", "state", "used", "expires")
    list_filter = (organization_filter(),)
    list_select_related = ("user", "organization")
    search_fields = ("name", "user__username")
    sortable_by = ()
    ordering = ("-id",)
    fields = ("name", "hint", "user_name", "organization", "may", "state", "made", "used", "expires")
    buttons = (
        Button(
            "revoke", "Revoke", "credentials.change_apitoken", press_revoke, lambda row: row.revoked_at is None, in_bulk=True, records=False
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user", "organization")

    @admin.display(description="person")
    def user_name(self, row: ApiToken) -> str:
        return row.user.get_username()

    @admin.display(description="may")
    def may(self, row: ApiToken) -> str:
        return ", ".join(row.scopes)

    @admin.display(description="state")
    def state(self, row: ApiToken) -> SafeString:
        if row.revoked_at is not None:
            return badge("revoked")
        return badge("expired") if row.expires_at <= timezone.now() else badge("active")

    @admin.display(description="made (UTC)")
    def made(self, row: ApiToken) -> SafeString | str:
        return moment(row.created_at)

    @admin.display(description="last used (UTC)")
    def used(self, row: ApiToken) -> SafeString | str:
        return moment(row.used_at)

    @admin.display(description="good until (UTC)")
    def expires(self, row: ApiToken) -> SafeString | str:
        return moment(row.expires_at)
