"""Privacy requests: what platforms asked on behalf of people, what was done, and the export to hand over."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache

from audit.console.base import ReadOnly
from audit.console.buttons import Button, Said
from audit.console.showing import badge, moment
from credentials.console import ScopedAdmin, connection_filter
from flows.admin.parts import told
from flows.models import PrivacyCase
from flows.privacy.cases import carry_out, take_export

MAY_ANSWER = "flows.answer_privacycase"


@told
def press_carry_out(case: PrivacyCase, person: str) -> Said:
    """A person decides that it shall be done."""
    return Said(carry_out(case, actor=person, decided=True))


def _is_held(case: PrivacyCase) -> bool:
    return case.state == PrivacyCase.State.HELD


@admin.register(PrivacyCase)
class PrivacyCaseAdmin(ReadOnly, ScopedAdmin):
    """Who asked is not shown: it stands in the export, and nowhere once a redaction is done."""

    about = "What a platform asked on behalf of one of its customers: to be told what is kept, or to have it removed."
    organization_path = "connection__organization"
    list_display = ("id", "received", "connection", "kind", "reference", "shown_state", "summary")
    list_filter = (connection_filter(), "state", "kind")
    list_select_related = ("connection",)
    sortable_by = ()
    ordering = ("-id",)
    fields = ("connection", "kind", "reference", "received", "shown_state", "summary", "done")
    buttons = (Button("carry-out", "Carry out", MAY_ANSWER, press_carry_out, _is_held, records=False),)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("connection").defer("wanted", "export")

    def get_urls(self) -> list[URLPattern]:
        return [self.page("export", never_cache(self.export_view), "export"), *super().get_urls()]

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The export as a file. A POST, since taking it is put on record."""
        case = self.get_object(request, object_id)
        if request.method != "POST" or not case.export:
            raise Http404
        if not request.user.has_perm(MAY_ANSWER):
            raise PermissionDenied
        text = take_export(case, request.user.get_username())
        named = {"Content-Disposition": f'attachment; filename="privacy-export-{case.pk}.json"'}
        return HttpResponse(text, content_type="application/json", headers=named)

    def tools(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        if not row.export or not request.user.has_perm(MAY_ANSWER):
            return []
        return [{"label": "Download the export", "url": self.address("export", row.pk), "post": True}]

    @admin.display(description="received (UTC)")
    def received(self, row: PrivacyCase) -> SafeString | str:
        return moment(row.received_at)

    @admin.display(description="done (UTC)")
    def done(self, row: PrivacyCase) -> SafeString | str:
        return moment(row.done_at)

    @admin.display(description="state")
    def shown_state(self, row: PrivacyCase) -> SafeString:
        return badge(row.state, row.get_state_display())
