"""What the pages of all mappings share: scope, the flow that a page is about, and that saving one lets the waiting jobs go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit.console.buttons import Said, tell
from credentials.access import limit_to
from credentials.console import ScopedAdmin
from flows.admin.parts import flow_filter
from flows.jobs.telling import STUCK
from flows.models import Flow, SyncJob
from flows.releasing import mapping_saved, subject_of


@dataclass(frozen=True, slots=True)
class FlowTab:
    """A flow that a page could be about, and how many of its records wait for what is mapped there."""

    flow: Flow
    waiting: int
    url: str
    current: bool = False


class MappingAdmin(ScopedAdmin):
    """What identifies a mapping stays as it was made."""

    identity: tuple[str, ...] = ()
    organization_path = "flow__organization"
    list_select_related = ("flow",)
    list_filter: ClassVar[tuple[Any, ...]] = (flow_filter(),)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self._release(request, obj)

    def _release(self, request: HttpRequest, row: Any) -> None:
        self._released(request, row, mapping_saved(row, request.user.get_username()))

    def _released(self, request: HttpRequest, row: Any, released: int) -> None:
        if released:
            tell(request, Said(f"{row}: {released} waiting job(s) go on with it now."))
            self.record(request, "release jobs", row, f"{released} job(s) that waited for {subject_of(row)} go on.")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("flow", *self.identity)

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """The columns' headings are no labels of the fields below them."""
        formset = super().get_changelist_formset(request, **kwargs)
        for name, field in formset.form.base_fields.items():
            field.widget.attrs["aria-label"] = str(field.label or name)
        return formset

    # ---- deleting ------------------------------------------------------------------------------------------

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Says beforehand what becomes of the records."""
        row = self.get_object(request, object_id)
        said = f"What stands in the books stays as it is. {self.after_deleting(row)}" if row is not None else ""
        return super().delete_view(request, object_id, {"consequence": said, **(extra_context or {})})

    def after_deleting(self, row: Any) -> str:
        """A sentence on what is synced once the mapping is gone."""
        return "What is synced from now on does without it."

    # ---- pages beside the list -----------------------------------------------------------------------------

    def flows_to_map(self, request: HttpRequest) -> list[Flow]:
        """Those that this person may map for. PermissionDenied for who may not map at all."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        flows = Flow.objects.select_related("organization", "source", "destination").order_by("organization", "label")
        return list(limit_to(request.user, flows))

    def tabs(self, request: HttpRequest, flows: Sequence[Flow], subjects: Sequence[str], *, all_flows: bool) -> list[FlowTab]:
        """The flows with something waiting (all_flows: the others, too), the page's own marked: as asked for, else the most awaited."""
        begins = Q(pk__in=())
        for subject in subjects:
            begins |= Q(subject__startswith=subject)
        stopped = SyncJob.objects.filter(begins, flow__in=flows, state__in=STUCK).order_by()
        counts = dict(stopped.values_list("flow_id").annotate(records=Count("source_id", distinct=True)))
        shown = [flow for flow in flows if all_flows or flow.pk in counts]
        asked = next((flow for flow in shown if str(flow.pk) == request.GET.get("flow")), None)
        current = asked or max(shown, key=lambda flow: counts.get(flow.pk, 0), default=None)
        return [FlowTab(flow, counts.get(flow.pk, 0), f"?{urlencode({'flow': flow.pk})}", flow is current) for flow in shown]

    def shown_page(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        """One of our pages in the console's frame."""
        known = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, f"admin/flows/{template}", {**known, **context})
