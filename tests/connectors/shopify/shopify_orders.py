"""Generated Shopify orders and what happens to them, as commands to a sandbox shop that nobody serves."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from connectors.canonical.order import Order
from connectors.kit.account import Account
from connectors.kit.tame import parse_json
from connectors.platforms.shopify.orders import normalise_order
from connectors.platforms.shopify.sandbox import build
from connectors.platforms.shopify.sandbox.order_json import figures, units_left
from connectors.platforms.shopify.sandbox.reckoning import reckon

ACCOUNT = {"time_zone": "America/Toronto", "currency": "CAD"}
TAXES: tuple[list[list[str]], ...] = (
    [],
    [["HST", "0.13"]],
    [["GST", "0.05"], ["QST", "0.09975"]],
    [["VAT", "0.2"]],
    [["MwSt", "0.077"]],
    [["State", "0.0625"], ["County", "0.01"]],
)
BUYERS = (None, None, ["JPY", "112.4"], ["KWD", "0.2247"], ["EUR", "0.6241"])
cents = st.integers(0, 30_000).map(lambda n: f"{Decimal(n) / 100:.2f}")
small = st.integers(1, 2_000).map(lambda n: f"{Decimal(n) / 100:.2f}")


def maybe(draw: Any, strategy: Any, one_in: int = 2) -> Any:
    return draw(strategy) if draw(st.integers(1, one_in)) == 1 else None


@st.composite
def lines(draw: Any) -> dict[str, Any]:
    """A product, a sold gift card, at times with a duty."""
    card = draw(st.integers(0, 7)) == 0
    line = {"name": "Gift card" if card else "Thing", "price": draw(cents), "quantity": draw(st.integers(1, 9))}
    line |= {"gift_card": card, "taxable": not card and draw(st.integers(0, 5)) > 0, "shipped": not card}
    if not card and draw(st.integers(0, 4)) == 0:
        line["duty"] = draw(small)
    return line


@st.composite
def discounts(draw: Any) -> dict[str, Any]:
    worth = draw(st.sampled_from([{"percent": "10"}, {"percent": "33.3"}, {"percent": "100"}, {"amount": "3.33"}, {"amount": "40.00"}]))
    return {"code": draw(st.sampled_from(["SPRING", "LOYAL"])), "shipping": draw(st.booleans()), **worth}


_PAYMENTS: tuple[list[list[str]], ...] = (
    [["SALE", "shopify_payments", "1"]],
    [["SALE", "shopify_payments", "1"]],
    [["AUTHORIZATION", "shopify_payments", "1"], ["CAPTURE", "shopify_payments", "1"]],
    [["SALE", "gift_card", "0.3"], ["SALE", "gift_card", "0.25"], ["SALE", "shopify_payments", "0.45"]],
    [["SALE", "paypal", "1", "FAILURE"], ["SALE", "shopify_store_credit", "1"]],
    [["SALE", "bank deposit", "0.4"], ["SALE", "bank deposit", "0.6", "PENDING"]],
    [["SALE", "shopify_payments", "1"], ["SALE", "manual", "1"]],
    [["AUTHORIZATION", "shopify_payments", "1"]],
    [],
)


@st.composite
def orders(draw: Any) -> dict[str, Any]:
    """The body of "place_order"."""
    body: dict[str, Any] = {
        "lines": draw(st.lists(lines(), min_size=1, max_size=4)),
        "taxes": draw(st.sampled_from(TAXES)),
        "included": draw(st.booleans()),
        "payments": draw(st.sampled_from(_PAYMENTS)),
        "discounts": draw(st.lists(discounts(), max_size=3)),
        "tip": maybe(draw, small, 3) or 0,
        "tip_line": draw(st.booleans()),
        "fees": [["Gift wrapping", draw(small)]] if draw(st.integers(0, 2)) == 0 else [],
        "created": "2026-07-02T02:30:00+00:00",
    }
    if (shipping := maybe(draw, small)) is not None:
        body["shipping"] = shipping
    if (buyer := draw(st.sampled_from(BUYERS))) is not None:
        body["buyer"] = buyer
    return body


class Teas:
    """One order at a sandbox shop."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.sandbox = build("http://teas.test", {"seed": 3})
        self.id = self.ask("place_order", **body)["id"]
        self.order = self.sandbox.state.orders[int(self.id)]
        self.repaid_shipping = False

    def ask(self, action: str, **body: Any) -> Any:
        return self.sandbox.command(action, body)

    def read(self, currency: str) -> Order:
        """The order as the connector reads it from the shop's JSON."""
        account = Account("teas", "https://teas.myshopify.com", settings={"order_currency": currency}, **ACCOUNT)
        raw = parse_json(json.dumps({"order": self.ask("order", id=self.id)["order"]}).encode(), "raw").value
        return normalise_order(raw, account)

    def books(self, currency: str) -> tuple[Decimal, Decimal, str]:
        """What the books should come to: (invoice, paid, currency)."""
        side = self.order.sides[currency == "presentment"]
        now = figures(self.order, side)
        held = max(Decimal(0), now.received - now.refunded)
        worth = max(Decimal(0), now.worth)
        if self.order.cancelled:  # as long as the shop holds money for it, so much of its invoice stands
            kept = reckon(self.order, side).total - now.lowered
            worth = held and max(worth, min(held, kept))
        return worth, min(held, worth), side.currency

    def left(self) -> dict[str, int]:
        return {str(i): left for i, line in enumerate(self.order.lines) if (left := units_left(self.order, line)) > 0}


def happen(draw: Any, teas: Teas) -> str:
    """One thing that people do to the order; what it was, "" when there was nothing to do."""
    now = figures(teas.order)
    held, left = now.received - now.refunded, teas.left()
    ways = ["capture", "add"] if not teas.order.cancelled else []
    ways += ["amount"] * (held > 0 and now.worth > 0) + ["excess"] * (held > now.worth)
    ways += (["units", "units", "kept"] * (held >= now.worth) + ["remove", "cancel"]) if left and not teas.order.cancelled else []
    if not ways:
        return ""
    way = draw(st.sampled_from(ways))
    _WAYS[way](draw, teas, held, left)
    return way


def _refund(teas: Teas, **body: Any) -> None:
    teas.ask("refund", id=teas.id, **body)


def _some(draw: Any, left: dict[str, int]) -> dict[str, int]:
    places = draw(st.lists(st.sampled_from(sorted(left)), min_size=1, unique=True))
    return {place: draw(st.integers(1, left[place])) for place in places}


def _units(draw: Any, teas: Teas, held: Decimal, left: dict[str, int]) -> None:
    """Units and all that they are worth, at times with shipping and duties; pending, failed or done."""
    shipping = bool(teas.order.shipping) and not teas.repaid_shipping and draw(st.booleans())
    status = draw(st.sampled_from(["SUCCESS"] * 4 + ["PENDING", "FAILURE"]))
    teas.repaid_shipping |= shipping
    whole = {place: count for place, count in left.items() if count == teas.order.lines[int(place)].quantity}
    duties = bool(whole) and draw(st.booleans())
    units = whole if duties else _some(draw, left)
    _refund(teas, units=units, shipping=shipping, duties=duties, status=status)
    if status == "PENDING" and draw(st.booleans()):
        teas.ask("settle_refund", id=teas.id, status="SUCCESS")


def _kept(draw: Any, teas: Teas, _held: Decimal, left: dict[str, int]) -> None:
    """Units came back and part of their price was kept: Shopify explains the gap by an adjustment."""
    _refund(teas, units=_some(draw, left), money="0.01", adjusted=True)


def _amount(draw: Any, teas: Teas, held: Decimal, _left: dict[str, int]) -> None:
    most = min(held, figures(teas.order).worth)
    _refund(teas, money=str(draw(st.integers(1, max(1, int(most * 100)))) * Decimal("0.01")), note="goodwill")


def _excess(_draw: Any, teas: Teas, held: Decimal, _left: dict[str, int]) -> None:
    """What was paid too much goes back."""
    _refund(teas, money=str(held - figures(teas.order).worth))


_WAYS: dict[str, Any] = {
    "units": _units,
    "kept": _kept,
    "amount": _amount,
    "excess": _excess,
    "remove": lambda draw, teas, _held, left: teas.ask("remove_units", id=teas.id, units=_some(draw, left)),
    "add": lambda draw, teas, _held, _left: teas.ask("add_line", id=teas.id, line={**draw(lines()), "gift_card": False}),
    "capture": lambda draw, teas, _held, _left: teas.ask(
        "capture", id=teas.id, weight="0.4", kind=draw(st.sampled_from(["SALE", "CAPTURE"]))
    ),
    "cancel": lambda draw, teas, _held, _left: teas.ask("cancel", id=teas.id, repay=draw(st.booleans())),
}
