"""Connections: made in two steps, tested, authorised, paused."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.console.buttons import Button, Said, tell
from audit.console.filters import one_of
from audit.console.prose import as_html
from audit.console.showing import badge, moment, pretty_json
from connectors.registry import all_connectors, guide_to
from credentials.accounts import connector_of, oauth_of
from credentials.addresses import addresses_there
from credentials.admin.connection_form import HELP, LABELS, ConnectionForm, NewConnectionForm, field_names, form_for, stored_names
from credentials.console import ScopedAdmin, organization_filter
from credentials.lasting import lasting_of
from credentials.models import Connection
from credentials.pausing import pause, resume
from credentials.services import probe_connection
from credentials.setting_fields import open_settings_of, secrets_of, shown

MAY_CHANGE = "credentials.change_connection"


def test(connection: Connection, person: str) -> Said:
    """A real authenticated call."""
    probe = probe_connection(connection, actor=person)
    if not probe.ok:
        return Said(" ".join(probe.problems), ok=False)
    facts = "; ".join(f"{name}: {value}" for name, value in probe.facts.items())
    return Said(f"{connection.label} answers to our credentials.{f' {facts}.' if facts else ''}")


def press_pause(connection: Connection, person: str) -> Said:
    pause(connection, person)
    return Said(f"{connection.label} is paused: nothing is read from it or written to it until you resume it.")


def press_resume(connection: Connection, person: str) -> Said:
    resume(connection, person)
    return Said(f"{connection.label} is in use again; what waited goes on.")


def _is_paused(connection: Connection) -> bool:
    return connection.status == Connection.Status.PAUSED


BUTTONS = (
    Button("test", "Test connection", MAY_CHANGE, test, records=False),
    Button("pause", "Pause", MAY_CHANGE, press_pause, lambda row: not _is_paused(row), records=False),
    Button("resume", "Resume", MAY_CHANGE, press_resume, _is_paused, records=False),
)


class ConnectionAdmin(ScopedAdmin):
    """One authorised account on one platform."""

    about = "Your shops and your books: their keys, and whether they answer."
    list_display = ("label", "organization", "shown_platform", "shown_status", "status_reason", "checked")
    list_filter = (organization_filter(), "status")
    list_select_related = ("organization",)
    search_fields = ("label", "base_url")
    buttons: tuple[Button, ...] = BUTTONS

    def get_list_filter(self, request: HttpRequest) -> Any:
        platforms = tuple((name, connector.label) for name, connector in all_connectors().items())
        return (*self.list_filter, one_of("platform", "platform", platforms))

    # ---- the form ------------------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[forms.ModelForm[Any]]:
        if obj is None:
            kwargs["form"] = NewConnectionForm
        elif self.has_change_permission(request, obj):
            kwargs["form"] = form_for(obj)
        else:
            kwargs |= {"labels": LABELS, "help_texts": HELP}
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("organization", "shown_platform", *_STATE, "ids", *_SHOWN)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("organization", "platform", "label", "base_url")}),)
        head = (None, {"fields": ("label", "organization", "shown_platform", "base_url", "reenable_subscriptions")})
        state = ("State", {"fields": _STATE})
        if not self.has_change_permission(request, obj):
            return (head, state, ("Settings", {"fields": ("shown_secrets", "shown_settings")}))
        secrets, settings = field_names(obj)
        there = ("shown_addresses",) if self.addresses(obj) else ()
        keys = (
            "Keys",
            {"fields": ("shown_secrets", *there, *secrets), "description": "What you enter here is encrypted and never shown again."},
        )
        rest = [("Settings", {"fields": settings})] if settings else []
        return (head, state, keys, *rest, ("Addresses", {"fields": ("urls", "ids"), "classes": ("collapse",)}))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only what the form owns is written: a worker may be renewing the access of the same row at this moment."""
        if not isinstance(form, ConnectionForm):
            return super().save_model(request, obj, form, change)
        obj.save(update_fields=["label", "base_url", "reenable_subscriptions", "urls", "settings"])
        obj.asks_for_more = form.changes_way
        if form.save_secrets() and obj.status in (Connection.Status.REAUTHORISE, Connection.Status.ENDED):
            transaction.on_commit(partial(self._try_new_keys, request, obj))  # outside: it calls the platform
        return None

    def _try_new_keys(self, request: HttpRequest, connection: Connection) -> None:
        """Jobs wait for these keys: go on by ourselves when they work."""
        tell(request, test(connection, request.user.get_username()))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Another way of authorising asks for other keys: stay on the page."""
        if not getattr(obj, "asks_for_more", False):
            return super().response_change(request, obj)
        self.message_user(request, f"{obj} is now authorised in another way. Enter what that needs, then connect or test it.")
        return HttpResponseRedirect(self.address("change", obj.pk))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """On to the second step."""
        self.message_user(request, f"{obj} was made. Enter its keys or connect it, then test it.")
        return HttpResponseRedirect(self.address("change", obj.pk))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only what was never used: history stays. Everything else is paused instead."""
        if obj is None or not super().has_delete_permission(request, obj):
            return False
        return not (obj.flows_from.exists() or obj.flows_to.exists() or obj.events.exists() or obj.links_in.exists())

    def get_urls(self) -> list[URLPattern]:
        return [self.page("guide", self.guide_view, "guide"), *super().get_urls()]

    def guide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The platform's own page for operators: how to connect, what is synced, what its messages mean."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row) or row.platform not in all_connectors():
            raise Http404
        title = f"Guide to {self.shown_platform(row)}"
        more = {"opts": self.opts, "original": row, "title": title, "guide": as_html(guide_to(row.platform))}
        return render(request, "admin/credentials/connection/guide.html", {**self.admin_site.each_context(request), **more})

    def tools(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if row.platform in all_connectors():
            found.append({"label": "Guide", "url": self.address("guide", row.pk)})
        if not request.user.has_perm(MAY_CHANGE):
            return found
        if oauth_of(row) is not None:
            found.append({"label": "Connect", "url": reverse("start-oauth", args=[row.pk]), "post": True})
        if connector_of(row).handover is not None:
            found.append({"label": "Connect by hand-over", "url": reverse("start-handover", args=[row.pk]), "post": True})
        return found

    # ---- what is shown -------------------------------------------------------------------------------------

    @admin.display(description="platform")
    def shown_platform(self, row: Connection) -> str:
        connector = all_connectors().get(row.platform)
        return connector.label if connector else f"{row.platform} (its folder is gone)"

    @admin.display(description="status")
    def shown_status(self, row: Connection) -> SafeString:
        return badge(row.status, row.get_status_display())

    @admin.display(description="last test (UTC)")
    def checked(self, row: Connection) -> SafeString | str:
        return moment(row.checked_at)

    @admin.display(description="authorisation")
    def lasts(self, row: Connection) -> str:
        return lasting_of([row], timezone.now())[row.pk] or "-"

    @admin.display(description="what it can do")
    def capabilities(self, row: Connection) -> str:
        return ", ".join(connector_of(row).capabilities)

    @admin.display(description="keys")
    def shown_secrets(self, row: Connection) -> SafeString:
        stored = stored_names(row)
        wanted = [(setting.name, setting.label, setting.required) for setting in secrets_of(connector_of(row), row.settings)]
        if oauth_of(row) is not None:
            wanted.append(("access_token", "Authorisation", True))
        return format_html_join(
            " ", '<span class="pair">{} {}</span>', ((label, _stored(name in stored, must)) for name, label, must in wanted)
        )

    def addresses(self, row: Connection) -> dict[str, str]:
        """Our addresses by what platforms call them."""
        return addresses_there(row)

    @admin.display(description="to be entered at the platform")
    def shown_addresses(self, row: Connection) -> SafeString:
        pairs = self.addresses(row).items()
        return format_html("<dl>{}</dl>", format_html_join("", "<dt>{}</dt><dd><code>{}</code></dd>", pairs))

    @admin.display(description="sign-in good until (UTC)")
    def refresh_expires(self, row: Connection) -> SafeString | str:
        return moment(row.refresh_expires_at)

    @admin.display(description="settings")
    def shown_settings(self, row: Connection) -> SafeString:
        pairs = ((s.label, shown(s, row.settings) or "-") for s in open_settings_of(connector_of(row), row.settings))
        return format_html("<dl>{}</dl>", format_html_join("", "<dt>{}</dt><dd>{}</dd>", pairs))

    @admin.display(description="what was learned of it")
    def shown_learned(self, row: Connection) -> SafeString | str:
        return pretty_json(row.learned) if row.learned else "-"


_STATE = (
    "shown_status",
    "status_reason",
    "checked",
    "lasts",
    "refresh_expires",
    "currency",
    "time_zone",
    "capabilities",
    "shown_learned",
)
_SHOWN = ("shown_secrets", "shown_settings", "shown_addresses")


def _stored(is_stored: bool, is_required: bool) -> SafeString:
    return badge("stored") if is_stored else badge("missing") if is_required else badge("not entered")


admin.site.register(Connection, ConnectionAdmin)
