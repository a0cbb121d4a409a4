"""Whatever is sent to the FreshBooks sandbox, it answers like the platform: no handler crashes, and refusals leave no trace."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kit.sandbox import Call, Sandbox
from connectors.platforms.freshbooks.sandbox import build
from connectors.platforms.freshbooks.sandbox.accounting import RESOURCES
from connectors.platforms.freshbooks.sandbox.oauth import SEED_ACCESS_TOKEN
from connectors.platforms.freshbooks.sandbox.state import MAIN_ACCOUNT

FIELDS = """fname email organization currency_code language vis_state pref_email name sku qty unit_cost tax1 tax2 inventory amount number
compound customerid create_date due_offset_days invoice_number po_number notes terms discount_value lines status action_mark_as_sent
action_email email_recipients deposit_percentage invoiceid date type note orderid clientid credit_number credit_type category_name source
taxes payment_type categoryid staffid vendor taxAmount1 taxName1 details currency_code user_entered_date event uri verifier resend"""
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=8),
    st.sampled_from(["", "1", "-1", "1e999", "NaN", "USD", "2026-07-01", "draft", "\ud800", "x" * 70000]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["amount", "code", "name", "qty", "unit_cost", "taxName1", "taxAmount1", "type", "lineid"]), inner),
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS.split()), VALUES, max_size=6)
SINGLES = {resource.path: resource.single for resource in RESOURCES} | {"journal_entries/journal_entries": "journal_entry"}


def call(sandbox: Sandbox, method: str, path: str, body: Any, *query: tuple[str, str]) -> int:
    headers = {"authorization": f"Bearer {SEED_ACCESS_TOKEN}", "content-type": "application/json"}
    return sandbox.handle(Call(method, path, query, headers, json.dumps(body).encode(), path)).status


def seeded() -> tuple[Sandbox, dict[str, int]]:
    """A sandbox with one client, invoice, payment and item."""
    sandbox = build("http://sandbox.example", {})
    base = f"/accounting/account/{MAIN_ACCOUNT}"
    tables = sandbox.state.main.tables
    assert call(sandbox, "POST", f"{base}/users/clients", {"client": {"fname": "Ida"}}) == 200
    client = next(iter(tables["clients"].rows))
    invoice = {"customerid": client, "create_date": "2026-07-01", "lines": [{"name": "A", "unit_cost": {"amount": "5"}}]}
    assert call(sandbox, "POST", f"{base}/invoices/invoices", {"invoice": invoice}) == 200
    number = next(iter(tables["invoices"].rows))
    payment = {"invoiceid": number, "amount": {"amount": "2"}, "date": "2026-07-02"}
    assert call(sandbox, "POST", f"{base}/payments/payments", {"payment": payment}) == 200
    assert call(sandbox, "POST", f"{base}/items/items", {"item": {"name": "A"}}) == 200
    return sandbox, {resource.path: next(iter(tables[resource.plural].rows), 0) for resource in RESOURCES}


@settings(max_examples=250, deadline=None, derandomize=True)
@given(path=st.sampled_from(sorted(SINGLES)), body=BODIES, update=st.booleans())
def test_no_body_crashes_a_handler(path: str, body: dict[str, Any], update: bool) -> None:
    sandbox, ids = seeded()
    place = f"/accounting/account/{MAIN_ACCOUNT}/{path}"
    before = len(sandbox.command("books", {})["invoices"])
    status = call(sandbox, "PUT" if update else "POST", f"{place}/{ids.get(path, 0)}" if update else place, {SINGLES[path]: body})
    assert list(sandbox.crashes) == []
    assert status in (200, 400, 403, 404, 405, 409, 422) or (path.startswith("journal") and status == 500)
    if status != 200:
        assert len(sandbox.command("books", {})["invoices"]) == before


@settings(max_examples=100, deadline=None, derandomize=True)
@given(body=BODIES, wrapped=st.booleans(), update=st.booleans())
def test_no_body_crashes_the_callbacks(body: dict[str, Any], wrapped: bool, update: bool) -> None:
    sandbox = build("http://sandbox.example", {})
    place = f"/events/account/{MAIN_ACCOUNT}/events/callbacks"
    status = call(sandbox, "PUT" if update else "POST", f"{place}/1" if update else place, {"callback": body} if wrapped else body)
    sandbox.courier.stop()
    assert list(sandbox.crashes) == []
    assert status in (200, 400, 404, 422)


FILTERS = ("updated_min", "date_max", "amount_min", "vis_state", "email", "has_credit")
KEYS = ["page", "per_page", "sort", "include[]", "search[userids][]", *(f"search[{name}]" for name in FILTERS)]


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    path=st.sampled_from(sorted(SINGLES)),
    query=st.lists(st.tuples(st.sampled_from(KEYS), st.text(max_size=12)), max_size=4),
)
def test_no_query_crashes_a_list(path: str, query: list[tuple[str, str]]) -> None:
    sandbox, _ = seeded()
    status = call(sandbox, "GET", f"/accounting/account/{MAIN_ACCOUNT}/{path}", None, *query)
    assert list(sandbox.crashes) == []
    assert status in (200, 405, 422)
