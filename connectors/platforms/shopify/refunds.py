"""Refunds: money given back, and value that left the order without money (edits, cancellations, exchanges)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from connectors.canonical.money import Money, split, total
from connectors.canonical.settlement import Refund, RefundLine, Repaid, TransactionStatus
from connectors.kit.tame import Tame
from connectors.platforms.shopify.ids import number_of
from connectors.platforms.shopify.payments import read_status, refund_rows
from connectors.platforms.shopify.pieces import Piece, duty_key, less, shipping_key
from connectors.platforms.shopify.purse import Purse

SLACK = 2  # minor units by which a refund's parts may miss its money and still explain it


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund record. money: what really went back; open: part of it is not decided yet, or all of it failed; excess: what of the
    money was never owed.
    """

    id: str
    occurred_at: datetime
    reason: str
    money: Money
    repaid: tuple[Repaid, ...]
    open: bool
    lines: tuple[RefundLine, ...]
    adjusted: Money
    excess: Money

    @property
    def worth(self) -> Money:
        """What its lines come to, tax included."""
        found = Money.zero(self.money.currency)
        for line in self.lines:
            found = found + line.total + line.tax
        return found

    @property
    def unpaid(self) -> Money:
        """What left the order without money: an edit or a restock of what was never paid. Adjustments say why money is less than
        worth (a fee kept, damage); their sign is not documented, so either explains.
        """
        zero = Money.zero(self.money.currency)
        if self.open:
            return zero
        gaps = [abs((self.worth + sign - self.money).to_minor()) for sign in (self.adjusted, -self.adjusted)]
        if self.adjusted and min(gaps) <= SLACK:
            return zero
        return max(zero, self.worth - self.money)


def read_refunds(order: Tame, pieces: Sequence[Piece], purse: Purse) -> tuple[GivenBack, ...]:
    """All refund records, oldest first, and refund payments that no record names."""
    by_id, included, tests = {piece.id: piece for piece in pieces}, order["taxesIncluded"].boolean(), order["test"].boolean()
    found = [_read(refund, by_id, purse, included, tests) for refund in order["refunds"].items()]
    named = {number_of(row["id"]) for refund in order["refunds"].items() for row in refund["transactions"].items()}
    found += [_nameless(row, purse) for row in refund_rows(order) if number_of(row["id"]) not in named]
    return tuple(sorted(found, key=lambda back: back.occurred_at))


def _read(refund: Tame, by_id: Mapping[str, Piece], purse: Purse, included: bool, tests: bool) -> GivenBack:
    rows = [row for row in refund["transactions"].items() if row["kind"].text() == "REFUND" and (tests or not row["test"].boolean())]
    done = [row for row in rows if read_status(row) is TransactionStatus.SUCCEEDED]
    repaid = tuple(Repaid(_parent(row), abs(purse.read(row["amountSet"]))) for row in done)
    told = purse.read(refund["totalRefundedSet"])
    money = purse.sum(*(part.amount for part in repaid)) if rows else told
    waiting = any(read_status(row) is TransactionStatus.PENDING for row in rows)
    adjusted = (purse.read(one["amountSet"]) + purse.read(one["taxAmountSet"]) for one in refund["orderAdjustments"].items())
    return GivenBack(
        id=number_of(refund["id"]),
        occurred_at=refund["processedAt"].time() if not refund["processedAt"].is_null else refund["createdAt"].time(),
        reason=refund["note"].text_or().strip(),
        money=money,
        repaid=repaid,
        open=waiting or bool(rows and not done),
        lines=tuple(_lines(refund, by_id, purse, included)),
        adjusted=purse.sum(*adjusted),
        excess=purse.zero,
    )


def _parent(row: Tame) -> str:
    parent = row["parentTransaction"]
    return "" if parent.is_null else number_of(parent["id"])


def _nameless(row: Tame, purse: Purse) -> GivenBack:
    amount = abs(purse.read(row["amountSet"]))
    moment = row["processedAt"] if not row["processedAt"].is_null else row["createdAt"]
    parts = (Repaid(_parent(row), amount),)
    return GivenBack(f"t{number_of(row['id'])}", moment.time(), "", amount, parts, False, (), purse.zero, purse.zero)


def _lines(refund: Tame, by_id: Mapping[str, Piece], purse: Purse, included: bool) -> Iterator[RefundLine]:
    """Products, shipping and duties that were given back."""
    for row in refund["refundLineItems"].items():
        key, units = number_of(row["lineItem"]["id"]), Decimal(row["quantity"].integer())
        piece = by_id.get(key)
        share = units / piece.quantity if piece else Decimal(0)
        yield _line(key, units, purse.read(row["subtotalSet"]), purse.read(row["totalTaxSet"]), piece, share, included)
    for row in refund["refundShippingLines"].items():
        key = shipping_key(row["shippingLine"])
        amount, tax = purse.read(row["subtotalAmountSet"]), purse.read(row["taxAmountSet"])
        yield _line(key, Decimal(1), amount, tax, by_id.get(key), Decimal(1), included)
    for row in refund["duties"].items_or_none():
        if not row["originalDuty"].is_null:
            yield RefundLine(duty_key(row["originalDuty"]), Decimal(1), purse.read(row["amountSet"]), purse.zero)


def _line(key: str, units: Decimal, amount: Money, tax: Money, piece: Piece | None, share: Decimal, included: bool) -> RefundLine:
    """Whether the amount has the tax inside is not documented for shops with tax in their prices: the line itself decides."""
    inside = included
    if included and tax and piece is not None:
        gross, net = piece.gross.amount * share, piece.net.amount * share
        inside = abs(gross - amount.amount) <= abs(net - amount.amount)
    return RefundLine(key, units, amount - tax if inside else amount, tax)


# ---- value that left without money -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remaining:
    """The pieces that are still owed (before money refunds), what left, tax included and tax alone, and with which refund record."""

    pieces: tuple[Piece, ...]
    removed: Money
    removed_tax: Money
    gone: Mapping[str, Money]


def take_removed(pieces: Sequence[Piece], given: Sequence[GivenBack], unpaid: Money, frozen: bool, purse: Purse) -> Remaining:
    """Take off what left the order without money. frozen: of a cancelled order stays what the shop still holds money for.

    unpaid: what is not paid yet. Where a refund did give money back, no more than that can have left besides: the rest was kept.
    """
    left, before, left_with = {piece.id: piece for piece in pieces}, list(pieces), dict[str, Money]()
    for back in given:
        kept = frozen or bool(back.money)
        gone = min(back.unpaid, max(unpaid, purse.zero)) if kept else back.unpaid
        if gone:
            _take(left, back, gone)
            unpaid, left_with[back.id] = unpaid - gone, gone
    if not frozen:
        _take_unexplained(left, before, given)
    after = tuple(left[piece.id] for piece in before)
    removed = purse.sum(*(piece.gross for piece in before)) - purse.sum(*(piece.gross for piece in after))
    removed_tax = purse.sum(*(piece.tax for piece in before)) - purse.sum(*(piece.tax for piece in after))
    was = {piece.id: piece for piece in before}
    still = tuple(piece for piece in after if piece == was[piece.id] or piece.net or piece.tax)
    return Remaining(still, removed, removed_tax, left_with)


def _take(left: dict[str, Piece], back: GivenBack, gone: Money) -> None:
    """By its lines where all of them left without money, else each line's share."""
    lines = [line for line in back.lines if line.line_id in left]
    if not lines:
        return
    if gone == back.worth:
        for line in lines:
            left[line.line_id] = less(left[line.line_id], line.quantity, line.total, line.tax)
        return
    shares = split(gone, [max((line.total + line.tax).amount, Decimal(0)) for line in lines])
    for line, share in zip(lines, shares, strict=True):
        whole = line.total + line.tax
        net = Money(share.amount * line.total.amount / whole.amount, share.currency).rounded() if whole else share
        left[line.line_id] = less(left[line.line_id], Decimal(0), net, share - net)


def _take_unexplained(left: dict[str, Piece], pieces: Sequence[Piece], given: Sequence[GivenBack]) -> None:
    """Units that an edit removed and no refund names. The line's discount and taxes still cover all units, so each gives its share
    (two at 48.00 less 20 %, one removed: the other one keeps 20 %, not 40 %).
    """
    for piece in pieces:
        named = sum((line.quantity for back in given for line in back.lines if line.line_id == piece.id), Decimal(0))
        gone = piece.quantity - piece.still_there - named
        if gone <= 0:
            continue
        weights = [gone, piece.quantity - gone]
        left[piece.id] = less(left[piece.id], gone, split(piece.net, weights)[0], split(piece.tax, weights)[0])


def find_excess(given: Sequence[GivenBack], gone: Mapping[str, Money], paid: Money, owed: Money, current: Money) -> tuple[GivenBack, ...]:
    """Somebody paid twice, or an edit took away what was paid, and later the excess went back: the order is worth what it was.

    owed: what the order comes to before money went back; current: its own total of now (one that was cancelled has none). No more is
    excess than was paid beyond what was owed then, than a refund gave beyond its lines, and than the total of now agrees with.
    """
    zero = Money.zero(owed.currency)
    refunded, found = zero, list[GivenBack]()
    room = current - owed + total((back.money for back in given), owed.currency)
    worth = owed + total(gone.values(), owed.currency)
    for back in given:
        worth = worth - gone.get(back.id, zero)
        excess = max(zero, min(paid - refunded - worth, back.money - back.worth, room))
        worth, refunded, room = worth - (back.money - excess), refunded + back.money, room - excess
        found.append(replace(back, excess=excess))
    return tuple(found)


def to_refunds(given: Sequence[GivenBack]) -> tuple[Refund, ...]:
    """Refunds that gave money back. One that also took unpaid value off has told its lines already; then only the amount counts."""
    return tuple(
        Refund(
            id=back.id,
            amount=back.money,
            occurred_at=back.occurred_at,
            reason=back.reason,
            lines=() if back.unpaid else back.lines,
            transaction_id=back.repaid[0].transaction_id if len(back.repaid) == 1 else "",
            repaid=back.repaid if len(back.repaid) > 1 else (),
            excess=back.excess or None,
        )
        for back in given
        if back.money.amount > 0
    )
