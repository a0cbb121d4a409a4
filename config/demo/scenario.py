"""The demo's scenario: customers order, the orders are booked, a person records payments in the books, the shops learn of them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from config.demo.collecting import collect
from config.demo.comparison import OrderResult, compare_order, sort_invoices
from config.demo.platforms import Miniature
from config.demo.progress import count_up, tell
from config.demo.returns import Return
from config.demo.stage import Stage, invoice_prefix, waiting_statuses
from config.demo.telling import Told, tell_the_shops
from config.demo.watching import open_jobs, wait_for_rest
from connectors.canonical.identity import ObjectType
from flows.models import ExternalLink, InboundEvent, SyncJob, SyncRecord

PAID_PER_SHOP = 3
STUCK = (SyncJob.State.ATTENTION, SyncJob.State.DEAD)

Orders = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Outcome:
    """What the scenario came to."""

    orders: tuple[OrderResult, ...]
    returns: tuple[Return, ...]
    waiting: int
    failed: int
    unexplained: tuple[str, ...]
    ledger_calls: int
    seconds: float
    ledger: str
    reasons: tuple[str, ...] = ()
    calls_by_kind: Mapping[str, int] = field(default_factory=dict)
    told: tuple[Told, ...] = ()

    @property
    def exact(self) -> bool:
        """Every order is in the books to the cent and once, every payment came back, and nothing else is in the books."""
        whole = all(order.exact for order in self.orders) and all(back.ok for back in self.returns)
        whole = whole and all(one.ok for one in self.told)
        return bool(self.orders) and whole and not (self.unexplained or self.waiting or self.failed)

    def as_json(self) -> dict[str, Any]:
        return {
            "orders": [order.as_json() for order in self.orders],
            "returns": [asdict(back) for back in self.returns],
            "told": [asdict(one) for one in self.told],
            "waiting": self.waiting,
            "failed": self.failed,
            "reasons": list(self.reasons),
            "unexplained_invoices": list(self.unexplained),
            f"{self.ledger}_calls": self.ledger_calls,
            f"{self.ledger}_calls_by_kind": dict(self.calls_by_kind),
            "seconds": round(self.seconds, 3),
            "exact": self.exact,
        }


def play(stage: Stage, count: int, seed: int, stopping: threading.Event) -> Outcome:
    """All of it. Raises DemoStopped at Ctrl-C; what does not come about is in the outcome."""
    stage.ledger.command("forget")
    started = time.monotonic()
    orders = place_orders(stage, count, seed)
    tell(f"{sum(map(len, orders.values()))} orders were placed; their webhooks are on the way.")
    _wait_for_orders(stage, orders, stopping)
    seconds = time.monotonic() - started
    counters = stage.ledger.command("counters")
    results, unexplained = compare(stage, orders)
    returns = _pay_and_wait(stage, orders, results, stopping)
    more = tell_the_shops(stage, orders, results, stopping)
    returns = [*returns, *collect(stage, stopping)]
    rested = wait_for_rest(stage.flows, (*stage.shops, stage.ledger), lambda: 0, 0, stopping)  # what polls found meanwhile comes to its end
    stuck = SyncJob.objects.filter(flow__in=[flow.pk for flow in stage.flows], state__in=STUCK)
    return Outcome(
        orders=tuple(results),
        returns=tuple(returns),
        waiting=(0 if rested else open_jobs(stage.flows)) + _not_seen(stage, orders),
        failed=stuck.count(),
        unexplained=tuple(unexplained),
        ledger_calls=int(counters.pop("calls", 0)),
        calls_by_kind=dict(sorted(counters.items())),
        seconds=seconds,
        ledger=stage.ledger.platform,
        told=tuple(more),
        reasons=tuple(stuck.values_list("reason", flat=True)[:5]),
    )


def place_orders(stage: Stage, count: int, seed: int) -> Orders:
    """So many orders, shared among the shops."""
    shares = [count // len(stage.shops) + (place < count % len(stage.shops)) for place in range(len(stage.shops))]
    return {
        shop.platform: shop.command("place_orders", count=share, seed=seed)["orders"]
        for shop, share in zip(stage.shops, shares, strict=True)
        if share
    }


def _wait_for_orders(stage: Stage, orders: Orders, stopping: threading.Event) -> None:
    whole = sum(map(len, orders.values()))
    advance_to, finish = count_up("Orders in the books", whole)

    def booked() -> int:
        number = whole - _not_seen(stage, orders)
        advance_to(number)
        return number

    wait_for_rest(tuple(stage.flows_out.values()), stage.shops, booked, whole, stopping)
    finish()


def _not_seen(stage: Stage, orders: Orders) -> int:
    """Orders that no job has finished with."""
    return sum(
        len(placed)
        - SyncRecord.objects.filter(flow=stage.flows_out[platform], source_id__in=[str(order["id"]) for order in placed])
        .exclude(outcome="")
        .count()
        for platform, placed in orders.items()
    )


def compare(stage: Stage, orders: Orders) -> tuple[list[OrderResult], list[str]]:
    """Every order beside its invoices, and the invoices that belong to none."""
    numbers = {
        f"{shop.platform} {order['id']}": f"{invoice_prefix(shop)}{order['number']}"
        for shop in stage.shops
        for order in orders.get(shop.platform, ())
    }
    found, unexplained = sort_invoices(stage.ledger.command("books")["invoices"], numbers)
    results = []
    for platform, placed in orders.items():
        latencies = _latencies(stage, platform)
        for order in placed:
            invoices = found[f"{platform} {order['id']}"]
            latency = latencies.get(str(order["id"]), {}).get(str(invoices[0]["id"])) if invoices else None
            results.append(compare_order(platform, order, invoices, latency))
    return results, unexplained


def _latencies(stage: Stage, platform: str) -> dict[str, dict[str, int]]:
    """Milliseconds from an order's first webhook, or the poll that found it, to its invoice's confirmation, by order id and invoice id."""
    shop, ledger = stage.connections[platform], stage.connections[stage.ledger.platform]
    events = InboundEvent.objects.filter(connection=shop, object_type=ObjectType.ORDER).order_by("-received_at")
    told = dict(events.values_list("source_id", "received_at"))
    links = ExternalLink.objects.filter(source=shop, destination=ledger, object_type=ObjectType.INVOICE, confirmed_at__isnull=False)
    jobs = SyncJob.objects.filter(flow=stage.flows_out[platform]).order_by("-created_at")
    order_of = dict(jobs.values_list("pk", "source_id"))
    heard = dict(jobs.values_list("source_id", "created_at")) | told
    found: dict[str, dict[str, int]] = {}
    for job_id, remote_id, confirmed_at in links.values_list("job_id", "remote_id", "confirmed_at"):
        order = order_of.get(job_id or 0, "")
        if order in heard and confirmed_at:
            found.setdefault(order, {})[remote_id] = round((confirmed_at - heard[order]).total_seconds() * 1000)
    return found


def _pay_and_wait(stage: Stage, orders: Orders, results: Sequence[OrderResult], stopping: threading.Event) -> list[Return]:
    """A person records payments of waiting orders in the books; what comes back to the shop is read from the shop."""
    hearing = [shop for shop in stage.shops if shop.platform in stage.flows_back]
    paid = [pair for shop in hearing for pair in _pay(stage, shop, orders.get(shop.platform, ()), results)]
    if paid:
        tell(f"A person records {len(paid)} payments in {stage.ledger.label}.")

    def look() -> list[Return]:
        return [_look(stage, shop, order, payment) for shop, order, payment in paid]

    def good() -> int:
        return sum(back.ok for back in look())

    wait_for_rest(stage.flows, (*stage.shops, stage.ledger), good, len(paid), stopping)
    return look()


Paid = tuple[Miniature, Mapping[str, Any], Mapping[str, Any]]


def _pay(stage: Stage, shop: Miniature, orders: Sequence[Mapping[str, Any]], results: Sequence[OrderResult]) -> list[Paid]:
    exact = {result.order: result for result in results if result.platform == shop.platform and result.exact and result.invoice_number}
    waiting = [
        order
        for order in orders
        if order["status"] in waiting_statuses() and str(order["number"]) in exact and exact[str(order["number"])].paid.strip("0.") == ""
    ]
    return [
        (shop, order, stage.ledger.command("pay", number=exact[str(order["number"])].invoice_number)["invoice"])
        for order in waiting[:PAID_PER_SHOP]
    ]


def _look(stage: Stage, shop: Miniature, order: Mapping[str, Any], invoice: Mapping[str, Any]) -> Return:
    """ok: the order is no longer waiting, and exactly one note tells of the payment."""
    status = next(now["status"] for now in shop.command("orders")["orders"] if str(now["id"]) == str(order["id"]))
    texts = [json.dumps(note) for note in shop.command("order", id=order["id"])["notes"]]
    notes = [text for text in texts if str(invoice["number"]) in text and "Payment of" in text]
    return Return(
        platform=shop.platform,
        order=str(order["number"]),
        invoice_number=str(invoice["number"]),
        amount=str(invoice["paid"]),
        currency=str(invoice["currency"]),
        status=status,
        notes=len(notes),
        ok=status not in waiting_statuses() and len(notes) == 1,
    )
