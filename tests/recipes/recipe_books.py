"""Books in memory: executes plans round by round as the pipeline does, under a chosen rounding rule, and refuses to be overpaid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceLine, InvoiceStatus
from connectors.canonical.money import Money, exponent, total
from flows.recipes.contract import Change, Context, Mappings, Plan, Recipe
from flows.recipes.looks import DoubtsUnder, Link, LinkOf, LinksUnder, Look, More, Now, OpenOrders, OwnerOf, View, WrittenBy
from flows.recipes.order_to_invoice import RECIPE

NOW = datetime(2026, 7, 31, 12, tzinfo=UTC)
ROUNDS = 8


def context(learned: dict[str, str] | None = None, mappings: Mappings | None = None, **options: Any) -> Context:
    """A context of the order flow with its defaults and what is given on top."""
    defaults = {setting.name: setting.default for setting in RECIPE.options}
    return Context(
        options={**defaults, "statuses": ["processing", "completed"], "invoice_prefix": "WC-", **options},
        mappings=mappings or Mappings(),
        source_key="shop1",
        source_label="Mug shop",
        destination_currency="CAD",
        now=NOW,
        learned=learned or {},
    )


def ledger_amount(lines: tuple[InvoiceLine, ...], currency: str, per_line: bool) -> Money:
    """What the books make of lines: written apart from the product's own forecast. Taxes by name and rate, or line by line."""
    step = Decimal(1).scaleb(-exponent(currency))
    amount, taxes = Decimal(0), dict[tuple[str, Decimal], Decimal]()
    for line in lines:
        net = (line.quantity * line.unit_price.amount).quantize(step, ROUND_HALF_UP)
        amount += net
        owed = [net * tax.percent / 100 for tax in line.taxes]
        if line.compound and len(owed) == 2:
            owed[1] = (net + owed[0]) * line.taxes[1].percent / 100
        for tax, one in zip(line.taxes, owed, strict=True):
            part = one.quantize(step, ROUND_HALF_UP) if per_line else one
            taxes[tax.name, tax.percent] = taxes.get((tax.name, tax.percent), Decimal(0)) + part
    return Money(amount + sum((tax.quantize(step, ROUND_HALF_UP) for tax in taxes.values()), Decimal(0)), currency)


@dataclass
class Books:
    """The other side. seen counts every write by (verb, type, action)."""

    per_line: bool = False
    negative_lines: bool = True
    things: dict[tuple[ObjectType, str], Any] = field(default_factory=dict)
    links: dict[tuple[ObjectType, str], Link] = field(default_factory=dict)
    owners: dict[tuple[ObjectType, str], str] = field(default_factory=dict)
    doubts: set[tuple[ObjectType, str]] = field(default_factory=set)
    strangers: dict[tuple[ObjectType, str], str] = field(default_factory=dict)
    open_orders: tuple[Any, ...] = ()
    writes: list[Change] = field(default_factory=list)

    # ---- what plans see --------------------------------------------------------------------------------------

    def look(self, look: Look) -> Any:
        match look:
            case LinkOf():
                return self.links.get((look.object_type, look.key))
            case LinksUnder():
                found = [link for (kind, key), link in self.links.items() if kind is look.object_type and key.startswith(look.prefix)]
                return tuple(sorted(found, key=lambda link: link.key))
            case DoubtsUnder():
                return tuple(sorted(key for kind, key in self.doubts if kind is look.object_type and key.startswith(look.prefix)))
            case OwnerOf():
                return self.owners.get((look.object_type, look.source_id))
            case WrittenBy():
                return self.strangers.get((look.object_type, look.source_id))
            case Now():
                return self.now(look.object_type, look.destination_id)
            case OpenOrders():
                return tuple(order for order in self.open_orders if order.status in look.statuses)

    def now(self, kind: ObjectType, id: str) -> Any:
        thing = self.things.get((kind, id))
        if kind is not ObjectType.INVOICE or thing is None:
            return thing
        amount = ledger_amount(thing.lines, thing.currency, self.per_line)
        paid = total((payment.amount for payment in self.payments(id)), thing.currency)
        return replace(thing, amount=amount, paid=paid, outstanding=amount - paid, fingerprint=self.fingerprint(thing))

    def fingerprint(self, invoice: Any) -> str:
        return repr((invoice.customer_id, invoice.number, invoice.issued_on, invoice.lines))

    def payments(self, invoice_id: str) -> list[Any]:
        found = [thing for (kind, _), thing in self.things.items() if kind is ObjectType.PAYMENT]
        return [payment for payment in found if payment.invoice_id == invoice_id and not payment.void]

    def plan(self, recipe: Recipe[Any, Any], desired: Any) -> Plan:
        seen: dict[Look, Any] = {}
        for _ in range(60):
            try:
                return recipe.plan(desired, View(seen))
            except More as more:
                seen.update({look: self.look(look) for look in more.looks})
        raise AssertionError("a plan asked for too much")

    # ---- what plans do ---------------------------------------------------------------------------------------

    def sync(self, recipe: Recipe[Any, Any], source: Any, ctx: Context) -> list[Plan]:
        """All rounds until nothing is missing; the last plan is empty."""
        desired, plans = recipe.desire(source, ctx), []
        for _ in range(ROUNDS):
            plans.append(self.plan(recipe, desired))
            if not plans[-1].changes:
                return plans
            for change in plans[-1]:
                self.load(change)
        raise AssertionError(f"unsettled: {[change.title for change in plans[-1]]}")

    def load(self, change: Change) -> None:
        self.writes.append(change)
        kind, key = change.object_type, change.key
        value = change.value
        for name, (type_, other) in change.fill:
            value = replace(value, **{name: self.links[type_, other].destination_id})
        link = self.links.get((kind, key))
        if change.verb == "create":
            assert link is None, f"{kind} {key} twice"
            id = f"{kind.value}-{len(self.things) + 1}"
            self.put(kind, id, value)
            self.links[kind, key] = Link(kind, key, id, change.content_hash, self.shown(kind, id))
            return
        assert link is not None
        id = change.target_id or link.destination_id
        assert id == link.destination_id
        if change.verb == "update":
            self.put(kind, id, value)
            self.links[kind, key] = replace(link, content_hash=change.content_hash, fingerprint=self.shown(kind, id))
        else:
            self.act(kind, id, change.action)
            if change.action in ("void", "restore"):
                self.links[kind, key] = replace(link, void=change.action == "void")
        self.check()

    def shown(self, kind: ObjectType, id: str) -> str:
        return str(getattr(self.now(kind, id), "fingerprint", ""))

    def put(self, kind: ObjectType, id: str, value: Any) -> None:
        if kind is ObjectType.INVOICE:
            before = self.things.get((kind, id))
            value = replace(value, id=id, status=before.status if before else InvoiceStatus.DRAFT)
            assert value.customer_id
            assert self.negative_lines or all(line.unit_price.amount >= 0 for line in value.lines), "a negative line"
        elif kind is ObjectType.CREDIT:
            value = replace(value, id=id, amount=ledger_amount(value.lines, value.currency, self.per_line))
        elif kind is ObjectType.PAYMENT:
            assert value.amount.amount > 0
            value = replace(value, id=id)
        self.things[kind, id] = value
        self.check()

    def act(self, kind: ObjectType, id: str, action: str) -> None:
        thing = self.things[kind, id]
        if kind is ObjectType.INVOICE:
            status = {"mark_sent": InvoiceStatus.SENT, "void": InvoiceStatus.VOID, "restore": InvoiceStatus.SENT}[action]
            if action == "void":
                assert not self.payments(id), "an invoice with payments was voided"
            self.things[kind, id] = replace(thing, status=status)
        elif kind is not ObjectType.CUSTOMER:
            self.things[kind, id] = replace(thing, void=action == "void")

    def check(self) -> None:
        """Never more paid than owed, not even in between: FreshBooks would make a credit of it."""
        for (kind, id), thing in list(self.things.items()):
            if kind is ObjectType.INVOICE and thing.status is not InvoiceStatus.VOID:
                assert self.now(kind, id).outstanding.amount >= 0, "overpaid"

    # ---- people ----------------------------------------------------------------------------------------------

    def the(self, kind: ObjectType) -> Any:
        """The only thing of this type, as it stands."""
        [id] = [id for type_, id in self.things if type_ is kind]
        return self.now(kind, id)

    def all(self, kind: ObjectType) -> list[Any]:
        return [self.now(kind, id) for type_, id in self.things if type_ is kind]

    def person(self, kind: ObjectType, id: str, **fields: Any) -> None:
        """Somebody edits by hand; our links know nothing of it."""
        self.things[kind, id] = replace(self.things[kind, id], **fields)

    def verbs(self) -> list[str]:
        return [f"{change.verb} {change.object_type.value} {change.action}".strip() for change in self.writes]
