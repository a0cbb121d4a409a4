"""What a plan gets to see: our links and the destination as it stands now, fetched only when it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.ledger import Invoice, InvoiceStatus, Payment
from connectors.canonical.party import Customer
from connectors.kit.errors import Gone, NeedsAttention
from flows.models import ExternalLink
from flows.pipeline.along import made_along
from flows.pipeline.links import Held, links_named, links_of_record
from flows.pipeline.overtaken import await_booking, await_writer, write_under_way
from flows.pipeline.workbench import Workbench, calling
from flows.recipes.looks import (
    Along,
    DoubtsUnder,
    Link,
    LinkBack,
    LinkOf,
    LinksUnder,
    Look,
    MadeAlong,
    Matches,
    Now,
    OpenInvoices,
    OpenOrders,
    OwnerOf,
    View,
    WrittenBy,
)

CANDIDATES_AT_MOST = 200


class Sight:
    """The answers of one run. Writes are remembered here, so that the next plan sees them without another call."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.seen: dict[Look, Any] = {}
        self.own: tuple[Held, ...] | None = None

    @property
    def view(self) -> View:
        return View(self.seen)

    def look_at(self, looks: Iterable[Look]) -> None:
        """Fetch what a plan asked for; links of other records together."""
        others = [look for look in looks if isinstance(look, LinkOf) and not self._is_own(look.key)]
        if others:
            self.seen.update(links_named(self.bench, others))
        for look in looks:
            if look not in self.seen:
                self.seen[look] = _FETCH[type(look)](self, look)

    def forget_links(self, object_type: ObjectType) -> None:
        """After a write, links of its kind are read again; what the destination answered stays known."""
        self.own = None
        for look in [look for look in self.seen if _tells_of(look, object_type)]:
            del self.seen[look]

    # ---- our links -----------------------------------------------------------------------------------------

    def _own_rows(self) -> tuple[Held, ...]:
        if self.own is None:
            self.own = links_of_record(self.bench)
        return self.own

    def _own_links(self) -> tuple[Link, ...]:
        return tuple(held.link for held in self._own_rows() if not held.intended)

    def _doubts(self, look: DoubtsUnder) -> tuple[str, ...]:
        intended = (held.link for held in self._own_rows() if held.intended)
        return tuple(link.key for link in intended if link.object_type is look.object_type and link.key.startswith(look.prefix))

    def _is_own(self, key: str) -> bool:
        return key.partition(":")[0] == self.bench.source_id

    def _own_link(self, look: LinkOf) -> Link | None:
        return next((link for link in self._own_links() if LinkOf(link.object_type, link.key) == look), None)

    def _links(self, look: LinksUnder) -> tuple[Link, ...]:
        if self._is_own(look.prefix):
            return tuple(link for link in self._own_links() if link.object_type is look.object_type and link.key.startswith(look.prefix))
        rows = ExternalLink.objects.filter(
            destination=self.bench.flow.destination,
            object_type=look.object_type,
            key__startswith=look.prefix,
            scope=self.bench.scope,
            state=ExternalLink.State.CONFIRMED,
        )
        return tuple(link_value(row) for row in rows.order_by("key"))

    def _owner(self, look: OwnerOf) -> str | None:
        flow = self.bench.flow
        row = ExternalLink.objects.filter(
            destination=flow.source,
            scope=str(flow.destination.key),
            object_type=look.object_type,
            remote_id=look.source_id,
            state=ExternalLink.State.CONFIRMED,
        ).first()
        if row is None:
            return None
        if look.object_type is ObjectType.INVOICE:
            await_booking(self.bench, row)
        return row.key

    def _written_by(self, look: WrittenBy) -> str | None:
        flow = self.bench.flow
        others = ExternalLink.objects.filter(destination=flow.source, object_type=look.object_type).exclude(source=flow.destination)
        unfinished = write_under_way(self.bench, others)  # before the confirmed ones: it may be confirmed in between
        written = others.filter(remote_id=look.source_id, state=ExternalLink.State.CONFIRMED)
        label = written.values_list("source__label", flat=True).first()
        if label is None and unfinished is not None:
            await_writer(unfinished)
        return str(label) if label else None

    def _link_back(self, look: LinkBack) -> Link | None:
        flow = self.bench.flow
        rows = ExternalLink.objects.filter(
            destination=flow.source,
            scope__in=[str(flow.destination.key), ""],
            object_type=look.object_type,
            remote_id=look.source_id or "-",
            state=ExternalLink.State.CONFIRMED,
        )
        row = rows.order_by("-scope", "pk").first()  # one of this very pair before a shared one
        return link_value(row) if row else None

    # ---- the destination -----------------------------------------------------------------------------------

    def _now(self, look: Now) -> Any:
        writes = self.bench.destination.connector.writes[look.object_type]
        if writes.get is None:
            raise NeedsAttention(f"{self.bench.flow.destination.label} cannot show a {look.object_type.value}.", code="unreadable")
        with calling(self.bench.destination) as api:
            try:
                return writes.get(api, look.destination_id)
            except Gone:
                return None

    def _matches(self, look: Matches) -> tuple[Any, ...]:
        writes = self.bench.destination.connector.writes[look.object_type]
        with calling(self.bench.destination) as api:
            return writes.find(api, look.value)

    def _open_orders(self, look: OpenOrders) -> tuple[Any, ...]:
        reads = self.bench.destination.connector.reads[ObjectType.ORDER]
        if reads.page is None:
            return ()
        orders: list[Any] = []
        looked, cursor = 0, None
        with calling(self.bench.destination) as api:
            while True:
                page = reads.page(api, Window(look.since, look.until), cursor)
                looked += len(page.notices)
                if looked > CANDIDATES_AT_MOST:
                    raise NeedsAttention(
                        f"More than {CANDIDATES_AT_MOST} orders changed in the days to look back; match this payment by hand, or "
                        "shorten the days in the flow's options and retry.",
                        code="manual_review",
                    )
                found = [reads.normalise(reads.fetch(api, notice.source_id), api.account) for notice in page.notices]
                orders += [order for order in found if order.status in look.statuses]
                cursor = page.next
                if cursor is None:
                    return tuple(orders)

    def _open_invoices(self, look: OpenInvoices) -> tuple[Invoice, ...]:
        connector = self.bench.destination.connector
        reads = connector.reads[ObjectType.INVOICE]
        if reads.of_customer is None:
            return ()
        with calling(self.bench.destination) as api:
            clients = [look.customer_id]
            if not look.customer_id:
                found = connector.writes[ObjectType.CUSTOMER].find(api, Customer(email=look.email)) if look.email else ()
                clients = [client.id for client in found]
            rows = [reads.normalise(raw, api.account) for client in clients for raw in reads.of_customer(api, client)]
        return tuple(row for row in rows if row.status is InvoiceStatus.SENT and row.outstanding and row.outstanding.amount > 0)

    def _made_along(self, look: MadeAlong) -> tuple[Along, ...]:
        return made_along(self.bench, look.invoice_id)

    # ---- what we wrote -------------------------------------------------------------------------------------

    def remember(self, object_type: ObjectType, remote_id: str, value: Any, *, adopted: bool = False) -> None:
        """Keep the answer to a write; a payment also moves what its invoice shows as paid. One that we only found may count there
        already, so its invoice is asked again.
        """
        look = Now(object_type, remote_id)
        before = self.seen.get(look)
        if isinstance(value, Invoice) and isinstance(before, Invoice) and not value.lines:
            value = replace(value, lines=before.lines, fingerprint=before.fingerprint)
        self.seen[look] = value
        if isinstance(value, Payment) and adopted:
            self.seen.pop(Now(ObjectType.INVOICE, value.invoice_id), None)
        elif isinstance(value, Payment):
            self._move_paid(value, before)

    def _move_paid(self, payment: Payment, before: Payment | None) -> None:
        look = Now(ObjectType.INVOICE, payment.invoice_id)
        invoice = self.seen.get(look)
        if not isinstance(invoice, Invoice):
            return
        known = before is not None or not payment.void
        if invoice.paid is None or invoice.outstanding is None or not known:
            del self.seen[look]  # better asked again than guessed
            return
        change = -payment.amount if payment.void else payment.amount
        if before is not None:
            change = (-before.amount if payment.void else payment.amount - before.amount) if not before.void else change
        self.seen[look] = replace(invoice, paid=invoice.paid + change, outstanding=invoice.outstanding - change)


def _tells_of(look: Look, object_type: ObjectType) -> bool:
    return isinstance(look, MadeAlong) or (isinstance(look, (LinkOf, LinksUnder, DoubtsUnder)) and look.object_type is object_type)


def link_value(row: ExternalLink) -> Link:
    """A link row as the recipes see it."""
    return Link(ObjectType(row.object_type), row.key, row.remote_id, row.content_hash, row.fingerprint, row.void)


_FETCH: Mapping[type, Callable[[Sight, Any], Any]] = {
    LinkOf: Sight._own_link,
    LinksUnder: Sight._links,
    DoubtsUnder: Sight._doubts,
    OwnerOf: Sight._owner,
    LinkBack: Sight._link_back,
    WrittenBy: Sight._written_by,
    Matches: Sight._matches,
    Now: Sight._now,
    OpenOrders: Sight._open_orders,
    OpenInvoices: Sight._open_invoices,
    MadeAlong: Sight._made_along,
}
