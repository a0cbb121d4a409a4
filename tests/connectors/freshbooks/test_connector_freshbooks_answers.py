"""What FreshBooks' answers mean, how its times and texts are read, and the countries."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.ledger import InvoiceLine, InvoiceStatus, InvoiceTax
from connectors.canonical.money import Money
from connectors.kit.account import Account
from connectors.kit.errors import Conflict, Gone, NeedsAttention, Refused, Rejected, SyncError, Transient, Unauthorised
from connectors.kit.http import Response
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import CONNECTOR
from connectors.platforms.freshbooks.answers import classify
from connectors.platforms.freshbooks.countries import COUNTRIES, country_code, country_name
from connectors.platforms.freshbooks.fields import clean, eastern, first_day, may_be_within, number_text
from connectors.platforms.freshbooks.lines import fingerprint, keep_line_ids, write_line
from connectors.platforms.freshbooks.taxes import read_tax

FIXTURES = Path(__file__).parents[3] / "connectors/platforms/freshbooks/fixtures"
ACCOUNT = Account("k", "https://api.example", ids={"account_id": "Zx81Qp"})


def answer(status: int, body: Any) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {}, raw, "https://api.example/x")


def classic(errno: int, message: str = "m", field: str = "", about: str = "invoice") -> Any:
    return {"response": {"errors": [{"errno": errno, "field": field, "message": message, "object": about, "value": ""}]}}


def rpc(errno: int, message: str = "m", field: str = "", about: str = "invoice") -> Any:
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": str(errno),
        "domain": "accounting.api.freshbooks.com",
        "metadata": {"object": about, "message": message, "value": "", "field": field},
    }
    return {"code": 3, "message": "Request failed with status_code: 422", "details": [detail]}


TABLE: list[tuple[int, int, str, type[SyncError]]] = [
    (422, 1001, "customerid", Refused),
    (400, 1004, "type", Refused),
    (422, 1015, "status", Refused),
    (403, 1038, "due_date", Refused),
    (409, 409, "invoice_number", Conflict),
    (422, 1004, "invoice_number", Conflict),
    (400, 9999, "invoice_number", Conflict),
    (422, 1017, "invoice_number", Refused),
    (422, 1001, "invoice_number", Refused),
    (404, 1012, "id", Gone),
    (200, 1012, "id", Gone),
    (422, 1012, "customerid", Refused),
    (422, 1011, "customerid", Refused),
    (403, 1003, "", NeedsAttention),
    (401, 1003, "", Unauthorised),
    (200, 12001, "", NeedsAttention),
    (403, 41001, "", NeedsAttention),
    (403, 1042, "", NeedsAttention),
    (500, 500, "", Transient),
    (200, 500, "", Transient),
    (200, 1001, "x", Refused),
    (503, 1001, "", Transient),
]


@pytest.mark.parametrize("shape", [classic, rpc])
@pytest.mark.parametrize(("status", "errno", "field", "wanted"), TABLE)
def test_errno_and_status_decide(shape: Any, status: int, errno: int, field: str, wanted: type[SyncError]) -> None:
    problem = classify(answer(status, shape(errno, field=field)))
    assert type(problem) is wanted
    if wanted is Refused:
        assert problem.field == field


def test_another_request_at_work_is_waited_for() -> None:
    problem = classify(answer(409, classic(409, "Conflict: resource is being modified by another request")))
    assert type(problem) is Transient


def test_errors_as_an_object_and_the_message_is_one_line() -> None:
    body = {"response": {"errors": {"errno": 1001, "field": "name", "message": "needed\nERROR forged", "object": "item"}}}
    problem = classify(answer(200, body))
    assert type(problem) is Refused
    assert "\n" not in problem.message
    assert "error 1001" in problem.message


OTHERS: list[tuple[int, Any, type[SyncError] | None]] = [
    (200, {"response": {"result": {}}}, None),
    (204, b"", None),
    (200, {"data": []}, None),
    (401, {"error": "unauthenticated", "error_description": "log in"}, Unauthorised),
    (403, {"error": "unauthenticated", "error_description": "log in"}, Unauthorised),
    (400, {"error": "invalid_request"}, Refused),
    (401, {"errno": 401, "message": "invalid_token: no"}, Unauthorised),
    (404, {"errno": 404, "message": "not found"}, Gone),
    (422, {"errno": 422, "message": "semantic", "details": ["event: Value error"]}, Refused),
    (400, {"errno": 3, "message": "semantic", "details": ["uri: bad"]}, Refused),
    (400, {"code": 3, "message": "m", "details": [{"fieldViolations": [{"field": "uri", "description": "bad"}]}]}, Refused),
    (
        400,
        {"errors": {"message": "m", "status": 400, "details": [{"reason": "r", "metadata": {"message": "needed", "field": "n"}}]}},
        Refused,
    ),
    (422, {"errno": 2001, "error": {"title": "field required", "description": "d"}}, Refused),
    (400, {"error_type": "validation", "message": "m", "errors": [{"message": "x", "field": "entity_type"}]}, Refused),
    (401, {"message": "could not verify"}, Unauthorised),
    (402, {}, NeedsAttention),
    (405, {}, Refused),
    (404, b"", Gone),
    (500, b"", Transient),
    (502, b"<html>bad gateway</html>", Transient),
    (200, b"<html>maintenance</html>", Transient),
    (403, b"<html>blocked</html>", Transient),
    (401, b"nope", Unauthorised),
    (302, b"<html>moved</html>", None),
    (200, classic(1012, "Account not found"), NeedsAttention),
    (404, classic(1012, "x", about="account"), NeedsAttention),
    (400, b"[" * 100_000, Transient),
    (400, [1, 2], Refused),
]


@pytest.mark.parametrize(("status", "body", "wanted"), OTHERS)
def test_the_other_shapes(status: int, body: Any, wanted: type[SyncError] | None) -> None:
    problem = classify(answer(status, body))
    assert problem is None if wanted is None else type(problem) is wanted


# ---- fixtures ----------------------------------------------------------------------------------------------


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(), parse_float=Decimal)


def test_the_recorded_shapes_are_read() -> None:
    invoice = CONNECTOR.reads[ObjectType.INVOICE].normalise(fixture("invoice__partly_paid"), ACCOUNT)
    assert (invoice.id, invoice.number, invoice.status, invoice.reference) == ("612041", "TB-2207", InvoiceStatus.SENT, "2207")
    assert (invoice.amount, invoice.paid, invoice.outstanding) == tuple(Money.of(each, "CAD") for each in ("60.48", "20.00", "40.48"))
    assert invoice.updated_at == datetime(2026, 7, 9, 15, 20, 31, tzinfo=UTC)
    assert invoice.lines[0].taxes == (InvoiceTax("GST", Decimal(5)), InvoiceTax("PST", Decimal(7)))
    assert invoice.billing is not None
    assert (invoice.billing.email, invoice.billing.billing.country) == ("iris@harbour.example", "CA")
    payment = CONNECTOR.reads[ObjectType.PAYMENT].normalise(fixture("payment__on_an_invoice"), ACCOUNT)
    assert (payment.amount, payment.method, payment.void) == (Money.of("20.00", "CAD"), "Credit Card", False)
    assert payment.invoice is not None
    assert (payment.invoice.id, payment.invoice.fingerprint) == (invoice.id, invoice.fingerprint)
    client = CONNECTOR.reads[ObjectType.CUSTOMER].normalise(fixture("customer__person"), ACCOUNT)
    assert (client.id, client.name, client.billing.country, client.note) == ("52118", "Iris Mori", "CA", "")
    item = CONNECTOR.reads[ObjectType.PRODUCT].normalise(fixture("product__priced"), ACCOUNT)
    assert (item.sku, item.unit_price, item.active) == ("JUG-3", Money.of("27.00", "CAD"), True)
    assert read_tax(Tame(fixture("tax__gst"), "tax")) == InvoiceTax("GST", Decimal(5), "5501")


def test_recorded_shapes_of_what_is_gone_or_put_away() -> None:
    draft = CONNECTOR.reads[ObjectType.INVOICE].normalise(fixture("invoice__draft_of_a_client_that_is_gone"), ACCOUNT)
    assert (draft.status, draft.amount, draft.customer_id) == (InvoiceStatus.DRAFT, Money.of("4200", "JPY"), "52140")
    assert draft.billing is not None
    assert (draft.billing.email, draft.billing.company) == ("", "Asagiri Trading")
    deleted = CONNECTOR.reads[ObjectType.INVOICE].normalise(fixture("invoice__deleted_and_locked"), ACCOUNT)
    assert (deleted.status, deleted.locked) == (InvoiceStatus.VOID, True)
    assert [(line.name, line.compound) for line in deleted.lines] == [("Jug", True), ("Shipping", False)]
    gone = CONNECTOR.reads[ObjectType.PAYMENT].normalise(fixture("payment__of_an_invoice_that_is_gone"), ACCOUNT)
    assert (gone.invoice_id, gone.invoice, gone.amount) == ("612500", None, Money.of("12.00", "USD"))
    assert CONNECTOR.reads[ObjectType.PAYMENT].normalise(fixture("payment__deleted"), ACCOUNT).void is True
    item = CONNECTOR.reads[ObjectType.PRODUCT].normalise(fixture("product__archived_without_price"), ACCOUNT)
    assert (item.sku, item.unit_price, item.active) == ("", None, False)
    company = CONNECTOR.reads[ObjectType.CUSTOMER].normalise(fixture("customer__archived_company"), ACCOUNT)
    assert (company.billing.country, company.shipping.region, company.tax_number) == ("US", "BC", "81730 2211 RT0001")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("amount", {"amount": "x", "code": "CAD"}, "invoice.amount.amount"),
        ("create_date", None, "invoice.create_date"),
        ("lines", {}, "invoice.lines"),
    ],
)
def test_a_malformed_field_is_named(path: str, value: Any, said: str) -> None:
    broken = {**fixture("invoice__partly_paid")["invoice"], path: value}
    with pytest.raises(Rejected, match=said):
        CONNECTOR.reads[ObjectType.INVOICE].normalise({"invoice": broken, "client": None}, ACCOUNT)


# ---- times, texts, lines, countries ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-01 12:00:00", datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ("2026-01-15 12:00:00", datetime(2026, 1, 15, 17, tzinfo=UTC)),
        ("2026-07-01T12:00:00Z", datetime(2026, 7, 1, 12, tzinfo=UTC)),
    ],
)
def test_naive_times_are_eastern(text: str, moment: datetime) -> None:
    assert eastern(Tame(text, "t")) == moment


def window(since: str, until: str) -> Window:
    return Window(datetime.fromisoformat(since).replace(tzinfo=UTC), datetime.fromisoformat(until).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "since", "until", "inside"),
    [
        ("2026-07-01 12:00:00", "2026-07-01 16:00:00", "2026-07-01 16:00:00", True),
        ("2026-07-01 12:00:00", "2026-07-01 16:00:01", "2026-07-01 17:00:00", False),
        ("2026-07-01 12:00:00", "2026-07-01 15:00:00", "2026-07-01 15:59:59", False),
        ("2026-07-01 12:00:00", "2026-07-01 16:00:00.900000", "2026-07-01 17:00:00", True),
        # 1 November 2026, 01:30 runs twice in New York: 05:30 and 06:30 UTC
        ("2026-11-01 01:30:00", "2026-11-01 05:30:00", "2026-11-01 05:30:00", True),
        ("2026-11-01 01:30:00", "2026-11-01 06:30:00", "2026-11-01 06:30:00", True),
        ("2026-11-01 01:30:00", "2026-11-01 06:30:01", "2026-11-01 07:00:00", False),
        ("2026-11-01 01:30:00", "2026-11-01 05:00:00", "2026-11-01 05:29:59", False),
    ],
)
def test_the_hour_that_runs_twice_is_in_both_windows(text: str, since: str, until: str, inside: bool) -> None:
    assert may_be_within(Tame(text, "t"), window(since, until)) is inside


def test_the_filter_day_is_one_before_the_eastern_one() -> None:
    assert first_day(window("2026-07-02 03:00:00", "2026-07-02 04:00:00")) == "2026-06-30"
    assert first_day(window("2026-07-02 04:00:00", "2026-07-02 05:00:00")) == "2026-07-01"


def test_texts_are_cleaned_and_cut() -> None:
    assert clean("a\x00b\x1b\n c \ud800") == "ab\n c"
    assert clean("x" * 400) == "x" * 255
    assert [number_text(Decimal(text)) for text in ("1.50", "100", "0.000", "1E+2", "13.500")] == ["1.5", "100", "0", "100", "13.5"]


def a_line(name: str, price: str = "1.00") -> InvoiceLine:
    return InvoiceLine(name, "", Decimal(1), Money.of(price, "USD"))


def test_equal_lines_keep_their_own_ids() -> None:
    existing = [
        Tame({**write_line(a_line(name, price)), "lineid": id}, "l")
        for id, name, price in ((1, "A", "1.00"), (2, "A", "2.00"), (3, "B", "1.00"))
    ]
    kept = keep_line_ids([write_line(a_line("A", "2.00")), write_line(a_line("A", "3.00")), write_line(a_line("C"))], existing)
    assert [line.get("lineid") for line in kept] == [2, 1, None]


def test_the_fingerprint_does_not_mind_zeros() -> None:
    one = fingerprint(("c",), [replace(a_line("A"), quantity=Decimal("1.0"))])
    assert one == fingerprint(("c",), [a_line("A", "1")])
    assert one != fingerprint(("c",), [a_line("A", "1.01")])


def test_three_taxes_cannot_be_written() -> None:
    with pytest.raises(Rejected, match="two"):
        write_line(replace(a_line("A"), taxes=(InvoiceTax("a", Decimal(1)),) * 3))


def test_countries_go_both_ways() -> None:
    assert len(COUNTRIES) >= 249
    assert all(country_code(country_name(code)) == code for code in COUNTRIES)
    assert [country_name(text) for text in ("us", "CA", "", "Narnia")] == ["United States", "Canada", "", "Narnia"]
    assert [country_code(text) for text in ("USA", "united kingdom", "de", "", "Narnia")] == ["US", "GB", "DE", "", ""]
