"""Flows: made in two steps, switched on and off, planned, backfilled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.console.buttons import Button, Said, tell
from audit.console.filters import one_of
from audit.console.showing import badge
from credentials.console import ScopedAdmin, organization_filter
from credentials.setting_fields import shown
from flows.admin.flow_form import FlowForm, NewFlowForm, form_for, option_names
from flows.admin.flow_pages import PeriodForm, PlanForm, plan
from flows.admin.parts import told
from flows.asking import ask_for_poll, ask_for_walk
from flows.bulk.looking import start_look
from flows.models import Flow
from flows.polling import start_backfill
from flows.recipes import RECIPES
from flows.releasing import options_changed
from flows.schedules import schedule_poll
from flows.selectors import settings_for
from flows.switching import switch

MAY_PLAN, MAY_BACKFILL = "flows.plan_flow", "flows.backfill_flow"
TRAVEL = (
    "Everything that events told of or that was synced in these days is run through today's mappings and options, and compared with what "
    "stands in the books. Nothing is written. Where a platform's events are only hints, the record is read from it now, and its row "
    "says so. Afterwards you choose what is repaired."
)
NOT_TAKEN = "The workers could not be reached: is the broker running? Nothing was asked for; try again."


@told
def enable(flow: Flow, _person: str) -> Said:
    switch(flow, on=True)
    return Said(f"{flow} is on. Its webhooks are registered within five minutes. Read a period again for what changed before.")


def disable(flow: Flow, _person: str) -> Said:
    switch(flow, on=False)
    return Said(f"{flow} is off: nothing new is queued.")


def poll_now(flow: Flow, _person: str) -> Said:
    return Said(f"{flow} looks for changes now.") if ask_for_poll(flow) else Said(NOT_TAKEN, ok=False)


@admin.register(Flow)
class FlowAdmin(ScopedAdmin):
    """From this connection to that one, by this recipe."""

    about = "What is carried from where to where, and how."
    list_display = ("label", "organization", "shown_recipe", "source", "destination", "shown_state", "polls")
    list_filter = (
        organization_filter(),
        one_of("recipe", "recipe", tuple((name, recipe.label) for name, recipe in RECIPES.items())),
        "enabled",
    )
    list_select_related = ("organization", "source", "destination")
    search_fields = ("label",)
    buttons = (
        Button("enable", "Switch on", "flows.change_flow", enable, lambda flow: not flow.enabled, in_bulk=True),
        Button("disable", "Switch off", "flows.change_flow", disable, lambda flow: flow.enabled, in_bulk=True),
        Button("poll", "Look for changes now", MAY_BACKFILL, poll_now, lambda flow: flow.enabled),
    )

    # ---- the form ------------------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[forms.ModelForm[Any]]:
        if obj is None:
            kwargs["form"] = NewFlowForm
        elif self.has_change_permission(request, obj):
            kwargs["form"] = form_for(obj)
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("organization", "shown_recipe", "source", "destination", "shown_state", "shown_options", "polls")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("label", "recipe", "source", "destination")}),)
        editable = self.has_change_permission(request, obj)
        head = ("label", "organization", "shown_recipe", "source", "destination", "shown_state", "poll_seconds" if editable else "polls")
        return ((None, {"fields": head}), ("Options", {"fields": option_names(obj) if editable else ("shown_options",)}))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not isinstance(form, FlowForm):
            super().save_model(request, obj, form, change)
        else:
            obj.save(update_fields=["label", "poll_seconds", "options"])
            self._release(request, obj, form)
        schedule_poll(obj)

    def _release(self, request: HttpRequest, flow: Flow, form: FlowForm) -> None:
        asked_again = options_changed(flow, request.user.get_username()) if form.changed_options else 0
        if asked_again:
            tell(request, Said(f"{asked_again} record(s) that need attention are looked at again with the new options."))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """On to the second step."""
        self.message_user(request, f"{obj} was made and is still off. Check its options, try a record or two, then switch it on.")
        return HttpResponseRedirect(self.address("change", obj.pk))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only what never ran: history stays. Everything else is switched off instead."""
        if obj is None or not super().has_delete_permission(request, obj):
            return False
        return not (obj.jobs.exists() or obj.records.exists())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        obj.poll_seconds = 0
        schedule_poll(obj)  # takes its beat entry away
        super().delete_model(request, obj)

    # ---- pages ---------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        pages = (("plan", self.plan_view), ("backfill", self.backfill_view), ("travel", self.travel_view))
        return [*(self.page(name, view, name) for name, view in pages), *super().get_urls()]

    def tools(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        asked = (
            (self.address("plan", row.pk), "Try a record", MAY_PLAN),
            (self.address("backfill", row.pk), "Read a period again", MAY_BACKFILL),
            (self.address("travel", row.pk), "Time travel", MAY_PLAN),
            (f"{reverse('admin:flows_comparison_add')}?flow={row.pk}", "Compare both sides", MAY_BACKFILL),
        )
        return [{"label": label, "url": url} for url, label, permission in asked if request.user.has_perm(permission)]

    def plan_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a record, see what a sync would do."""
        flow = self._flow(request, object_id, MAY_PLAN)
        form = PlanForm(request.POST if request.method == "POST" else None, initial={"record": request.GET.get("record", "")})
        answer = plan(flow, form.cleaned_data["record"]) if form.is_bound and form.is_valid() else None
        return self._page(request, flow, "plan.html", "Try a record", {"form": form, "answer": answer})

    def backfill_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Read a period again."""
        flow = self._flow(request, object_id, MAY_BACKFILL)
        form = PeriodForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            since, until = form.window(flow, timezone.now())
            made = start_backfill(flow, since, until, reason="asked for in the console", asked_by=request.user.get_username())
            said = Said(f"Everything that changed from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC is being read again.")
            self.record(request, "start backfill", flow, said.sentence)
            tell(request, said)
            return HttpResponseRedirect(reverse("admin:flows_backfill_change", args=[made.pk]))
        why = "Everything that changed in these days is read again and brought up to date. What is in order already stays as it is."
        return self._page(request, flow, "period.html", "Read a period again", {"form": form, "why": why, "button": "Read it again"})

    def travel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Run the stored payloads of a period through today's mappings, and see what would differ."""
        flow = self._flow(request, object_id, MAY_PLAN)
        today = timezone.now().date()
        last_week = {"since": today - timedelta(days=6), "until": today}
        form = PeriodForm(request.POST if request.method == "POST" else None, initial=last_week)
        if form.is_bound and form.is_valid():
            run = start_look(flow, *form.window(flow, timezone.now()), request.user.get_username())
            ask_for_walk()
            return HttpResponseRedirect(reverse("admin:flows_bulkrun_change", args=[run.pk]))
        return self._page(request, flow, "period.html", "Time travel", {"form": form, "why": TRAVEL, "button": "Show what would differ"})

    def _flow(self, request: HttpRequest, object_id: str, permission: str) -> Flow:
        flow: Flow = self.get_object(request, object_id)
        if not request.user.has_perm(permission):
            raise PermissionDenied
        return flow

    def _page(self, request: HttpRequest, flow: Flow, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        known = {**self.admin_site.each_context(request), "opts": self.opts, "original": flow, "title": title, "subtitle": str(flow)}
        return TemplateResponse(request, f"admin/flows/flow/{template}", {**known, **context})

    # ---- what is shown -------------------------------------------------------------------------------------

    @admin.display(description="what it does")
    def shown_recipe(self, row: Flow) -> str:
        return RECIPES[row.recipe].label if row.recipe in RECIPES else row.recipe

    @admin.display(description="state")
    def shown_state(self, row: Flow) -> SafeString:
        return badge("on") if row.enabled else badge("off")

    @admin.display(description="polls")
    def polls(self, row: Flow) -> str:
        return f"every {row.poll_seconds} s" if row.poll_seconds else "never"

    @admin.display(description="options")
    def shown_options(self, row: Flow) -> SafeString:
        pairs = ((s.label, shown(s, row.options) or "-") for s in settings_for(row))
        return format_html("<dl>{}</dl>", format_html_join("", "<dt>{}</dt><dd>{}</dd>", pairs))
