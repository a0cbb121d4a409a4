"""Typed reads of untrusted JSON: what is refused, and that each refusal names its path."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.kit.errors import Rejected
from connectors.kit.tame import Tame, parse_json


@pytest.mark.parametrize(("value", "number"), [(7, 7), ("7", 7), (" -7 ", -7), ("007", 7)])
def test_whole_numbers(value: Any, number: int) -> None:
    assert Tame(value, "n").integer() == number


@pytest.mark.parametrize("value", ["--5", "-", "", "1.0", "9" * 5000, "\u0663", "1_0", True, None, 1.5, [], {}])
def test_what_is_no_whole_number(value: Any) -> None:
    with pytest.raises(Rejected, match=r"^n: expected whole number, got "):
        Tame(value, "n").integer()


@pytest.mark.parametrize("value", [None, "", 0])
def test_an_id_that_has_to_be_there(value: Any) -> None:
    assert Tame(value, "o.id").identifier() == ""
    with pytest.raises(Rejected, match=r"^o\.id: expected identifier, got "):
        Tame(value, "o.id").known_identifier()
    assert Tame(7, "o.id").known_identifier() == "7"


@pytest.mark.parametrize("value", ["7\x00", "\ud800", True, [], {}, 1.5])
def test_what_is_no_id(value: Any) -> None:
    with pytest.raises(Rejected, match=r"^o\.id: expected identifier, got "):
        Tame(value, "o.id").identifier()


def test_texts_lose_what_no_database_takes() -> None:
    body = parse_json(b'{"name": "a\\u0000b\\ud800c \\ud83d\\ude00 \\n"}', "body")
    assert body["name"].text() == "abc \U0001f600 \n"


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00", "1899-12-31T23:59:59", "9001-01-01", "9999-12-31T23:59:59-12:00"])
def test_times_at_the_ends_of_the_calendar_are_refused(value: str) -> None:
    with pytest.raises(Rejected, match=r"^t: expected time of a sane size, got str"):
        Tame(value, "t").time()


def test_times_are_utc() -> None:
    assert Tame("2026-11-02T12:00:00-05:00", "t").time() == datetime(2026, 11, 2, 17, tzinfo=UTC)
    assert Tame("2026-11-02T12:00:00", "t").time() == datetime(2026, 11, 2, 12, tzinfo=UTC)


READS: list[Callable[[Tame], Any]] = [Tame.text, Tame.boolean, Tame.integer, Tame.decimal, Tame.time, Tame.day, Tame.mapping, Tame.currency]


@pytest.mark.parametrize("read", READS)
def test_null_is_never_a_value(read: Callable[[Tame], Any]) -> None:
    with pytest.raises(Rejected, match=r"^a\.b\[2\]\.c: expected .*, got null$"):
        read(list(parse_json(b'{"b": [1, 2, {"c": null}]}', "a")["b"].items())[2]["c"])
