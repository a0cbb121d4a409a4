"""Clients of the FreshBooks sandbox, and what all lists have in common."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fb_sandbox_driver import running

from connectors.kit.sandbox import Call
from connectors.platforms.freshbooks.sandbox import build
from connectors.platforms.freshbooks.sandbox.oauth import SEED_ACCESS_TOKEN
from connectors.platforms.freshbooks.sandbox.state import MAIN_ACCOUNT

KEYS = """accounting_systemid allow_email_include_pdf allow_late_fees allow_late_notifications bus_phone company_industry company_size
    currency_code direct_link_token email exceeds_client_limit fax fname has_retainer home_phone id language last_activity last_login level
    lname mob_phone note notified num_logins number_format organization p_city p_code p_country p_province p_street p_street2 pref_email
    pref_gmail retainer_id role s_city s_code s_country s_province s_street s_street2 signup_date statement_token subdomain updated userid
    username uuid vat_name vat_number vis_state"""
ALL_CLIENT_KEYS = set(KEYS.split())


def test_a_client_has_every_key_and_the_defaults_seen_live() -> None:
    with running(currency="CAD") as books:
        made = books.client(bogus="dropped", p_city="Halifax")
        assert set(made) == ALL_CLIENT_KEYS
        assert made["id"] == made["userid"]
        assert (made["currency_code"], made["home_phone"], made["bus_phone"], made["note"]) == ("CAD", None, "", None)
        assert (made["username"], made["p_city"]) == ("ida", "Halifax")
        assert books.ok("GET", f"users/clients/{made['id']}")["client"] == made


def test_an_email_is_not_unique_and_is_found_exactly_whatever_its_case() -> None:
    with running() as books:
        first, second = books.client(), books.client()
        books.client(email="ida@shop.example.org")
        found = books.ok("GET", "users/clients", search__email="IDA@shop.example")
        assert [row["id"] for row in found["clients"]] == [first["id"], second["id"]]
        assert second["username"] == "ida1"
        assert books.ok("GET", "users/clients", search__email="nobody@shop.example")["clients"] == []


def test_an_empty_client_and_a_bad_address_are_refused() -> None:
    with running() as books:
        assert books.refused("POST", "users/clients", {"client": {"note": "x"}}) == (422, 1001, "organization")
        assert books.refused("POST", "users/clients", {"client": {"email": "x"}}) == (422, 1004, "email")
        assert books.refused("POST", "users/clients", {"client": {"fname": ["x"]}}) == (422, 1006, "fname")
        assert books.ok("GET", "users/clients")["total"] == 0


def test_unknown_filters_and_sorts_are_ignored_without_a_word() -> None:
    with running() as books:
        books.client(organization="Pots")
        books.client(organization="Bowls")
        assert books.ok("GET", "users/clients", search__organization="Pots")["total"] == 2
        assert books.ok("GET", "users/clients", search__organization_like="ots")["total"] == 1
        by_name = books.ok("GET", "users/clients", sort="organization_name_asc")["clients"]
        assert [row["organization"] for row in by_name] == ["Bowls", "Pots"]
        ignored = books.ok("GET", "users/clients", sort="organization_asc")["clients"]
        assert [row["organization"] for row in ignored] == ["Pots", "Bowls"]


def test_lists_of_values() -> None:
    with running() as books:
        ids = [books.client()["id"] for _ in range(3)]
        path = f"/accounting/account/{MAIN_ACCOUNT}/users/clients?search%5Buserids%5D%5B%5D={ids[2]}&search[userids][]={ids[0]}"
        found = books.raw("GET", path).json()["response"]["result"]
        assert [row["id"] for row in found["clients"]] == [ids[0], ids[2]]


def test_pages() -> None:
    with running() as books:
        ids = [books.client()["id"] for _ in range(17)]

        def page(**params: Any) -> tuple[list[int], int, int, int, int]:
            found = books.ok("GET", "users/clients", **params)
            return [row["id"] for row in found["clients"]], found["page"], found["pages"], found["per_page"], found["total"]

        assert page() == (ids[:15], 1, 2, 15, 17)
        assert page(page=0) == (ids[:15], 1, 2, 15, 17)
        assert page(page=2) == (ids[15:], 2, 2, 15, 17)
        assert page(page=9) == ([], 9, 2, 15, 17)
        assert page(per_page=1000) == (ids, 1, 1, 100, 17)
        assert books.refused("GET", "users/clients", page="x") == (422, 1014, "page")
        assert books.refused("GET", "users/clients", per_page="-1") == (422, 1013, "per_page")
        assert books.refused("GET", "users/clients", per_page="0") == (422, 1013, "per_page")
        books.admin("switch", extra_total=3)
        assert books.ok("GET", "users/clients")["total"] == 20


def test_deleted_ones_are_hidden_archived_ones_are_not() -> None:
    with running() as books:
        kept, archived, deleted = (books.client()["id"] for _ in range(3))
        books.ok("PUT", f"users/clients/{archived}", {"client": {"vis_state": 2}})
        gone = books.ok("PUT", f"users/clients/{deleted}", {"client": {"vis_state": 1, "fname": "Other"}})["client"]
        assert (gone["vis_state"], gone["fname"]) == (1, "Ida")  # a body with vis_state changes nothing else
        assert [row["id"] for row in books.ok("GET", "users/clients")["clients"]] == [kept, archived]
        assert [row["id"] for row in books.ok("GET", "users/clients", search__vis_state=1)["clients"]] == [deleted]
        assert [row["id"] for row in books.ok("GET", "users/clients", search__vis_state=2)["clients"]] == [archived]
        assert books.ok("GET", "users/clients", search__email="ida@shop.example")["total"] == 2
        assert books.ok("GET", f"users/clients/{deleted}")["client"]["vis_state"] == 1
        assert books.refused("PUT", f"users/clients/{deleted}", {"client": {"fname": "Y"}}) == (422, 1011, "userid")
        books.ok("PUT", f"users/clients/{deleted}", {"client": {"vis_state": 0}})
        assert [row["id"] for row in books.ok("GET", "users/clients")["clients"]] == [kept, archived, deleted]


class Clock:
    """A sandbox whose time the test sets, called without a network."""

    def __init__(self) -> None:
        self.now = datetime(2026, 7, 2, 2, 30, 15, tzinfo=UTC)
        self.sandbox = build("http://sandbox.example", {"token_lifetime": 10**9}, clock=lambda: self.now.timestamp())

    def call(self, method: str, path: str, body: bytes = b"", *query: tuple[str, str]) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {SEED_ACCESS_TOKEN}"}
        answer = self.sandbox.handle(Call(method, f"/accounting/account/{MAIN_ACCOUNT}/{path}", query, headers, body, ""))
        assert answer.status == 200, answer.body
        return json.loads(answer.body)["response"]["result"]


def test_times_are_eastern_but_the_sign_up_date_is_utc() -> None:
    clock = Clock()
    made = clock.call("POST", "users/clients", b'{"client": {"fname": "Ida"}}')["client"]
    assert (made["updated"], made["signup_date"]) == ("2026-07-01 22:30:15", "2026-07-02 02:30:15")
    clock.now = datetime(2026, 12, 24, 2, 30, 15, tzinfo=UTC)
    changed = clock.call("PUT", f"users/clients/{made['id']}", b'{"client": {"fname": "Eda"}}')["client"]
    assert (changed["updated"], changed["signup_date"]) == ("2026-12-23 21:30:15", "2026-07-02 02:30:15")


def test_updated_min_counts_whole_eastern_days() -> None:
    clock = Clock()
    first = clock.call("POST", "users/clients", b'{"client": {"fname": "One"}}')["client"]["id"]
    clock.now += timedelta(hours=2)  # 00:30 in the East, another day
    second = clock.call("POST", "users/clients", b'{"client": {"fname": "Two"}}')["client"]["id"]

    def since(low: str, high: str = "") -> list[int]:
        query = [("search[updated_min]", low)] + ([("search[updated_max]", high)] if high else [])
        return [row["id"] for row in clock.call("GET", "users/clients", b"", *query)["clients"]]

    assert since("2026-07-01") == [first, second]
    assert since("2026-07-02") == [second]
    assert since("2026-07-01 23:59:59") == [first, second]  # the time of day is not looked at
    assert since("2026-07-01", "2026-07-02") == [first]  # the upper end is excluded
    assert since("2026-07-03") == []
    clock.call("PUT", f"users/clients/{first}", b'{"client": {"fname": "Uno"}}')
    assert since("2026-07-02") == [first, second]


def test_balances_come_by_include_one_amount_per_currency() -> None:
    with running() as books:
        client = books.client()["id"]
        books.invoice(client, "10.00")
        sent = books.invoice(client, "30.00", currency_code="EUR")["id"]
        books.ok("PUT", f"invoices/invoices/{sent}", {"invoice": {"action_mark_as_sent": True}})
        shown = books.ok("GET", f"users/clients/{client}", include="outstanding_balance")["client"]
        assert shown["outstanding_balance"] == [{"amount": {"amount": "30.00", "code": "EUR"}}]
        assert "draft_balance" not in shown
        assert books.ok("GET", "users/clients", search__has_outstanding="true")["total"] == 1
        assert books.ok("GET", "users/clients", search__has_credit="true")["total"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"7", b"\xff", b"[" * 100000, b'{"client": []}', b'{"client": "x"}'])
def test_bodies_that_make_no_sense(body: bytes) -> None:
    with running() as books:
        answer = books.raw("POST", f"/accounting/account/{MAIN_ACCOUNT}/users/clients", data=body)
        assert answer.status_code == 400
        assert answer.json()["response"]["errors"][0]["errno"] == 1005
        assert books.ok("GET", "users/clients")["total"] == 0


def test_who_and_where_is_checked() -> None:
    with running() as books:
        assert books.refused("GET", "users/clients", account="31007001") == (404, 1012, "accountid")
        assert books.refused("GET", "users/clients/999") == (404, 1012, "userid")
        assert books.refused("GET", "users/clients/abc") == (404, 1012, "userid")
        assert books.refused("GET", "users/unknown") == (404, 1012, "")
        assert books.refused("DELETE", f"users/clients/{books.client()['id']}") == (405, 1003, "")
        assert books.raw("GET", "/nothing/here").status_code == 404
        books.token = "stranger"
        assert books.refused("GET", "users/clients") == (401, 1003, "")


def test_errors_in_the_new_shape_and_with_status_200() -> None:
    with running(errors="new") as books:
        answer = books.call("GET", "users/clients/12345")
        assert answer.status_code == 404
        body = answer.json()
        assert (body["code"], body["message"]) == (5, "Request failed with status_code: 404")
        assert body["details"][0]["reason"] == "1012"
        assert body["details"][0]["metadata"] == {"object": "client", "message": "Client not found.", "value": "12345", "field": "userid"}
        books.admin("switch", errors="classic", errors_as_200=True)
        assert books.refused("GET", "users/clients/12345") == (200, 1012, "userid")
        books.admin("switch", errors_as_200=False, gates=["items"])
        assert books.refused("GET", "items/items") == (200, 12001, "")
        assert books.refused("POST", "items/items", {"item": {"name": "Mug"}}) == (200, 12001, "")
        assert books.admin("books")["items"] == []


def test_the_rate_limit_with_and_without_advice() -> None:
    with running(rate_limit={"per_second": 0.001, "burst": 2, "retry_after": 7}) as books:
        answers = [books.call("GET", "users/clients") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["Retry-After"] == "7"
        books.admin("rate_limit", per_second=0.001, burst=2)
        assert "Retry-After" not in books.call("POST", "users/clients", {"client": {"fname": "X"}}).headers
        books.admin("rate_limit")
        assert books.ok("GET", "users/clients")["total"] == 0
