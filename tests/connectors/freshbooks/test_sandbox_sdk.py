"""The FreshBooks sandbox as the vendor's Python SDK sees it: a client that knows nothing of our reading of the API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from fb_sandbox_driver import Driver, Receiver, running
from freshbooks import Client, FilterBuilder, FreshBooksError, IncludesBuilder, PaginateBuilder, SortBuilder, VisState

from connectors.platforms.freshbooks.sandbox.state import MAIN_ACCOUNT as ACCOUNT

BACK = "http://127.0.0.1:9/back"


@pytest.fixture
def books() -> Iterator[Driver]:
    with running(auto_consent=True) as driver:
        yield driver


@pytest.fixture
def sdk(books: Driver, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("FRESHBOOKS_API_URL", books.url)
    monkeypatch.setenv("FRESHBOOKS_AUTH_URL", books.url)
    return Client("sandbox-app", "sandbox-app-secret", BACK, access_token=books.token, auto_retry=False)


def invoice_body(client_id: int, **fields: object) -> dict[str, object]:
    line = {"name": "Bowl", "qty": 2, "unit_cost": {"amount": "12.50", "code": "USD"}, "taxName1": "GST", "taxAmount1": "5"}
    return {"customerid": client_id, "create_date": "2026-07-01", "lines": [line], **fields}


def test_authorising_and_refreshing(books: Driver, sdk: Client) -> None:
    place = requests.get(sdk.get_auth_request_url(["user:clients:read"]), allow_redirects=False, timeout=5).headers["Location"]
    found = sdk.get_access_token(parse_qs(urlsplit(place).query)["code"][0])
    assert abs(found.access_token_expires_at - datetime.now(UTC) - timedelta(hours=12)) < timedelta(seconds=10)
    assert len(sdk.clients.list(ACCOUNT)) == 0
    first = sdk.refresh_token
    sdk.refresh_access_token()
    assert sdk.refresh_token != first
    with pytest.raises(FreshBooksError, match="was used before") as caught:
        sdk.refresh_access_token(first)
    assert caught.value.status_code == 400
    assert sdk.current_user().business_memberships[0].business.account_id == ACCOUNT
    assert sdk.current_user().full_name == "Olive Owner"


def test_clients(sdk: Client) -> None:
    made = sdk.clients.create(ACCOUNT, {"fname": "Ida", "email": "ida@shop.example", "organization": "Pots"})
    assert (made.organization, made.vis_state) == ("Pots", VisState.ACTIVE)
    assert abs(made.updated - datetime.now(UTC)) < timedelta(minutes=1)  # Eastern
    assert abs(made.signup_date - datetime.now(UTC)) < timedelta(minutes=1)  # UTC
    sdk.clients.update(ACCOUNT, made.id, {"organization": "Bowls"})
    other = sdk.clients.create(ACCOUNT, {"organization": "Cups"})
    found = sdk.clients.list(ACCOUNT, [FilterBuilder().equals("email", "ida@shop.example")])
    assert [client.organization for client in found] == ["Bowls"]
    sorted_ones = sdk.clients.list(ACCOUNT, [SortBuilder().descending("organization_name"), PaginateBuilder(1, 1)])
    assert [client.id for client in sorted_ones] == [other.id]
    assert tuple(sorted_ones.pages) == (1, 2, 1, 2)
    both = sdk.clients.list(ACCOUNT, [FilterBuilder().in_list("userid", [made.id, other.id])])
    assert len(both) == 2
    sdk.clients.delete(ACCOUNT, made.id)
    assert sdk.clients.get(ACCOUNT, made.id).vis_state == VisState.DELETED
    assert [client.id for client in sdk.clients.list(ACCOUNT)] == [other.id]


def test_items_and_taxes(sdk: Client) -> None:
    tax = sdk.taxes.create(ACCOUNT, {"name": "GST", "amount": "5"})
    item = sdk.items.create(ACCOUNT, {"name": "Bowl", "sku": "B-1", "unit_cost": {"amount": "12.50", "code": "USD"}, "tax1": tax.id})
    assert (item.unit_cost.amount, item.tax1) == ("12.50", tax.id)
    sdk.items.update(ACCOUNT, item.id, {"name": "Large bowl"})
    assert [each.name for each in sdk.items.list(ACCOUNT)] == ["Large bowl"]
    sdk.taxes.delete(ACCOUNT, tax.id)
    with pytest.raises(FreshBooksError, match="Tax not found") as caught:
        sdk.taxes.get(ACCOUNT, tax.id)
    assert (caught.value.status_code, caught.value.error_code) == (404, 1012)


def test_invoices_with_lines_and_payments(sdk: Client) -> None:
    client = sdk.clients.create(ACCOUNT, {"organization": "Pots"})
    lines = IncludesBuilder().include("lines")
    made = sdk.invoices.create(ACCOUNT, invoice_body(client.id, invoice_number="TB-1", due_offset_days=30), includes=lines)
    assert Decimal(made.amount.amount) == Decimal("26.25")
    assert [line.amount.amount for line in made.lines] == ["25.00"]
    assert (made.due_date, made.v3_status) == (date(2026, 7, 31), "draft")
    sent = sdk.invoices.update(ACCOUNT, made.id, {"action_mark_as_sent": True})
    assert (sent.status, sent.lines) == (2, None)
    paid = sdk.payments.create(ACCOUNT, {"invoiceid": made.id, "amount": {"amount": "26.25"}, "date": "2026-07-02", "type": "Credit Card"})
    found = sdk.invoices.list(ACCOUNT, [FilterBuilder().equals("invoice_number", "TB-1"), lines])[0]
    assert (found.payment_status, found.outstanding.amount, found.date_paid) == ("paid", "0.00", date(2026, 7, 2))
    assert found.lines[0].name == "Bowl"
    sdk.payments.delete(ACCOUNT, paid.id)
    assert sdk.invoices.get(ACCOUNT, made.id).outstanding.amount == "26.25"
    sdk.invoices.delete(ACCOUNT, made.id)
    assert sdk.invoices.get(ACCOUNT, made.id).vis_state == VisState.DELETED
    assert len(sdk.invoices.list(ACCOUNT)) == 0


def test_errors_as_the_sdk_reads_them(books: Driver, sdk: Client) -> None:
    client = sdk.clients.create(ACCOUNT, {"organization": "Pots"})
    sdk.invoices.create(ACCOUNT, invoice_body(client.id, invoice_number="TB-1"))
    with pytest.raises(FreshBooksError) as caught:
        sdk.invoices.create(ACCOUNT, invoice_body(client.id, invoice_number="TB-1"))
    assert (caught.value.status_code, caught.value.error_code) == (409, 409)
    assert caught.value.error_details[0]["field"] == "invoice_number"
    with pytest.raises(FreshBooksError, match="'customerid' is a required field"):
        sdk.invoices.create(ACCOUNT, {"create_date": "2026-07-01"})
    assert len(books.admin("books")["invoices"]) == 1
    stranger = Client("sandbox-app", access_token="nobody", auto_retry=False)
    with pytest.raises(FreshBooksError) as unknown:
        stranger.current_user()
    assert (unknown.value.status_code, unknown.value.error_code) == (401, "unauthenticated")


def test_credits_incomes_and_expenses(sdk: Client) -> None:
    client = sdk.clients.create(ACCOUNT, {"organization": "Pots"})
    line = {"name": "Refund", "unit_cost": {"amount": "5.00", "code": "USD"}}
    credit = sdk.credit_notes.create(ACCOUNT, {"clientid": client.id, "create_date": "2026-07-03", "lines": [line]})
    assert (credit.amount.amount, credit.payment_status) == ("5.00", "unpaid")
    income = {"amount": {"amount": "9.00", "code": "USD"}, "category_name": "online_sales", "date": "2026-07-01", "source": "Market"}
    made = sdk.other_income.create(ACCOUNT, income)
    assert [each.incomeid for each in sdk.other_income.list(ACCOUNT)] == [made.id]
    sdk.other_income.delete(ACCOUNT, made.id)
    assert len(sdk.other_income.list(ACCOUNT)) == 0
    category = sdk.expenses_categories.list(ACCOUNT)[0]
    body = {"categoryid": category.id, "staffid": 1, "amount": {"amount": "2.00", "code": "USD"}, "date": "2026-07-01"}
    assert sdk.expenses.create(ACCOUNT, body).amount.amount == "2.00"


def test_callbacks(books: Driver, sdk: Client) -> None:
    receiver = Receiver()
    try:
        made = sdk.callbacks.create(ACCOUNT, {"event": "client.create", "uri": receiver.url})
        assert made.verified is False
        sdk.callbacks.resend_verification(ACCOUNT, made.callbackid)
        books.settled()
        verifiers = [fields["verifier"] for fields in receiver.fields()]
        assert len(set(verifiers)) == 2
        newest = books.admin("webhooks")["webhooks"][0]["verifier"]
        assert sdk.callbacks.verify(ACCOUNT, made.callbackid, newest).verified is True
        client = sdk.clients.create(ACCOUNT, {"organization": "Pots"})
        books.settled()
        assert receiver.fields()[-1]["object_id"] == str(client.id)
        with pytest.raises(FreshBooksError) as caught:
            sdk.callbacks.create(ACCOUNT, {"event": "invoice.paid", "uri": receiver.url})
        assert (caught.value.status_code, caught.value.error_details) == (422, ["event: Value error, Unrecognized event."])
        sdk.callbacks.delete(ACCOUNT, made.callbackid)
        assert len(sdk.callbacks.list(ACCOUNT)) == 0
    finally:
        receiver.stop()
