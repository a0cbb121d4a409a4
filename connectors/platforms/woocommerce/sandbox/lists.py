"""Listings: the parameters they share, their exact refusals, the date quirk, page headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from connectors.kit.sandbox import Answer
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.wire import Request, invalid_params, not_in, reply

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)?")
_DATES = ("after", "before", "modified_after", "modified_before")


@dataclass(frozen=True, slots=True)
class Listing:
    """The parameters every listing has, checked."""

    page: int
    per_page: int
    offset: int | None
    order: str
    orderby: str
    include: tuple[int, ...]
    exclude: tuple[int, ...]
    search: str
    dates: tuple[tuple[str, datetime], ...]

    def date(self, name: str) -> datetime | None:
        return dict(self.dates).get(name)

    @property
    def start(self) -> int:
        return (self.page - 1) * self.per_page if self.offset is None else self.offset


@dataclass(frozen=True, slots=True)
class Rules:
    """What one listing allows: how it may be sorted, how it is by default, and further enumerations by parameter."""

    orderby: tuple[str, ...]
    default_orderby: str
    default_order: str = "desc"
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()


Problems = dict[str, tuple[str, str]]


def parse_listing(request: Request, rules: Rules) -> Listing:
    """The listing's parameters; 400 naming every bad one."""
    query, problems = request.query, Problems()
    page = _integer(query, "page", 1, None, problems)
    per_page = _integer(query, "per_page", 10, 100, problems)
    order = _choice(query, "order", ("asc", "desc"), rules.default_order, problems)
    orderby = _choice(query, "orderby", rules.orderby, rules.default_orderby, problems)
    for name, allowed in rules.choices:
        _choices(query, name, allowed, problems)
    dates = _parse_dates(request.shop, query, problems)
    if problems:
        raise invalid_params(problems)
    offset = int(query["offset"]) if str(query.get("offset", "")).isdigit() else None
    ids = (_id_list(query.get("include")), _id_list(query.get("exclude")))
    return Listing(page, per_page, offset, order, orderby, *ids, str(query.get("search", "")).strip(), tuple(dates.items()))


def _integer(query: dict[str, Any], name: str, default: int, high: int | None, problems: Problems) -> int:
    value = query.get(name)
    if value is None:
        return default
    try:
        found = int(str(value))
    except ValueError:
        problems[name] = ("rest_invalid_type", f"{name} is not of type integer.")
        return default
    if found < 1 or (high is not None and found > high):
        limits = "greater than or equal to 1" if high is None else f"between 1 (inclusive) and {high} (inclusive)"
        problems[name] = ("rest_out_of_bounds", f"{name} must be {limits}")
    return found


def _choice(query: dict[str, Any], name: str, allowed: Sequence[str], default: str, problems: Problems) -> str:
    value = str(query.get(name, default))
    if value not in allowed:
        problems[name] = not_in(name, allowed)
    return value


def _choices(query: dict[str, Any], name: str, allowed: Sequence[str], problems: Problems) -> None:
    for position, value in enumerate(word_list(query.get(name))):
        if value not in allowed:
            problems[name] = not_in(f"{name}[{position}]", allowed)


def word_list(value: Any) -> list[str]:
    """A list parameter: repeated, or with commas."""
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return [str(part).strip() for part in parts if str(part).strip()]


def _id_list(value: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in word_list(value) if part.isdigit())


def _parse_dates(shop: Shop, query: dict[str, Any], problems: Problems) -> dict[str, datetime]:
    found = {}
    are_gmt = str(query.get("dates_are_gmt", "false")).lower() in ("true", "1")
    for name in _DATES:
        if query.get(name) in (None, ""):
            continue
        if not _DATE.fullmatch(str(query[name])):
            problems[name] = ("rest_invalid_date", "Invalid date.")
            continue
        try:
            found[name] = read_date(shop, str(query[name]), are_gmt=are_gmt)
        except ValueError:
            problems[name] = ("rest_invalid_date", "Invalid date.")
    return found


def read_date(shop: Shop, value: str, *, are_gmt: bool) -> datetime:
    """A date filter as UTC. Bare: site time, or GMT with the flag. With an offset it is turned into site time first, and
    the flag then takes that for GMT: wrong by the zone's offset (observed with WooCommerce 11.0.1).
    """
    moment = datetime.fromisoformat(value.upper())
    wall = moment.replace(tzinfo=None) if moment.tzinfo is None else moment.astimezone(shop.zone).replace(tzinfo=None)
    return wall.replace(tzinfo=UTC if are_gmt else shop.zone).astimezone(UTC)


def within(moment: datetime, after: datetime | None, before: datetime | None) -> bool:
    """Both bounds are exclusive (observed)."""
    return (after is None or moment > after) and (before is None or moment < before)


def page_answer(
    request: Request, listing: Listing, ids: Sequence[int], render: Callable[[int], bytes], extra: dict[str, str] | None = None
) -> Answer:
    """One page of the ids as a JSON array, with totals and links to its neighbours."""
    start = listing.start
    body = b"[" + b",".join([render(number) for number in ids[start : start + listing.per_page]]) + b"]"
    total = len(ids)
    beyond = listing.page > 1 and start >= total
    if beyond and request.shop.switches.storage == "hpos" and request.call.path.endswith(("/orders", "/refunds")):
        total = 0  # the order tables then know no total, and link back to page 0 (observed)
    pages = -(-total // listing.per_page)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    links = _neighbours(request, listing.page, pages, extra or {})
    if links:
        headers["Link"] = links
    return reply(body, headers=headers)


def _neighbours(request: Request, page: int, pages: int, extra: dict[str, str]) -> str:
    links = []
    if page > 1:
        links.append(f'<{_page_url(request, min(page - 1, pages), extra)}>; rel="prev"')
    if page < pages:
        links.append(f'<{_page_url(request, page + 1, extra)}>; rel="next"')
    return ", ".join(links)


def _page_url(request: Request, page: int, extra: dict[str, str]) -> str:
    """The same listing at another page, with the defaults that WooCommerce spells out."""
    pairs: dict[str, str] = {}
    for name, value in request.query.items():
        if isinstance(value, list) or name == "status":
            pairs.update({f"{name}[{index}]": item for index, item in enumerate(word_list(value))})
        else:
            pairs[name] = str(value)
    pairs["page"] = str(page)
    for name, value in extra.items():
        if name.partition("[")[0] not in request.query:
            pairs[name] = value
    return f"{request.shop.home}{request.call.path}?{urlencode(pairs)}"
