"""Reconciliation: both sides compared for a period, each difference with its amounts, repaired by a click, taken along as a sheet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import slugify

from audit.console.base import ReadOnly
from audit.console.buttons import Said, tell
from audit.console.paging import BoundedPaginator
from audit.console.showing import badge, moment
from credentials.access import limit_to
from credentials.console import ScopedAdmin
from flows.admin.asking import Question, ask, is_sure
from flows.admin.comparison_mail import mail_view
from flows.admin.flow import MAY_BACKFILL
from flows.admin.flow_pages import PeriodForm
from flows.admin.inbox import MAY_REPLAY
from flows.admin.parts import flow_filter
from flows.asking import ask_for_comparison
from flows.comparisons import runs
from flows.comparisons.repairing import mendable, repair
from flows.comparisons.results import KINDS, in_words, kind_in_words, kinds_in_words, shown, sums_of
from flows.comparisons.sheet import FORMS, sheet
from flows.models import Comparison, Difference, Flow
from flows.reconcile import NIGHT

LONGEST = 92  # days
AT_ONCE = 50
TOLD = 15  # records named in a question


class CompareForm(PeriodForm):
    """Which flow, which days."""

    flow = forms.ModelChoiceField(queryset=Flow.objects.none(), empty_label=None)
    longest = LONGEST
    field_order = ("flow", "since", "until")


@admin.register(Comparison)
class ComparisonAdmin(ReadOnly, ScopedAdmin):
    """Whoever sees the flow sees its comparisons; comparing and repairing need a permission."""

    heading = "Reconciliation"
    about = (
        "Every comparison of what the shop says with what the books show, the "
        "newest first. Each night the last seven days of every flow are compared."
    )
    organization_path = "flow__organization"
    list_display = ("period", "flow", "result", "shown_state", "asked", "began")
    list_filter = (flow_filter(),)
    list_select_related = ("flow",)
    sortable_by = ()
    ordering = ("-id",)
    change_list_template = "admin/flows/comparison/change_list.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("flows.view_flow"))

    def has_add_permission(self, request: HttpRequest, *_parent: Any) -> bool:
        return bool(request.user.has_perm(MAY_BACKFILL))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        mail = path("mail/", self.admin_site.admin_view(self.mail_view), name="flows_comparison_mail")
        pages = (
            self.page("repair", self.repair_view, "repair"),
            self.page("stop", self.stop_view, "stop"),
            self.page("export/<slug:form>", self.export_view, "export"),
        )
        return [mail, *pages, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_mail": self.has_add_permission(request), **(extra_context or {})})

    def mail_view(self, request: HttpRequest) -> HttpResponse:
        """Who is mailed the summary, and how often."""
        return mail_view(self, request)

    # ---- comparing -----------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Ask a worker to compare; nothing is written on either side."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = self._form(request)
        if form.is_bound and form.is_valid():
            flow: Flow = form.cleaned_data["flow"]
            since, until = form.window(flow, timezone.now())
            made = ask_for_comparison(flow, since, until, request.user.get_username())
            self.record(request, "ask for reconciliation", made, "Asked for.")
            return HttpResponseRedirect(self.address("change", made.pk))
        return self._render(request, "add.html", "Compare both sides", {"form": form, "longest": LONGEST})

    def _form(self, request: HttpRequest) -> CompareForm:
        today = timezone.now().date()
        known = {"flow": request.GET.get("flow"), "since": today - timedelta(days=6), "until": today}
        form = CompareForm(request.POST if request.method == "POST" else None, initial=known)
        flows = limit_to(request.user, Flow.objects.select_related("organization", "source"))
        form.fields["flow"].queryset = flows  # type: ignore[attr-defined]
        return form

    # ---- one comparison ------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How far it is, what it found, what became of each difference (?kind=, ?p=)."""
        made = self._seen(request, object_id)
        if request.method == "POST":
            raise PermissionDenied
        kind = request.GET.get("kind", "")
        rows = made.differences.order_by("pk")
        paginator = BoundedPaginator(rows.filter(kinds__contains=kind) if kind in KINDS else rows, AT_ONCE)
        page = paginator.get_page(request.GET.get("p"))
        lines = shown(made, list(page.object_list))
        may_repair = self._may_repair(request)
        context = {
            "comparison": made,
            "words": in_words(made),
            "who": _who(made),
            "sums": sums_of(made),
            "page": page,
            "rows": lines,
            "kind": kind if kind in KINDS else "",
            "kinds": [(name, number, kind_in_words(name)) for name, number in sorted(made.kinds.items())],
            "may_repair": may_repair,
            "may_stop": made.finished_at is None and self.has_add_permission(request),
            "open": mendable(made).filter(repair_asked_at=None).count() if may_repair and made.finished_at else 0,
            "live": made.finished_at is None or any(line.state == "queued" for line in lines),
            "forms": tuple(FORMS),
        }
        return self._render(request, "comparison.html", str(made), {"original": made, **context})

    def repair_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One row, the chosen ones, or all (all=yes); asks first."""
        made = self._seen(request, object_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self._may_repair(request):
            raise PermissionDenied
        rows = self._chosen(request, made)
        if not rows:
            tell(request, Said("Nothing was chosen that a sync can mend.", ok=False))
        elif not is_sure(request):
            return ask(request, self.admin_site, self._repair_question(request, made, rows))
        else:
            number = repair(made, rows, request.user.get_username())
            tell(request, Said(f"{number} record{'s are' if number != 1 else ' is'} being repaired. This page shows what comes of it."))
        return HttpResponseRedirect(self.address("change", made.pk))

    def _chosen(self, request: HttpRequest, made: Comparison) -> list[Difference]:
        rows = mendable(made).order_by("pk")
        if request.POST.get("all"):
            return list(rows.filter(repair_asked_at=None))
        one = request.POST.get("one")
        ids = [one] if one else request.POST.getlist("row")
        return list(rows.filter(pk__in=[int(pk) for pk in ids if pk.isdecimal() and len(pk) < 19]))

    def _repair_question(self, request: HttpRequest, made: Comparison, rows: list[Difference]) -> Question:
        records = len({row.source_id for row in rows})
        what = f"{records} record{'s' if records != 1 else ''}"
        facts = [f"{row.number or row.source_id}: {kinds_in_words(row)}. {row.sentence}" for row in rows[:TOLD]]
        hidden = [("all", "yes")] if request.POST.get("all") else [("row", str(row.pk)) for row in rows]
        return Question(
            f"Repair {what}?",
            f"Each is read again from {made.flow.source} and {made.flow.destination} is brought to what it says now. "
            "What a person changed or locked by hand stays as it is and is told.",
            f"Yes, repair {what}",
            (self.address("change", made.pk), str(made)),
            (*facts, f"and {len(rows) - TOLD} more") if len(rows) > TOLD else tuple(facts),
            tuple(hidden),
        )

    def stop_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enough was seen."""
        made = self._seen(request, object_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_add_permission(request):
            raise PermissionDenied
        stopped = runs.stop(made, request.user.get_username())
        if stopped:
            self.record(request, "stop reconciliation", made, "Stopped.")
        tell(request, Said("It is stopped; what was found until now stays here.") if stopped else Said("It was over already.", ok=False))
        return HttpResponseRedirect(self.address("change", made.pk))

    def export_view(self, request: HttpRequest, object_id: str, form: str) -> HttpResponse:
        """All differences as a sheet."""
        made = self._seen(request, object_id)
        if form not in FORMS:
            raise Http404
        name = slugify(f"reconciliation {made}")
        return HttpResponse(
            sheet(made, form), content_type=FORMS[form], headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'}
        )

    def _seen(self, request: HttpRequest, object_id: str) -> Comparison:
        made: Comparison = self.get_object(request, object_id)
        if not self.has_view_permission(request, made):
            raise PermissionDenied
        return made

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("flow__source", "flow__destination", "flow__organization")

    def _may_repair(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MAY_BACKFILL) or request.user.has_perm(MAY_REPLAY))

    def _render(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        known = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, f"admin/flows/comparison/{template}", {**known, **context})

    # ---- the list ------------------------------------------------------------------------------------------

    @admin.display(description="period (UTC)")
    def period(self, row: Comparison) -> str:
        return f"{row.since:%Y-%m-%d} to {row.until:%Y-%m-%d}"

    @admin.display(description="result")
    def result(self, row: Comparison) -> str:
        return in_words(row)

    @admin.display(description="state")
    def shown_state(self, row: Comparison) -> SafeString:
        if row.finished_at is None:
            return badge("running", "under way")
        if row.problem or row.stopped_by:
            return badge("failed", "not finished")
        return badge("differs") if row.kinds else badge("exact")

    @admin.display(description="asked by")
    def asked(self, row: Comparison) -> str:
        return _who(row)

    @admin.display(description="asked for (UTC)")
    def began(self, row: Comparison) -> SafeString | str:
        return moment(row.created_at)


def _who(made: Comparison) -> str:
    return "the night" if made.asked_by == NIGHT else made.asked_by
