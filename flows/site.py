"""The console's frame: its first page, and the search that every page carries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from audit.console.showing import heading_of
from credentials.access import limit_to
from credentials.models import Connection
from credentials.people.forms import LoginForm
from credentials.people.passwords import password_changed
from credentials.people.sign_ins import note
from flows.finding import find_everywhere
from flows.home.attention import causes_of
from flows.home.balance import balances_of
from flows.home.connections import health_of
from flows.home.days import HEIGHT, STEP, WIDTH, days_of
from flows.home.set_ups import set_up_on_home
from flows.models import Flow
from flows.navigation import rooms_of

PERIODS = (7, 30, 90, 365)  # days


class ConsoleSite(admin.AdminSite):
    """Django's admin with a first page that tells how things stand."""

    site_header = site_title = "Tillbridge"
    index_title = "Console"
    site_url = None
    index_template = "admin/home.html"
    login_form = LoginForm

    def get_urls(self) -> list[Any]:
        from flows.admin.guide import guide_urls  # the pages need the site, which is made by now
        from flows.admin.setting_up.urls import set_up_urls

        find = path("find/", self.admin_view(self.find), name="find")
        return [find, *guide_urls(self), *set_up_urls(self), *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The rooms of the console; one app's own page lists that app alone."""
        apps: list[Any] = super().get_app_list(request, app_label)
        for model in (model for app in apps for model in app["models"]):
            model["name"] = heading_of(self.get_model_admin(model["model"]))
        return apps if app_label else rooms_of(request, apps)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What needs attention, the connections, the last days, and the tie-out of a period (?days=)."""
        now = timezone.now()
        flows = list(_flows(request))
        connections = list(limit_to(request.user, Connection.objects.select_related("organization")))
        chosen = next((days for days in PERIODS if str(days) == request.GET.get("days")), 30)
        causes, more = causes_of(flows)
        days = days_of(flows, now.date())
        home = {
            "causes": causes,
            "more_causes": more,
            "health": health_of(connections, flows, now),
            "days": days,
            "drawing": {"height": HEIGHT, "width": STEP * len(days), "bar": WIDTH},
            "balances": balances_of(flows, now - timedelta(days=chosen)),
            "period": chosen,
            "periods": PERIODS,
            "several": len({flow.organization_id for flow in flows}) > 1,
            "set_up": set_up_on_home(request, flows),
            "may_map": request.user.has_perm("flows.add_itemmapping"),
        }
        return super().index(request, {**home, **(extra_context or {})})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's page; the browser is noted, so that its person sees and ends it."""
        answer = super().login(request, extra_context)
        if request.method == "POST" and answer.status_code == 302:
            note(request)
        return answer

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Django's page; the other browsers are logged out, and it is written down."""
        answer = super().password_change(request, extra_context)
        if request.method == "POST" and answer.status_code == 302:
            password_changed(request)
        return answer

    def find(self, request: HttpRequest) -> HttpResponse:
        """What goes by this name or number; straight to it when it is one record."""
        text = request.GET.get("q", "").strip()[:200]
        found = find_everywhere(list(_flows(request)), text)
        if len(found.records) == 1 and not found.links and not found.waiting:
            return HttpResponseRedirect(reverse("admin:flows_syncrecord_change", args=[found.records[0].pk]))
        context = {**self.each_context(request), "title": "Search", "text": text, "find_text": text, "found": found}
        return TemplateResponse(request, "admin/find.html", context)


def _flows(request: HttpRequest) -> QuerySet[Flow]:
    """Those that the person may know of."""
    flows = Flow.objects.select_related("organization", "source", "destination").order_by("organization", "pk")
    return limit_to(request.user, flows)
