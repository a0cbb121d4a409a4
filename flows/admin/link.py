"""Links: which thing over there stands for which thing here, with addresses on both sides."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from audit.console.base import ReadOnly
from audit.console.filters import one_of
from audit.console.showing import badge, inside, moment, outside
from connectors.canonical.identity import ObjectType
from credentials.access import limit_to
from credentials.console import ScopedAdmin, connection_filter
from credentials.models import Connection
from flows.admin.parts import type_filter, web_address
from flows.finding import matching_links
from flows.models import ExternalLink

# What a link's key names at the source: payments and credits carry their order's id before the colon.
_OF_AN_ORDER = (ObjectType.INVOICE, ObjectType.PAYMENT, ObjectType.CREDIT)


def source_address(link: ExternalLink) -> str:
    """Where a person sees the source's side; "" for what all sources share."""
    if link.object_type in _OF_AN_ORDER:
        return web_address(link.source, ObjectType.ORDER, link.key.partition(":")[0])
    return web_address(link.source, link.object_type, link.key) if ":" not in link.key else ""


@admin.register(ExternalLink)
class ExternalLinkAdmin(ReadOnly, ScopedAdmin):
    """Searched by either side's id."""

    heading = "Links between both sides"
    about = "Which invoice, client, item or payment in the books stands for which thing in the shop."
    organization_path = "destination__organization"
    list_display = ("what", "source_side", "source", "destination_side", "destination", "shown_state", "confirmed")
    list_filter = (
        connection_filter("destination", "destination"),
        type_filter(ObjectType),
        one_of("state", "state", tuple(ExternalLink.State.choices)),
    )
    list_select_related = ("source", "destination")
    search_fields = ("key",)
    search_help_text = "The key at the source (an order's id, sku:..., email:...) or the id at the destination."
    sortable_by = ()
    ordering = ("-id",)
    fields = (
        "what", "source", "source_side", "destination", "destination_side", "shown_state", "adopted", "void",
        "intended", "in_doubt", "confirmed", "last_job", "content_hash", "fingerprint",
    )  # fmt: skip

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        return matching_links(queryset, limit_to(request.user, Connection.objects.order_by()), search_term), False

    @admin.display(description="type")
    def what(self, row: ExternalLink) -> str:
        return row.object_type.replace("_", " ")

    @admin.display(description="key at the source")
    def source_side(self, row: ExternalLink) -> SafeString | str:
        return outside(source_address(row), row.key)

    @admin.display(description="id at the destination")
    def destination_side(self, row: ExternalLink) -> SafeString | str:
        return outside(web_address(row.destination, row.object_type, row.remote_id), row.remote_id or "-")

    @admin.display(description="state")
    def shown_state(self, row: ExternalLink) -> SafeString:
        return badge("void") if row.void else badge(row.state)

    @admin.display(description="intended (UTC)")
    def intended(self, row: ExternalLink) -> SafeString | str:
        return moment(row.intended_at)

    @admin.display(description="in doubt until (UTC)")
    def in_doubt(self, row: ExternalLink) -> SafeString | str:
        return moment(row.in_doubt_until)

    @admin.display(description="confirmed (UTC)")
    def confirmed(self, row: ExternalLink) -> SafeString | str:
        return moment(row.confirmed_at)

    @admin.display(description="last job")
    def last_job(self, row: ExternalLink) -> SafeString | str:
        return inside("flows_syncjob", row.job_id, f"job {row.job_id}" if row.job_id else "")
