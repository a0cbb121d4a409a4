"""The Stripe connector at its sandbox: what goes over the wire, what each answer means, who is found, what changed."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from stripe_till import CONNECTOR, CUSTOMER, INVOICE, bill, ida, open_till

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.ledger import InvoiceStatus
from connectors.canonical.money import Money
from connectors.kit.contract import Delivery
from connectors.kit.errors import Gone, NeedsAttention, PartOf, RateLimited, Refused, Rejected, Transient, Unclear
from connectors.kit.http import Operation, Response
from connectors.kit.tame import Tame
from connectors.platforms import stripe as platform
from connectors.platforms.stripe.amounts import from_units, to_units
from connectors.platforms.stripe.answers import REPLAYED, classify, is_contended
from connectors.platforms.stripe.api import VERSION
from connectors.platforms.stripe.listing import EVENTS

READS = CONNECTOR.reads[ObjectType.COLLECTION]
WRITES = CONNECTOR.writes
FIXTURES = Path(platform.__file__).parent / "fixtures"
NOW = datetime.now(UTC)


# ---- amounts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "units"),
    [("12.50", "CAD", 1250), ("-3.00", "USD", -300), ("500", "JPY", 500), ("7", "MGA", 7), ("5.12", "KWD", 5120), ("5", "ISK", 500),
     ("9.99", "HUF", 999), ("9", "TWD", 900)],
)  # fmt: skip
def test_amounts_are_counted_in_stripe_s_units(text, code, units):
    assert to_units(Money.of(text, code)) == units
    assert from_units(Tame(units, "x"), code) == Money.of(text, code)


@pytest.mark.parametrize(("text", "code"), [("12.505", "CAD"), ("0.5", "JPY"), ("5.124", "KWD"), ("5.50", "ISK"), ("5000", "UGX")])
def test_amounts_finer_than_stripe_takes_them_are_refused(text, code):
    with pytest.raises(NeedsAttention):
        to_units(Money.of(text, code))


# ---- answers -----------------------------------------------------------------------------------------------


KIND = "invalid_request_error"


def answer(status, error=None, **headers):
    body = json.dumps({"error": error}).encode() if error else b"<html>"
    return Response(status, headers, body, "https://api.stripe.com/v1/x")


@pytest.mark.parametrize(
    ("response", "kind", "code"),
    [
        (answer(400, {"type": KIND, "code": "parameter_unknown", "param": "x", "message": "m"}), Refused, "parameter_unknown"),
        (answer(400, {"type": KIND, "code": "resource_missing", "param": "customer", "message": "m"}), Refused, "reference_missing"),
        (answer(404, {"type": KIND, "code": "resource_missing", "param": "id", "message": "m"}), Gone, "resource_missing"),
        (answer(402, {"type": "card_error", "code": "card_declined", "message": "m"}), Refused, "card_declined"),
        (answer(403, {"type": KIND, "message": "m"}), NeedsAttention, "not_permitted"),
        (answer(409, {"type": KIND, "code": "idempotency_key_in_use", "message": "m"}), Transient, "idempotency_key_in_use"),
        (answer(424, {"type": "api_error", "message": "m"}), Transient, "in_use"),
        (answer(429, {"type": KIND, "code": "lock_timeout", "message": "m"}), Transient, "lock_timeout"),
        (answer(500, {"type": "api_error", "message": "m"}), Transient, "server_error"),
        (answer(500, {"type": "api_error", "message": "m"}, **{"idempotent-replayed": "true"}), Transient, REPLAYED),
        (answer(502), Transient, "server_error"),
        (answer(200), Transient, "not_json"),
    ],
)  # fmt: skip
def test_each_answer_has_its_class(response, kind, code):
    found = classify(response)
    assert (type(found), found.code) == (kind, code)


def test_a_refusal_that_is_a_sentence_ends_in_one_full_stop():
    for status, begin in ((400, "Stripe refused it: "), (402, "Stripe could not charge it: ")):
        found = classify(answer(status, {"type": KIND, "code": "amount_too_small", "message": "Amount must be at least $0.50."}))
        assert found.message == f"{begin}Amount must be at least $0.50."


def test_only_a_lock_is_no_reason_to_slow_down(till):
    assert is_contended(answer(429, {"code": "lock_timeout"}))
    assert not is_contended(answer(429, {"code": "rate_limit"}))
    body = '{"error": {"type": KIND, "code": "rate_limit", "message": "slow"}}'
    till.admin("faults", faults=[{"kind": "status", "status": 429, "body": body, "headers": {"Retry-After": "9"}, "times": -1}])
    with pytest.raises(RateLimited):
        WRITES[CUSTOMER].get(till.api, "cus_1")


# ---- the wire ----------------------------------------------------------------------------------------------


def sent(till, path):
    """Headers are not logged; the form fields of the calls to this path are."""
    return [parse_qsl(entry["body"]) for entry in till.served.sandbox.log if entry["method"] == "POST" and entry["path"] == path]


def test_an_invoice_goes_out_as_amounts_in_brackets(till):
    made = till.draft("100.00", "-0.50")
    assert (made.amount, made.status, made.reference, made.due_on.isoformat()) == (
        Money.of("99.50", "CAD"),
        InvoiceStatus.DRAFT,
        "books1:880201",
        "2030-01-31",
    )
    [head] = sent(till, "/v1/invoices")
    wanted = {"currency": "cad", "collection_method": "send_invoice", "pending_invoice_items_behavior": "exclude", "number": "A-1",
              "description": "Memo", "metadata[tillbridge]": "books1:880201", "auto_advance": "false"}  # fmt: skip
    assert wanted.items() <= dict(head).items()
    [lines] = sent(till, f"/v1/invoices/{made.id}/add_lines")
    assert dict(lines)["lines[1][amount]"] == "-50"
    assert not [name for name, _ in lines if "unit_amount" in name]


def test_nothing_is_sent_when_an_amount_cannot_be(till):
    customer = till.customer()
    till.admin("forget")
    with pytest.raises(NeedsAttention):
        WRITES[INVOICE].create(till.api, bill(customer.id, "1.00", "5.124", currency="KWD"))
    assert not till.served.sandbox.log


def test_a_due_date_that_has_passed_is_moved_ahead(till):
    made = till.draft(due_on=date(2020, 1, 1))
    assert made.due_on >= NOW.date() - timedelta(days=1)


def test_an_overdue_invoice_is_asked_for_again_in_the_same_words(till):
    """Hours later, by another process: under the same key only the same content is the same operation."""
    wanted, operation = bill(till.customer().id, "10.00", due_on=date(2020, 1, 1)), Operation("tillbridge-x-9")
    begin = datetime.combine(NOW.date() + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=9)  # the small hours in Toronto
    made = []
    for later in (timedelta(), timedelta(hours=5)):
        plumbing = replace(till.api.plumbing, now=lambda later=later: begin + later)
        made.append(WRITES[INVOICE].create(replace(till.api, plumbing=plumbing, operation=operation), wanted))
    assert (made[0].id, made[0].due_on) == (made[1].id, begin.date())
    assert len(till.admin("everything")["invoices"]) == 1


def test_more_than_ten_lines_are_read_back_whole_and_more_than_250_refused(till):
    made = till.draft(*[f"{n}.00" for n in range(1, 31)])
    again = WRITES[INVOICE].get(till.api, made.id)
    assert (len(again.lines), again.amount) == (30, Money.of("465.00", "CAD"))
    with pytest.raises(NeedsAttention, match="251 lines"):
        till.draft(*["1.00"] * 251, number="A-2", reference="books1:2")


def test_every_attempt_of_an_operation_carries_its_key(till):
    api = replace(till.api, operation=Operation("tillbridge-x-17"))
    till.admin("faults", faults=[{"kind": "drop_after", "method": "POST", "path": "/v1/customers$", "times": 2}])
    made = WRITES[CUSTOMER].create(api, ida())
    assert [row["id"] for row in till.admin("everything")["customers"]] == [made.id]
    assert list(till.wallet.replays) == ["tillbridge-x-17-customer"]
    assert WRITES[CUSTOMER].create(api, ida()).id == made.id  # as after a restart


def test_a_lost_answer_followed_by_a_refusal_stays_unclear(till):
    denied = {"kind": "status", "status": 403, "body": '{"error": {"message": "no"}}', "method": "POST", "skip": 0, "times": -1}
    till.admin("faults", faults=[{"kind": "drop_after", "method": "POST", "times": 1}, denied])
    with pytest.raises(Unclear):
        WRITES[CUSTOMER].create(till.api, ida())
    till.admin("faults", faults=[denied])
    with pytest.raises(NeedsAttention):  # alone it says that nothing was made
        WRITES[CUSTOMER].create(till.api, ida(email="b@x.example"))


def test_the_key_never_shows(till):
    with pytest.raises(Gone):
        WRITES[CUSTOMER].get(till.api, "cus_none")
    assert till.wallet.key not in repr(till.api)
    assert not [call for call in till.exchanges if till.wallet.key in f"{call.url}{call.sent}{call.error}"]


# ---- customers ---------------------------------------------------------------------------------------------


def test_a_customer_is_found_by_its_mark_then_by_a_free_email(till):
    find = WRITES[CUSTOMER].find
    other = till.customer(id="900")
    assert find(till.api, ida()) == ()  # the e-mail is another client's
    free = till.customer(id="")
    assert [found.id for found in find(till.api, ida())] == [free.id]
    mine = till.customer()
    assert [found.id for found in find(till.api, ida())] == [mine.id]
    assert [found.id for found in find(till.api, ida(id="900"))] == [other.id]
    assert find(till.api, ida(email="other@x.example")) == ()


def test_only_clients_without_email_are_searched_for_and_that_lags(till):
    till.admin("switch", search_lag=3600)
    nameless = ida(email="")
    made = WRITES[CUSTOMER].create(till.api, nameless)
    assert WRITES[CUSTOMER].find(till.api, nameless) == ()
    till.admin("switch", search_lag=0)
    assert [found.id for found in WRITES[CUSTOMER].find(till.api, nameless)] == [made.id]


def test_an_update_keeps_the_mark_and_what_we_do_not_know(till):
    made = till.customer(phone="+1 905 555 0100")
    changed = WRITES[CUSTOMER].update(till.api, made.id, ida(id=made.id, company="Stroem & Co", phone=""))
    assert (changed.company, changed.given_name, changed.phone, changed.note) == ("Stroem & Co", "Ida Stroem", "+1 905 555 0100", "700101")


def test_a_deleted_customer_is_gone_and_gets_no_invoice(till):
    made = till.customer()
    till.admin("delete_customer", id=made.id)
    with pytest.raises(Gone):
        WRITES[CUSTOMER].get(till.api, made.id)
    with pytest.raises(Refused) as caught:
        WRITES[INVOICE].create(till.api, bill(made.id))
    assert caught.value.code == "reference_missing"


# ---- the life of an invoice --------------------------------------------------------------------------------


def test_actions_done_twice_are_done_once(till):
    made, act = till.draft(), WRITES[INVOICE].actions
    for _ in range(2):
        assert act["send"](till.api, made.id).status is InvoiceStatus.SENT
    for _ in range(2):
        assert act["settle_elsewhere"](till.api, made.id).status is InvoiceStatus.PAID
    types = [event["type"] for event in till.admin("everything")["events"]]
    assert (types.count("invoice.sent"), types.count("invoice.paid")) == (1, 1)
    other = till.draft(number="A-2", reference="books1:2")
    for _ in range(2):
        assert act["void"](till.api, other.id).status is InvoiceStatus.VOID
    with pytest.raises(Gone):
        WRITES[INVOICE].get(till.api, other.id)


def test_a_draft_is_brought_to_new_lines_without_touching_the_right_ones(till):
    made = till.draft("1.00", "2.00", "2.00")
    kept = {line["id"] for line in till.wallet.tables["invoices"][made.id]["_lines"][:2]}
    changed = WRITES[INVOICE].update(till.api, made.id, bill(made.customer_id, "1.00", "2.00", "7.00"))
    assert changed.amount == Money.of("10.00", "CAD")
    assert kept < {line["id"] for line in till.wallet.tables["invoices"][made.id]["_lines"]}
    WRITES[INVOICE].actions["finalize"](till.api, made.id)
    with pytest.raises(NeedsAttention, match="finalized"):
        WRITES[INVOICE].update(till.api, made.id, bill(made.customer_id, "1.00"))


def test_what_was_paid_elsewhere_is_not_collected(till):
    made = till.issued()
    till.admin("pay", invoice=made.id, amount="40.00")
    WRITES[INVOICE].actions["settle_elsewhere"](till.api, made.id)
    found = WRITES[INVOICE].get(till.api, made.id)
    assert (found.paid, found.outstanding, len(found.payments)) == (Money.of("40.00", "CAD"), Money.zero("CAD"), 1)
    seen = READS.normalise(READS.fetch(till.api, made.id), till.api.account)
    assert (len(seen.payments), seen.elsewhere) == (1, Money.of("60.00", "CAD"))


# ---- collections -------------------------------------------------------------------------------------------


def test_parts_lead_to_their_whole(till):
    made = till.issued()
    paid = till.admin("pay", invoice=made.id)
    refund = till.admin("refund", payment=paid["payment"], amount="5.00")
    dispute = till.admin("dispute", payment=paid["payment"], amount="1.00")
    [part] = [row for row in till.wallet.tables["invoice_payments"].values() if row["status"] == "paid"]
    wholes = []
    for id in (part["id"], refund["id"], dispute["id"], paid["charge"], paid["payment"]):
        with pytest.raises(PartOf) as caught:
            READS.fetch(till.api, id)
        wholes.append(caught.value.whole)
    assert wholes == [made.id, paid["payment"], paid["payment"], paid["payment"], made.id]


def test_a_collection_has_all_that_happened_to_its_money(till):
    made = till.issued()
    first = till.admin("pay", invoice=made.id, amount="40.00")
    till.admin("pay", invoice=made.id, method="us_bank_account")
    till.admin("refund", payment=first["payment"], amount="5.00")
    lost = till.admin("refund", payment=first["payment"], amount="1.00", status="pending")
    till.admin("finish_refund", id=lost["id"], status="failed")
    dispute = till.admin("dispute", payment=first["payment"], amount="7.00")
    till.admin("close_dispute", id=dispute["id"], status="lost")
    found = READS.normalise(READS.fetch(till.api, made.id), till.api.account)
    assert [(p.amount.text(), p.method) for p in found.payments] == [("40.00", "card"), ("60.00", "us_bank_account")]
    back = {(back.kind.value, back.amount.text(), back.pending) for back in found.payments[0].given_back}
    assert back == {("refund", "5.00", False), ("dispute", "7.00", False)}
    assert [fee.amount.text() for fee in found.payments[0].fees] == ["1.46", "15.00"]
    assert found.elsewhere == Money.zero("CAD")


def test_a_sale_in_another_currency_shows_what_it_is_worth(till):
    sale = till.admin("sell", amount="50.00", currency="eur", email="a@b.example")
    found = READS.normalise(READS.fetch(till.api, sale["payment"]), till.api.account)
    [payment] = found.payments
    assert (payment.amount, payment.settled, payment.exchange_rate) == (Money.of("50.00", "EUR"), Money.of("74.00", "CAD"), Decimal("1.48"))
    assert (found.invoice_id, found.email) == ("", "a@b.example")


@pytest.mark.parametrize("live", [True, False])
def test_live_and_test_money_are_told_apart(till, live):
    invoice = till.issued()
    till.admin("pay", invoice=invoice.id)
    sale = till.admin("sell", amount="9.00")
    for id in (invoice.id, sale["payment"]):
        raw = READS.fetch(till.api, id)
        for found in (raw["invoice"], raw["payments"][0]["charge"]):
            if found is not None:
                found["livemode"] = live
        assert READS.normalise(raw, till.api.account).test is not live


def test_objects_of_the_other_mode_are_refused(till):
    made = till.issued()
    till.wallet.tables["invoices"][made.id]["livemode"] = True
    with pytest.raises(Rejected, match="other mode"):
        READS.fetch(till.api, made.id)
    with pytest.raises(NeedsAttention, match="never mixed"):
        till.again(ids={"mode": "live"})


# ---- listing -----------------------------------------------------------------------------------------------


def walk(till, window):
    found, cursor = [], None
    while True:
        page = READS.page(till.api, window, cursor)
        found += [notice.source_id for notice in page.notices]
        cursor = page.next
        if cursor is None:
            return found


def test_changes_beyond_thirty_days_are_found_among_the_objects(till):
    old = int((NOW - timedelta(days=45)).timestamp())
    made = till.issued()
    paid = till.admin("pay", invoice=made.id)
    refund = till.admin("refund", payment=paid["payment"], amount="5.00")
    sale = till.admin("sell", amount="9.00")
    for table in ("invoices", "invoice_payments", "charges", "refunds", "events", "payment_intents"):
        for row in till.wallet.tables[table].values():
            row["created"] = old
    recent = Window(NOW - timedelta(days=10), NOW + timedelta(minutes=5))
    assert walk(till, recent) == []
    beyond = set(walk(till, Window(NOW - timedelta(days=60), NOW)))
    assert beyond == {made.id, paid["payment"], sale["payment"]}
    assert refund["id"] not in beyond  # it is looked at through its payment
    assert walk(till, Window(NOW - timedelta(days=60), NOW - timedelta(days=50))) == []


def test_the_event_log_is_asked_for_what_we_follow_and_no_more():
    assert len(EVENTS) == len(set(EVENTS)) <= 20


# ---- events ------------------------------------------------------------------------------------------------


def parsed(name):
    fixture = json.loads((FIXTURES / f"webhook__{name}.json").read_text())
    return CONNECTOR.webhooks.parse(Delivery(fixture["headers"], fixture["body"].encode()))


def test_full_and_thin_events_lead_to_the_same_invoice():
    full, thin = parsed("invoice_paid"), parsed("thin")
    assert [notice.source_id for notice in full.notices] == [notice.source_id for notice in thin.notices]
    assert full.dedupe_key.startswith("evt_")
    assert full.dedupe_key != thin.dedupe_key


def test_what_we_do_not_follow_and_what_we_did_ourselves():
    assert parsed("not_followed").problem
    own = parsed("own_write")
    assert (own.echo, own.notices, own.problem) == (True, (), "")


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"id": "evt_1", "object": "event", "type": "x"}', b'{"id": 5.5, "object": "event"}'])
def test_signed_nonsense_is_rejected(body):
    with pytest.raises(Rejected):
        CONNECTOR.webhooks.parse(Delivery({}, body))


def test_an_endpoint_is_made_in_our_version_and_an_outdated_one_goes(till):
    hooks, url = CONNECTOR.webhooks.subscriptions, "https://books.example/in/stripe/t/"
    made = hooks.create(till.api, "collection", url, "")
    [row] = till.wallet.tables["webhook_endpoints"].values()
    assert (row["api_version"], row["enabled_events"], made.secret) == (VERSION, list(EVENTS), row["_secret"])
    assert [(one.id, one.topic, one.secret) for one in hooks.list(till.api)] == [(made.id, "collection", "")]
    row["api_version"] = "2024-09-30.acacia"
    assert [one.topic for one in hooks.list(till.api)] == ["collection (outdated)"]
    again = hooks.create(till.api, "collection", url, "")
    assert [one.id for one in hooks.list(till.api)] == [again.id]
    till.admin("disable_endpoints")
    assert [one.status for one in hooks.list(till.api)] == ["disabled"]
    assert hooks.enable(till.api, again.id).status == "active"


# ---- connecting --------------------------------------------------------------------------------------------


def test_a_good_key_is_told_its_account_and_mode(till):
    found = CONNECTOR.probe(till.api)
    assert (found.problems, found.ids, found.currency, found.time_zone) == (
        (),
        {"mode": "test", "account_id": "acct_1Sb0xTillbridgeX"},
        "CAD",
        "America/Toronto",
    )
    before = len(till.admin("everything")["customers"])
    CONNECTOR.probe(till.api)
    assert len(till.admin("everything")["customers"]) == before  # trying the permissions writes nothing


def test_missing_permissions_are_named(till):
    till.admin("switch", forbidden=["write /v1/invoices", "read /v1/disputes", "read /v1/account"])
    [problem] = CONNECTOR.probe(till.api).problems
    assert "Invoices (write)" in problem
    assert "Disputes (read)" in problem
    assert "Customers" not in problem


def test_another_account_and_another_kind_of_key_are_refused(till):
    [problem] = CONNECTOR.probe(till.again(ids={"account_id": "acct_other"})).problems
    assert "acct_other" in problem
    [problem] = CONNECTOR.probe(till.again(secrets={"secret_key": "pk_test_123"})).problems
    assert "secret or restricted key" in problem


def test_another_seed_gives_other_ids():
    with open_till(seed=1) as one, open_till(seed=2) as other:
        assert one.customer().id != other.customer().id
