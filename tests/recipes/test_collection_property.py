"""However an invoice is collected, paid by hand, refunded and disputed, and in whatever order the books hear of it: recorded is what was
collected, never more than the invoice, never twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recipe_books import Books

from connectors.canonical.collection import CollectedPayment, Collection, CollectionState, Fee, GivenBack, GivenBackKind
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, InvoiceLine, InvoiceStatus, Payment
from connectors.canonical.money import Money, total
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes.collection_to_payment import RECIPE
from flows.recipes.contract import Context, Mappings

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
TALLY = {"synced": 0, "overpaid": 0, "exact": 0}


def context(**options: Any) -> Context:
    defaults = {setting.name: setting.default for setting in RECIPE.options}
    return Context({**defaults, **options}, Mappings(), "till1", "Till", "CAD", NOW, destination_key="books1")


@dataclass
class Service:
    """An invoice at the service, changed by events; amounts in minor units."""

    currency: str
    units: int
    payments: list[CollectedPayment] = field(default_factory=list)
    clock: int = 0

    def money(self, units: int) -> Money:
        return Money.from_minor(units, self.currency)

    def tick(self) -> datetime:
        self.clock += 1
        return NOW + timedelta(minutes=self.clock)

    def pay(self, units: int) -> None:
        name = f"pi_{len(self.payments)}"
        fee = Fee(f"txn_{len(self.payments)}", Money.of("0.31", "CAD"), NOW)
        self.payments.append(CollectedPayment(name, self.money(units), self.tick(), "card", fees=(fee,)))

    def give_back(self, place: int, units: int, kind: GivenBackKind, *, pending: bool) -> None:
        payment = self.payments[place % len(self.payments)]
        left = payment.amount.to_minor() - sum(back.amount.to_minor() for back in payment.given_back)
        if not 0 < units <= left:
            return
        back = GivenBack(f"re_{self.clock}", kind, self.money(units), self.tick(), pending)
        self.put(place, replace(payment, given_back=(*payment.given_back, back)))

    def finish(self, place: int, *, succeeds: bool) -> None:
        """Refunds that are on their way arrive, or fail and are gone."""
        payment = self.payments[place % len(self.payments)]
        backs = [replace(back, pending=False) if back.pending else back for back in payment.given_back if succeeds or not back.pending]
        self.put(place, replace(payment, given_back=tuple(backs)))

    def put(self, place: int, payment: CollectedPayment) -> None:
        self.payments[place % len(self.payments)] = payment

    def seen(self) -> Collection:
        return Collection(
            "in_1", CollectionState.OPEN, self.currency, self.money(self.units), NOW, NOW + timedelta(minutes=self.clock),
            tuple(self.payments), "in_1", "A-1", "books1:inv", time_zone="America/Toronto",
        )  # fmt: skip


def books_with(service: Service) -> Books:
    books = Books()
    line = InvoiceLine("Work", "", Decimal(1), service.money(service.units))
    head = Invoice("c1", "A-1", "", date(2026, 11, 1), service.currency, (line,), id="inv", status=InvoiceStatus.SENT)
    books.things[ObjectType.INVOICE, "inv"] = head
    books.owners[ObjectType.INVOICE, "in_1"] = "inv"
    return books


def cheque(books: Books, amount: Money) -> None:
    """A person records money of their own, as far as the invoice still has room for it."""
    room = books.now(ObjectType.INVOICE, "inv").outstanding
    if Decimal(0) < amount.amount <= room.amount:
        id = f"hand-{len(books.things)}"
        books.things[ObjectType.PAYMENT, id] = Payment("inv", amount, date(2026, 11, 2), "Check", "by hand", id=id)


def sync(books: Books, service: Service, ctx: Context) -> str:
    """One run; the code of the verdict, "" for done."""
    TALLY["synced"] += 1
    try:
        plans = books.sync(RECIPE, service.seen(), ctx)
    except (NeedsAttention, NothingToDo) as verdict:
        return verdict.code
    proof = plans[-1].tie_out
    assert proof is not None
    assert proof.exact, proof
    return ""


def check(books: Books, service: Service, verdict: str, options: dict[str, str]) -> None:
    """Against figures that know nothing of recipes."""
    invoice = books.now(ObjectType.INVOICE, "inv")
    ours = [payment for payment in books.payments("inv") if payment.note.startswith("pi_")]
    recorded = total((payment.amount for payment in ours), service.currency)
    by_hand = invoice.paid - recorded
    at_once = options.get("pending_refunds") == "at_once"
    back = total((b.amount for p in service.payments for b in p.given_back if at_once or not b.pending), service.currency)
    net = total((payment.amount for payment in service.payments), service.currency) - back
    assert recorded == min(net, invoice.amount - by_hand)
    assert invoice.paid <= invoice.amount
    markers = [payment.note.split(" | ")[0] for payment in ours]
    assert len(markers) == len(set(markers))
    over = net - recorded
    assert verdict == ("overpaid" if over else "")
    TALLY["overpaid" if over else "exact"] += 1
    fees = [thing for (kind, _), thing in books.things.items() if kind is ObjectType.EXPENSE]
    assert len(fees) == (len(service.payments) if options.get("fees") == "expense" else 0)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "pay", "pay", "refund", "refund", "pending", "arrives", "fails", "lost", "cheque", "hear", "hear"]),
        st.integers(0, 5),
        st.integers(1, 60_000),
    ),
    max_size=14,
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    currency=st.sampled_from(["CAD", "USD", "JPY", "KWD"]),
    units=st.integers(1, 90_000),
    events=EVENTS,
    options=st.fixed_dictionaries({"fees": st.sampled_from(["none", "expense"]), "pending_refunds": st.sampled_from(["wait", "at_once"])}),
)
def test_recorded_is_what_was_collected(currency: str, units: int, events: list[tuple[str, int, int]], options: dict[str, str]) -> None:
    service = Service(currency, units)
    books, ctx = books_with(service), context(**options)
    for what, place, amount in events:
        happen(books, service, what, place, amount)
        if what == "hear" and service.payments:  # late, early, often: whenever somebody looks
            check(books, service, sync(books, service, ctx), options)
    service.pay(1)
    verdict = sync(books, service, ctx)
    check(books, service, verdict, options)
    writes = len(books.writes)
    assert sync(books, service, ctx) == verdict  # a repeat changes nothing
    assert len(books.writes) == writes


def happen(books: Books, service: Service, what: str, place: int, amount: int) -> None:
    if what == "pay":
        service.pay(amount)
    elif what == "cheque":
        cheque(books, service.money(amount))
    elif service.payments and what in ("refund", "pending"):
        service.give_back(place, amount, GivenBackKind.REFUND, pending=what == "pending")
    elif service.payments and what == "lost":
        service.give_back(place, amount, GivenBackKind.DISPUTE, pending=False)
    elif service.payments and what in ("arrives", "fails"):
        service.finish(place, succeeds=what == "arrives")


def test_the_generator_met_both_kinds() -> None:
    assert TALLY["exact"] > 50
    assert TALLY["overpaid"] > 50
