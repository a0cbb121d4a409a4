"""Walking a shop's listings: closed windows, the trash, ties, and rows that move while we walk."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from connectors.canonical.identity import ObjectType, Window
from connectors.kit.account import Account
from connectors.kit.errors import Rejected
from connectors.kit.http import Plumbing
from connectors.platforms.woocommerce import CONNECTOR

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)
HOUR = Window(NOON, NOON + timedelta(hours=1))


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


class Listing:
    """A listing as WooCommerce answers it: exclusive bounds in whole seconds, pages, totals; `before` runs ahead of each call."""

    def __init__(self, rows):
        self.rows, self.asked, self.before, self.headers = rows, [], lambda _asked: None, True

    def __call__(self, request):
        asked = dict(parse_qsl(urlsplit(request.url).query))
        self.before(asked)
        self.asked.append(asked)
        rows = [row for row in self.rows if self.matches(row, asked)]
        assert (asked["orderby"], asked["order"]) == ("id", "asc")
        rows.sort(key=lambda row: row["id"])
        size, page = int(asked["per_page"]), int(asked["page"])
        pages = -(-len(rows) // size)
        shown = rows[(page - 1) * size : page * size]
        headers = {"X-WP-Total": str(len(rows) if shown else 0), "X-WP-TotalPages": str(pages)}
        return 200, headers if self.headers else {}, json.dumps(shown)

    @staticmethod
    def matches(row, asked):
        trashed = row.get("status") == "trash"
        if "status" in asked and trashed != (asked["status"] == "trash"):
            return False
        if "modified_after" not in asked:
            return True
        assert asked["dates_are_gmt"] == "true"
        return asked["modified_after"] < row["date_modified_gmt"] < asked["modified_before"]


@pytest.fixture
def listing():
    shop = Listing([])
    with responses.RequestsMock() as web:
        web.add_callback("GET", re.compile(".*"), callback=shop)
        yield shop


def walk(kind, window, cursor=None):
    shop = CONNECTOR.open(Account("paging", "https://shop.example"), Plumbing(sleep=lambda _seconds: None))
    found, pages = [], 0
    while True:
        page = CONNECTOR.reads[kind].page(shop, window, cursor)
        found.extend(page.notices)
        pages += 1
        if page.next is None:
            return found
        cursor = page.next
        assert pages < 50


def orders(numbers, moment=NOON, status="processing"):
    return [{"id": n, "status": status, "date_modified_gmt": stamp(moment)} for n in numbers]


def test_both_ends_of_the_window_belong_to_it(listing):
    edge = timedelta(seconds=1)
    listing.rows = [
        *orders([1], HOUR.since - edge),
        *orders([2], HOUR.since),
        *orders([3], HOUR.until),
        *orders([4], HOUR.until + edge),
    ]
    assert [notice.source_id for notice in walk(ObjectType.ORDER, HOUR)] == ["2", "3"]
    assert listing.asked[0]["modified_after"] == "2026-03-04T11:59:59"
    assert listing.asked[0]["modified_before"] == "2026-03-04T13:00:01"


def test_a_window_between_two_seconds_takes_the_second_it_began_in(listing):
    half = timedelta(milliseconds=500)
    listing.rows = orders([1], NOON) + orders([2], NOON + timedelta(seconds=1))
    window = Window(NOON + half, NOON + half)
    assert [notice.source_id for notice in walk(ObjectType.ORDER, window)] == ["1"]


@pytest.mark.parametrize("headers", [True, False])
def test_every_order_once_at_equal_times_and_the_trash_behind_them(listing, headers):
    listing.headers = headers
    listing.rows = orders(range(1, 251)) + orders(range(251, 301), status="trash")
    found = walk(ObjectType.ORDER, HOUR)
    assert [notice.source_id for notice in found] == [str(n) for n in range(1, 301)]
    assert [notice.source_id for notice in found if notice.deleted] == [str(n) for n in range(251, 301)]
    assert {notice.version for notice in found} == {"2026-03-04T12:00:00"}


def test_orders_that_leave_the_window_while_we_walk_push_none_past_the_border(listing):
    listing.rows = orders(range(1, 251))

    def touch(asked):
        if asked["page"] == "2" and len(listing.asked) == 1:
            for row in listing.rows[:30]:
                row["date_modified_gmt"] = stamp(HOUR.until + timedelta(hours=1))

    listing.before = touch
    found = {notice.source_id for notice in walk(ObjectType.ORDER, HOUR)}
    assert found == {str(n) for n in range(1, 251)}  # 1..30 were seen before they left


def test_a_shrunken_last_page_is_walked_again(listing):
    listing.rows = orders(range(1, 102))

    def shrink(asked):
        if asked["page"] == "2" and len(listing.asked) == 1:
            listing.rows = orders(range(3, 102))  # now page 2 is past the end, and its total reads 0

    listing.before = shrink
    assert {n.source_id for n in walk(ObjectType.ORDER, HOUR)} == {str(n) for n in range(1, 102)}


def test_customers_are_swept_and_filtered_here(listing):
    day = timedelta(days=1)
    listing.rows = [
        {"id": 1, "date_created_gmt": stamp(NOON - day), "date_modified_gmt": stamp(NOON)},
        {"id": 2, "date_created_gmt": stamp(NOON - day), "date_modified_gmt": stamp(NOON - day)},
        {"id": 3, "date_created_gmt": stamp(HOUR.until), "date_modified_gmt": None},
        {"id": 4, "date_created_gmt": stamp(NOON - day), "date_modified_gmt": None},
    ]
    found = walk(ObjectType.CUSTOMER, HOUR)
    assert [(notice.source_id, notice.version) for notice in found] == [
        ("1", "2026-03-04T12:00:00"),
        ("3", "2026-03-04T13:00:00"),
    ]


def test_products_bring_their_variations(listing):
    listing.rows = [
        {"id": 5, "date_modified_gmt": stamp(NOON), "variations": []},
        {"id": 6, "date_modified_gmt": stamp(NOON), "variations": [7, 8]},
    ]
    assert [notice.source_id for notice in walk(ObjectType.PRODUCT, HOUR)] == ["5", "6", "7", "8"]


@pytest.mark.parametrize("cursor", ["", "any", "any:x:1", "any:1:2:3", "../etc:1:1"])
def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(Rejected, match="cursor: expected walk:page:total"):
        walk(ObjectType.ORDER, HOUR, cursor)
