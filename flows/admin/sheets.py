"""Mappings out to CSV and Excel and in again: an import is looked at first, line by line, and then applied as a whole or not at all."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone

from audit.console.buttons import Said, tell
from connectors.kit.errors import Rejected
from flows.admin.mapping import MappingAdmin
from flows.mapping.sheets.files import KINDS, MOST_BYTES, MOST_ROWS, read, written
from flows.mapping.sheets.importing import Sheet, apply, look_at
from flows.mapping.sheets.resources import MappingResource
from flows.models import Flow

SHOWN = 100  # lines of each kind on the page
AN_HOUR = 3600  # how long what was looked at may still be applied


class SheetAdmin(MappingAdmin):
    """The list has Export and Import; the page in between keeps the file itself, signed, and no server has to remember it."""

    resource: type[MappingResource]
    change_list_template = "admin/flows/mapping/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        pages = (("export/<slug:kind>", self.export_view, "export"), ("import", self.import_view, "import"))
        name = f"flows_{self.opts.model_name}"
        own = [path(f"{tail}/", self.admin_site.admin_view(view), name=f"{name}_{page}") for tail, view, page in pages]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"sheets": KINDS, "query": request.GET.urlencode(), "may_import": self._may_import(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """All that the list's filters find, as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if kind not in KINDS:
            raise Http404
        rows = self.get_changelist_instance(request).get_queryset(request).select_related("flow__organization")
        content, content_type = written(self.resource().export(rows), kind)
        name = f"{self.opts.verbose_name_plural} {timezone.now():%Y-%m-%d}.{kind}".replace(" ", "-")
        return HttpResponse(content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Choose a file; see what it would do; apply it."""
        if not self._may_import(request):
            raise PermissionDenied
        flows = self.flows_to_map(request)
        try:
            if request.method == "POST" and "looked_at" in request.POST:
                return self._apply(request, flows)
            if request.method == "POST":
                return self._look_at(request, flows)
        except Rejected as problem:
            return self._import_page(request, flows, problem=problem.message)
        return self._import_page(request, flows)

    def _may_import(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)

    def _look_at(self, request: HttpRequest, flows: Sequence[Flow]) -> HttpResponse:
        uploaded: Any = request.FILES.get("file")
        if uploaded is None:
            raise Rejected("Choose a file first.", code="no_file")
        if uploaded.size > MOST_BYTES:
            raise Rejected(f"The file is larger than {MOST_BYTES // 1024 // 1024} MB. Split it into several.", code="too_large")
        content, name = uploaded.read(), str(uploaded.name)[:100]
        sheet = look_at(self.resource, read(content, name), flows)
        packed = base64.urlsafe_b64encode(zlib.compress(content)).decode()
        token = self._signer(request).sign(f"{packed}:{name}") if sheet.can_be_applied else ""
        return self._import_page(request, flows, sheet=sheet, name=name, token=token)

    def _apply(self, request: HttpRequest, flows: Sequence[Flow]) -> HttpResponse:
        try:
            packed, _, name = self._signer(request).unsign(request.POST["looked_at"], max_age=AN_HOUR).partition(":")
        except signing.BadSignature:
            raise Rejected("That was looked at too long ago. Choose the file again.", code="too_old") from None
        dataset = read(zlib.decompress(base64.urlsafe_b64decode(packed)), name)
        with transaction.atomic():
            sheet = apply(self.resource, dataset, flows, name, request.user.get_username())
            self._log(request, sheet, name)
        if sheet.wrong:
            return self._import_page(request, flows, sheet=sheet, name=name)
        told = f"{len(sheet.new)} added, {len(sheet.changed)} changed, {len(sheet.same)} were the same."
        tell(request, Said(f"{name}: {told} {sheet.released} waiting job(s) go on."))
        return HttpResponseRedirect(self.address("changelist"))

    def _signer(self, request: HttpRequest) -> signing.TimestampSigner:
        """What one person looked at, nobody else applies, and not as mappings of another kind."""
        return signing.TimestampSigner(salt=f"import {self.opts.model_name} {request.user.pk}")

    def _log(self, request: HttpRequest, sheet: Sheet, name: str) -> None:
        """Each mapping's own history says it, too."""
        for flag, wanted in ((ADDITION, True), (CHANGE, False)):
            rows = [row for row, new in sheet.rows if new is wanted]
            if rows:
                LogEntry.objects.log_actions(int(request.user.pk), rows, flag, f"Imported from {name}.")  # type: ignore[arg-type]

    def _import_page(self, request: HttpRequest, flows: Sequence[Flow], **context: Any) -> HttpResponse:
        meta: Any = self.resource._meta
        sheet = context.get("sheet")
        shown = {verb: getattr(sheet, verb)[:SHOWN] for verb in ("wrong", "new", "changed")} if sheet else {}
        limits = {"megabytes": MOST_BYTES // 1024 // 1024, "rows": MOST_ROWS, "shown": shown, "columns": meta.fields}
        title = f"Import {self.opts.verbose_name_plural}"
        page = {"needed": self.resource.needed, "several": len({flow.organization_id for flow in flows}) > 1, "sheets": KINDS}
        return self.shown_page(request, "mapping/import.html", title, {**page, **limits, **context})
