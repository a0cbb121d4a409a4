"""What an order consists of: products, shipping, tips, duties, fees; each with its own discount and taxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.canonical.money import Money, split
from connectors.canonical.order import ChargeKind, ChargeLine, Discount, LineItem, TaxLine
from connectors.kit.tame import Tame
from connectors.platforms.shopify.ids import number_of
from connectors.platforms.shopify.purse import Purse
from connectors.platforms.shopify.taxes import added, read_taxes, spread_misplaced


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of any kind. net is after discount and without tax, for all units that were ever ordered; kind is None for products."""

    id: str
    kind: ChargeKind | None
    name: str
    quantity: Decimal
    net: Money
    discount: Money
    taxes: tuple[TaxLine, ...] = ()
    sku: str = ""
    product_id: str = ""
    code: str = ""
    still_there: Decimal = Decimal(1)
    may_be_tip: bool = False

    @property
    def tax(self) -> Money:
        return added(self.taxes, self.net.currency)

    @property
    def gross(self) -> Money:
        return self.net + self.tax


def read_pieces(order: Tame, purse: Purse) -> tuple[Piece, ...]:
    """Everything on the order that has a price, as it was before returns."""
    included = order["taxesIncluded"].boolean()
    listed = [
        *(_product(line, purse) for line in order["lineItems"].items() if line["quantity"].integer() > 0),
        *(_shipping(line, place, purse) for place, line in enumerate(order["shippingLines"].items()) if not line["isRemoved"].boolean()),
    ]
    pieces = [*_taxed(listed, included)]
    if not order["dutiesIncluded"].boolean():
        pieces += [_extra(duty, ChargeKind.DUTY, purse) for line in order["lineItems"].items() for duty in line["duties"].items()]
    pieces += [_extra(fee, ChargeKind.FEE, purse) for fee in order["additionalFees"].items()]
    pieces = _with_tip(pieces, purse.read(order["totalTipReceivedSet"]), purse.read(order["totalPriceSet"]))
    rounding = purse.read(order["totalCashRoundingAdjustment"]["paymentSet"])
    if rounding:  # cash at the till is rounded to coins: what was paid differs from the order's total by so much
        pieces.append(Piece("cash-rounding", ChargeKind.FEE, "Cash rounding", Decimal(1), rounding, purse.zero))
    return tuple(pieces)


def _with_tip(pieces: list[Piece], tip: Money, total: Money) -> list[Piece]:
    """The tip once: Shopify shows it in a total of its own, and at times also as a line without product, tax and shipping. A product
    may look just like that, so the order's total decides whether the tip is among the lines already.
    """
    alike = [place for place, piece in enumerate(pieces) if piece.may_be_tip and piece.net == tip] if tip else []
    there = sum((piece.gross.amount for piece in pieces), Decimal(0))
    if alike and abs(there - total.amount) <= abs(there + tip.amount - total.amount):
        place = next((each for each in alike if pieces[each].name.casefold() == "tip"), alike[-1])
        return [*pieces[:place], replace(pieces[place], kind=ChargeKind.TIP), *pieces[place + 1 :]]
    return [*pieces, Piece("tip", ChargeKind.TIP, "Tip", Decimal(1), tip, Money.zero(tip.currency))] if tip else pieces


def _product(line: Tame, purse: Purse) -> Piece:
    """A line for all its units. A sold gift card is a liability, so it is a charge."""
    off = _allocated(line, purse)
    price, sku = purse.read(line["originalTotalSet"]), line["sku"].text_or().strip()
    product, variant = line["product"], line["variant"]
    number = number_of(variant["id"]) if not variant.is_null else number_of(product["id"]) if not product.is_null else ""
    kind = ChargeKind.GIFT_CARD if line["isGiftCard"].boolean() else None
    return Piece(
        id=number_of(line["id"]),
        kind=kind,
        name=line["name"].text_or().strip() or line["title"].text_or().strip() or sku or "Unnamed product",
        quantity=Decimal(line["quantity"].integer()),
        net=price - off,
        discount=off,
        taxes=read_taxes(line["taxLines"], purse),
        sku=sku,
        product_id=number,
        still_there=Decimal(line["currentQuantity"].integer()),
        may_be_tip=not (kind or number or line["taxable"].boolean() or line["requiresShipping"].boolean()),
    )


def _shipping(line: Tame, place: int, purse: Purse) -> Piece:
    off = _allocated(line, purse)
    return Piece(
        id=f"s{place}" if line["id"].is_null else shipping_key(line),
        kind=ChargeKind.SHIPPING,
        name=line["title"].text_or().strip() or "Shipping",
        quantity=Decimal(1),
        net=purse.read(line["originalPriceSet"]) - off,
        discount=off,
        taxes=read_taxes(line["taxLines"], purse),
        code=line["code"].text_or(),
    )


def shipping_key(line: Tame) -> str:
    return f"s{number_of(line['id'])}"


def duty_key(duty: Tame) -> str:
    return f"d{number_of(duty['id'])}"


def _extra(block: Tame, kind: ChargeKind, purse: Purse) -> Piece:
    """A duty on a line, or a fee on the order: a price, with its taxes on top."""
    duty = kind is ChargeKind.DUTY
    return Piece(
        id=duty_key(block) if duty else f"f{number_of(block['id'])}",
        kind=kind,
        name="Duty" if duty else block["name"].text_or().strip() or "Fee",
        quantity=Decimal(1),
        net=purse.read(block["price"]),
        discount=purse.zero,
        taxes=read_taxes(block["taxLines"], purse),
        code=block["harmonizedSystemCode"].text_or() if duty else "",
    )


def _allocated(line: Tame, purse: Purse) -> Money:
    """The whole discount of a line. The line's own total of discounts leaves out those on the order (observed in Shopify's samples)."""
    return purse.sum(*(purse.read(part["allocatedAmountSet"]) for part in line["discountAllocations"].items()))


def _taxed(listed: Sequence[Piece], included: bool) -> Iterator[Piece]:
    """Taxes where they belong, and nets without them. Prices that include tax include it in shipping, too."""
    found = spread_misplaced([piece.net for piece in listed], [piece.taxes for piece in listed], included)
    for piece, taxes in zip(listed, found, strict=True):
        less = added(taxes, piece.net.currency) if included else Money.zero(piece.net.currency)
        yield replace(piece, taxes=taxes, net=piece.net - less)


def less(piece: Piece, units: Decimal, net: Money, tax: Money) -> Piece:
    """The piece without these units, this net and this tax; never below nothing."""
    left_tax = max(piece.tax - tax, Money.zero(tax.currency))
    shares = split(left_tax, [max(one.amount.amount, Decimal(0)) for one in piece.taxes]) if piece.taxes else []
    taxes = tuple(replace(one, amount=share) for one, share in zip(piece.taxes, shares, strict=True))
    kept = piece.quantity - units if units < piece.quantity else piece.quantity
    off = Money(piece.discount.amount * kept / piece.quantity, net.currency).rounded()
    return replace(piece, quantity=kept, net=max(piece.net - net, Money.zero(net.currency)), taxes=taxes, discount=off)


def to_lines(pieces: Sequence[Piece]) -> tuple[LineItem, ...]:
    return tuple(
        LineItem(piece.id, piece.name, piece.quantity, piece.net, piece.discount, piece.taxes, piece.sku, piece.product_id)
        for piece in pieces
        if piece.kind is None
    )


def to_charges(pieces: Sequence[Piece]) -> tuple[ChargeLine, ...]:
    return tuple(
        ChargeLine(piece.id, piece.kind, _counted(piece), piece.net, piece.discount, piece.taxes, piece.code)
        for piece in pieces
        if piece.kind is not None
    )


def _counted(piece: Piece) -> str:
    return piece.name if piece.quantity == 1 else f"{piece.quantity:f} x {piece.name}"


def read_discounts(order: Tame, purse: Purse) -> tuple[Discount, ...]:
    """Codes and titles with what each took off, for the text: the money is out of the lines already."""
    taken: dict[int, Money] = {}
    for line in (*order["lineItems"].items(), *order["shippingLines"].items()):
        for part in line["discountAllocations"].items():
            index = part["discountApplication"]["index"].integer()
            taken[index] = purse.sum(taken.get(index, purse.zero), purse.read(part["allocatedAmountSet"]))
    return tuple(
        Discount(_discount_name(each), taken.get(each["index"].integer(), purse.zero)) for each in order["discountApplications"].items()
    )


def _discount_name(application: Tame) -> str:
    return application.get("code").text_or() or application.get("title").text_or() or "Discount"
