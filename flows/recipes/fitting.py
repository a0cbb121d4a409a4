"""Makes lines come to a target exactly: a rounding line of zero or more, prices lowered by minor units where that is too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain

from connectors.canonical.ledger import InvoiceLine
from connectors.canonical.money import Money, exponent
from connectors.kit.errors import NeedsAttention
from flows.recipes.arithmetic import RULES, RoundingRule, predict, predictions

LEAST_BOUND = 5  # minor units
CANDIDATES = 8  # lines tried when a price has to give

Lines = tuple[InvoiceLine, ...]


@dataclass(frozen=True, slots=True)
class RoundingPolicy:
    """What may be done for the last cent: the rounding line's name, the bound per order, whether a line may be negative."""

    name: str
    bound: Decimal
    negative: bool = False

    def bound_in(self, currency: str) -> int:
        """The bound in minor units, never less than five of them: 5 JPY, 0.05 USD, 0.050 KWD by default."""
        return max(LEAST_BOUND, int(self.bound.scaleb(exponent(currency))))


def fit(candidates: Sequence[Lines], target: Money, policy: RoundingPolicy) -> Lines:
    """The first candidate that comes to the target within the bound, made exact. NeedsAttention when none does.

    One that stays within it under every rounding rule goes first: then it cannot matter which one the ledger follows.
    """
    bound = policy.bound_in(target.currency)
    close = (lines for lines in candidates if _deviation(lines, target, RULES) <= bound)
    for lines in chain(close, candidates):
        if _deviation(lines, target, RULES[:1]) > bound:
            continue
        fitted = _close(lines, (target - predict(lines, target.currency)).to_minor(), bound, policy, target.currency)
        if fitted is not None:
            return fitted
    raise _beyond(predict(candidates[0], target.currency), target, bound)


def _deviation(lines: Lines, target: Money, rules: Sequence[RoundingRule]) -> int:
    """By how many minor units the lines miss the target at worst under these rules."""
    return max(abs((target - predict(lines, target.currency, rule)).to_minor()) for rule in rules)


def adjust(lines: Lines, shown: Money, target: Money, policy: RoundingPolicy) -> Lines:
    """Correct what the ledger shows for these lines by the difference to the target, whatever its rounding rule is.

    The rounding line moves the amount exactly. Where a price has to give, the amount first stays at or above the target under every
    rule, so that nothing is overpaid on the way; the next round takes the rest off the rounding line.
    """
    bound = policy.bound_in(target.currency)
    body, held = _take_rounding(lines, policy.name)
    left = held + (target - shown).to_minor()
    if abs(left) > bound:
        raise _beyond(shown, target, bound)
    if left >= 0:
        return _with_rounding(body, left, policy.name, target.currency)
    lowered = _lower(body, -left, target.currency, RULES)
    if lowered is not None:
        return _with_rounding(lowered.lines, lowered.most, policy.name, target.currency)
    closed = _negative(body, left, policy, target.currency)
    if closed is None:
        raise _beyond(shown, target, bound)
    return closed


def cautious(lines: Lines, target: Money, policy: RoundingPolicy) -> Lines:
    """The lines with so much on the rounding line that no rounding rule comes to less than the target (see adjust)."""
    short = (target - min(predictions(lines, target.currency))).to_minor()
    body, held = _take_rounding(lines, policy.name)
    return _with_rounding(body, held + max(0, short), policy.name, target.currency)


def _beyond(predicted: Money, target: Money, bound: int) -> NeedsAttention:
    return NeedsAttention(
        f"The books would come to {predicted} but the order says {target}; the rounding line may carry at most "
        f"{Money.from_minor(bound, target.currency)}. Check the taxes of the order, or raise the rounding bound of the flow.",
        code="rounding_beyond_bound",
    )


def _close(lines: Lines, gap: int, bound: int, policy: RoundingPolicy, currency: str) -> Lines | None:
    if gap >= 0:
        return _with_rounding(lines, gap, policy.name, currency)
    lowered = _lower(lines, -gap, currency, RULES[:1])
    if lowered is None:
        return _negative(lines, gap, policy, currency)
    return _with_rounding(lowered.lines, lowered.least, policy.name, currency) if lowered.least <= bound else None


def _negative(lines: Lines, units: int, policy: RoundingPolicy, currency: str) -> Lines | None:
    """Nothing on the invoice can give: only a negative rounding line reaches the total, where the ledger takes one."""
    return _with_rounding(lines, units, policy.name, currency) if policy.negative else None


def _with_rounding(lines: Lines, units: int, name: str, currency: str) -> Lines:
    if not units:
        return lines
    return (*lines, InvoiceLine(name, "", Decimal(1), Money.from_minor(units, currency)))


def without_rounding(lines: Lines, name: str) -> Lines:
    """The lines without the rounding line that we put last."""
    return _take_rounding(lines, name)[0]


def _take_rounding(lines: Lines, name: str) -> tuple[Lines, int]:
    """The lines without the rounding line that we put last, and what it held."""
    if lines and lines[-1].name == name and not lines[-1].taxes and lines[-1].unit_price.is_exact:
        last = lines[-1]
        return lines[:-1], last.unit_price.to_minor() * int(last.quantity)
    return lines, 0


@dataclass(frozen=True, slots=True)
class _Lowered:
    """Lines with one price lowered, and how many minor units more than needed the amount fell: by the rules at least and at most."""

    lines: Lines
    least: int
    most: int


def _lower(lines: Lines, units: int, currency: str, rules: Sequence[RoundingRule]) -> _Lowered | None:
    """Lower one price by so few minor units that the amount falls by at least `units` under each rule.

    Lines of quantity 1 give in the finest steps and are preferred, then the dearest. None when no line can give that much.
    """
    before = [predict(lines, currency, rule).to_minor() for rule in rules]

    def compare(changed: Lines) -> _Lowered:
        falls = [was - predict(changed, currency, rule).to_minor() for was, rule in zip(before, rules, strict=True)]
        return _Lowered(changed, min(falls) - units, max(falls) - units)

    payable = [i for i, line in enumerate(lines) if line.unit_price.to_minor() > 0]
    payable.sort(key=lambda i: (lines[i].quantity != 1, -lines[i].unit_price.amount, i))
    found: _Lowered | None = None
    for i in payable[:CANDIDATES]:
        option = _lower_line(lines, i, units, compare)
        if option and (found is None or option.least < found.least):
            found = option
        if found and not found.least:
            break
    return found


def _lower_line(lines: Lines, i: int, units: int, compare: Callable[[Lines], _Lowered]) -> _Lowered | None:
    line = whole(lines[i])
    price = line.unit_price.to_minor()
    for less in range(1, min(units, price) + 1):
        lowered = replace(line, unit_price=Money.from_minor(price - less, line.unit_price.currency))
        option = compare((*lines[:i], lowered, *lines[i + 1 :]))
        if option.least >= 0:
            return option
    return None


def whole(line: InvoiceLine) -> InvoiceLine:
    """A line of several pieces as one piece of the same amount, named "3 x Mug", so that its price moves in single minor units."""
    if line.quantity == 1:
        return line
    amount = line.unit_price * line.quantity
    return replace(line, name=f"{counted(line.quantity)} x {line.name}", quantity=Decimal(1), unit_price=amount.rounded())


def counted(quantity: Decimal) -> str:
    """A quantity for people: 3, 1.5."""
    return format(quantity.normalize(), "f")
