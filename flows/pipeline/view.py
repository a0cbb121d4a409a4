"""What a plan gets to see: our links and the destination as it stands now, fetched only when it asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import connection as database
from django.db.models import Q

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.ledger import Invoice, Payment
from connectors.kit.errors import Busy, Gone, NeedsAttention
from flows.models import ExternalLink, SyncJob
from flows.pipeline.workbench import Workbench, calling
from flows.recipes.contract import DoubtsUnder, Link, LinkOf, LinksUnder, Look, Now, OpenOrders, OwnerOf, View

CANDIDATES_AT_MOST = 200
DOUBTFUL_SECONDS = 60.0  # whoever settles the doubt wakes us earlier
# Plain SQL, because it is asked for the client and for every item of an order.
_LINK = """
SELECT remote_id, content_hash, fingerprint, void FROM flows_externallink
WHERE destination_id = %s AND object_type = %s AND key = %s AND scope IN (%s, '') AND state = 'confirmed' ORDER BY id LIMIT 1
"""


class Sight:
    """The answers of one run. Writes are remembered here, so that the next plan sees them without another call."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.seen: dict[Look, Any] = {}
        self.own: tuple[ExternalLink, ...] | None = None

    @property
    def view(self) -> View:
        return View(self.seen)

    def look(self, look: Look) -> None:
        """Fetch what a plan asked for."""
        match look:
            case LinkOf():
                self.seen[look] = self._link(look)
            case LinksUnder():
                self.seen[look] = self._links(look)
            case DoubtsUnder():
                self.seen[look] = self._doubts(look)
            case OwnerOf():
                self.seen[look] = self._owner(look)
            case Now():
                self.seen[look] = self._now(look)
            case OpenOrders():
                self.seen[look] = self._open_orders(look)

    def forget_links(self, object_type: ObjectType) -> None:
        """After a write, links of its kind are read again; what the destination answered stays known."""
        self.own = None
        for look in [look for look in self.seen if isinstance(look, (LinkOf, LinksUnder, DoubtsUnder)) and look.object_type is object_type]:
            del self.seen[look]

    # ---- our links -----------------------------------------------------------------------------------------

    def _own_rows(self) -> tuple[ExternalLink, ...]:
        """All links of the record at hand (its key, or "key:part"), in one query."""
        if self.own is None:
            mine = Q(key=self.bench.source_id) | Q(key__startswith=f"{self.bench.source_id}:")
            rows = ExternalLink.objects.filter(mine, destination=self.bench.flow.destination, scope=self.bench.scope)
            self.own = tuple(rows.order_by("key"))
        return self.own

    def _own_links(self) -> tuple[Link, ...]:
        return tuple(link_value(row) for row in self._own_rows() if row.state == ExternalLink.State.CONFIRMED)

    def _doubts(self, look: DoubtsUnder) -> tuple[str, ...]:
        intended = (row for row in self._own_rows() if row.state == ExternalLink.State.INTENDED)
        return tuple(row.key for row in intended if row.object_type == look.object_type and row.key.startswith(look.prefix))

    def _is_own(self, key: str) -> bool:
        return key.partition(":")[0] == self.bench.source_id

    def _link(self, look: LinkOf) -> Link | None:
        if self._is_own(look.key):
            return next((link for link in self._own_links() if (link.object_type, link.key) == (look.object_type, look.key)), None)
        with database.cursor() as cursor:
            cursor.execute(_LINK, [self.bench.flow.destination_id, look.object_type.value, look.key, self.bench.scope])
            row = cursor.fetchone()
        return Link(look.object_type, look.key, row[0], row[1], row[2], bool(row[3])) if row else None

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
            self._await_booking(row)
        return row.key

    def _await_booking(self, invoice: ExternalLink) -> None:
        """An event can overtake the commit of the very write that caused it, or the answer to that write got lost: while the order's
        own job runs, or a payment of it is in doubt, we cannot tell our payment from a person's.
        """
        flow = self.bench.flow
        writing = SyncJob.objects.filter(
            flow__source=flow.destination, flow__destination=flow.source, source_id=invoice.key, state=SyncJob.State.RUNNING
        )
        if writing.exists():
            raise Busy("The order of this invoice is being booked at this moment.", retry_after=1.0)
        doubtful = ExternalLink.objects.filter(
            destination=flow.source,
            scope=invoice.scope,
            object_type=ObjectType.PAYMENT.value,
            key__startswith=f"{invoice.key}:",
            state=ExternalLink.State.INTENDED,
        )
        if doubtful.exists():
            raise Busy(
                "It is not certain yet whether this payment is our own; looking again later.",
                retry_after=DOUBTFUL_SECONDS,
                code="payment_in_doubt",
            )

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
                        "shorten the days in the flow's options and replay.",
                        code="manual_review",
                    )
                found = [reads.normalise(reads.fetch(api, notice.source_id), api.account) for notice in page.notices]
                orders += [order for order in found if order.status in look.statuses]
                cursor = page.next
                if cursor is None:
                    return tuple(orders)

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


def link_value(row: ExternalLink) -> Link:
    """A link row as the recipes see it."""
    return Link(ObjectType(row.object_type), row.key, row.remote_id, row.content_hash, row.fingerprint, row.void)
