"""Prints the demo's outcome for people."""

from __future__ import annotations

from collections.abc import Sequence

from config.demo.returns import Return
from config.demo.scenario import Outcome

HEAD = ("platform", "order", "order total", "invoice", "invoice amount", "payments", "exact", "ms")


def table(outcome: Outcome, most: int = 40) -> str:
    """The orders as a table (those that are not exact first), what came back, and the sum of it."""
    ordered = sorted(outcome.orders, key=lambda order: order.exact)
    rows = [
        (
            order.platform,
            order.order,
            f"{order.order_total} {order.currency}",
            order.invoice_number or "-",
            f"{order.invoice_amount} {order.currency}" if order.invoice_amount else "-",
            f"{order.paid} ({order.payments})" if order.payments else "-",
            "yes" if order.exact else f"NO: {order.problem}",
            "-" if order.latency_ms is None else str(order.latency_ms),
        )
        for order in ordered[:most]
    ]
    lines = [*aligned([HEAD, *rows]), *([f"... and {len(ordered) - most} more"] if len(ordered) > most else []), ""]
    lines += [f"{_told(back)}{'' if back.ok else ' - THIS IS NOT RIGHT'}" for back in outcome.returns]
    lines += [f"{one.sentence}{'' if one.ok else ' - THIS IS NOT RIGHT'}" for one in outcome.told]
    lines += [f"This invoice belongs to no order: {number}" for number in outcome.unexplained]
    lines += [f"Needs attention: {reason}" for reason in outcome.reasons]
    return "\n".join([*lines, "", summary(outcome)])


def _told(back: Return) -> str:
    moved = f"order {back.order} in {back.platform} is now {back.status}, {back.notes} note{'' if back.notes == 1 else 's'}"
    return back.story or f"{back.amount} {back.currency} paid on {back.invoice_number}: {moved}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell; amounts and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = {2, 4, 5, 7}
    shaped = [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width) for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return [shaped[0].rstrip(), "  ".join("-" * width for width in widths), *(line.rstrip() for line in shaped[1:])]


def summary(outcome: Outcome) -> str:
    """One line: how many, how exact, how fast, how many calls."""
    count = len(outcome.orders)
    exact = sum(order.exact for order in outcome.orders)
    known = sorted(order.latency_ms for order in outcome.orders if order.latency_ms is not None)
    middle = f", median {known[len(known) // 2]} ms from webhook to invoice" if known else ""
    calls = f"{outcome.ledger_calls / count:.1f} ledger calls per order" if count else "no orders"
    return (
        f"{exact} of {count} orders are exact to the cent in {outcome.seconds:.1f} s{middle}, {calls}. "
        f"{sum(back.ok for back in outcome.returns)} of {len(outcome.returns)} ways back and round went right. "
        f"{outcome.waiting} waiting, {outcome.failed} failed."
    )
