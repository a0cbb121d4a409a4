"""The official package as a referee: it drives the sandbox, makes the signatures that we check, and checks the sandbox's own."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import stripe
from stripe_till import CONNECTOR, INVOICE

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Delivery
from connectors.kit.errors import BadSignature
from connectors.kit.sandbox import Answer, Sandbox, serve
from connectors.platforms.stripe.amounts import decimals
from connectors.platforms.stripe.api import VERSION

HOOKS = CONNECTOR.webhooks
READS = CONNECTOR.reads[ObjectType.COLLECTION]
SECRET = "whsec_referee0000000000"


def test_our_version_is_the_package_s():
    assert stripe.api_version == VERSION


def test_the_package_drives_the_life_of_an_invoice(till):
    client = till.official()
    customer = client.v1.customers.create(
        {"name": "Ida", "email": "ida@stroem.example", "metadata": {"a": "b"}, "address": {"line1": "4 Kiln"}}
    )
    assert (customer.metadata["a"], customer.address.line1, customer.livemode) == ("b", "4 Kiln", False)
    draft = client.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 14, "currency": "cad"}
    )
    assert (draft.status, draft.auto_advance, draft.number) == ("draft", False, None)
    client.v1.invoice_items.create({"customer": customer.id, "invoice": draft.id, "amount": 1500, "description": "Old way"})
    changed = client.v1.invoices.add_lines(draft.id, {"lines": [{"amount": 8500, "description": "New way"}, {"amount": -500}]})
    assert [line.amount for line in changed.lines.data] == [1500, 8500, -500]
    client.v1.invoices.remove_lines(draft.id, {"lines": [{"id": changed.lines.data[0].id, "behavior": "delete"}]})
    opened = client.v1.invoices.finalize_invoice(draft.id, {"auto_advance": False})
    assert (opened.status, opened.total, opened.amount_remaining, bool(opened.hosted_invoice_url)) == ("open", 8000, 8000, True)
    till.admin("pay", invoice=draft.id, amount="30.00")
    parts = client.v1.invoice_payments.list({"invoice": draft.id, "status": "paid"})
    [part] = list(parts.auto_paging_iter())
    assert (part.amount_paid, part.payment.type) == (3000, "payment_intent")
    paid = client.v1.invoices.pay(draft.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    intent = client.v1.payment_intents.retrieve(part.payment.payment_intent, {"expand": ["latest_charge.balance_transaction"]})
    assert (intent.latest_charge.amount, intent.latest_charge.balance_transaction.net) == (3000, 3000 - 117)
    events = client.v1.events.list({"types": ["invoice.paid", "invoice_payment.paid"], "limit": 1})
    assert [event.type for event in events.auto_paging_iter()] == ["invoice.paid", "invoice_payment.paid"]


@pytest.mark.parametrize(
    ("currency", "units", "part", "text"), [("cad", 8050, 3000, "50.50"), ("jpy", 8050, 3000, "5050"), ("kwd", 80500, 30000, "50.500")]
)
def test_the_package_pays_in_parts_and_refunds_whatever_the_decimals(till, currency, units, part, text):
    client = till.official()
    customer = client.v1.customers.create({"email": "ida@stroem.example"})
    draft = client.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 7, "currency": currency}
    )
    client.v1.invoices.add_lines(draft.id, {"lines": [{"amount": units, "description": "Vase"}]})
    client.v1.invoices.finalize_invoice(draft.id)
    card = {"amount": part, "currency": currency, "customer": customer.id, "confirm": True, "payment_method": "pm_card_visa"}
    intent = client.v1.payment_intents.create(card)
    attached = client.v1.invoices.attach_payment(draft.id, {"payment_intent": intent.id})
    assert (attached.status, attached.amount_paid, attached.amount_remaining) == ("open", part, units - part)
    with pytest.raises(stripe.InvalidRequestError):  # nothing is left of it
        client.v1.invoices.attach_payment(draft.id, {"payment_intent": intent.id})
    rest = client.v1.payment_intents.create({**card, "amount": units - part})
    assert client.v1.invoices.attach_payment(draft.id, {"payment_intent": rest.id}).status == "paid"
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": part // 10})
    assert (refund.status, refund.currency, refund.payment_intent) == ("succeeded", currency, intent.id)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": part})
    found = READS.normalise(READS.fetch(till.api, draft.id), till.api.account)
    amounts = [payment.amount for payment in found.payments]
    assert [amount.text() for amount in amounts][1] == text
    assert sum(amount.amount for amount in amounts) == found.total.amount == Decimal(units).scaleb(-decimals(currency.upper()))
    assert found.payments[0].given_back[0].amount * 10 == amounts[0]


def test_three_decimals_end_in_nought_and_zero_decimals_have_none(till):
    client = till.official()
    customer = client.v1.customers.create({"email": "ida@stroem.example"})
    draft = client.v1.invoices.create({"customer": customer.id, "currency": "kwd"})
    with pytest.raises(stripe.InvalidRequestError, match="last digits"):
        client.v1.invoices.add_lines(draft.id, {"lines": [{"amount": 5124}]})
    assert client.v1.invoices.retrieve(draft.id).total == 0


def test_the_package_settles_in_parts_outside_and_voids(till):
    client = till.official()
    made = till.issued()
    amount = {"value": 4000, "currency": "cad"}
    report = {
        "amount_requested": amount,
        "initiated_at": 1,
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Cheque"}},
    }
    record = client.v1.payment_records.report_payment(report)
    assert client.v1.invoices.attach_payment(made.id, {"payment_record": record.id}).amount_remaining == 6000
    seen = READS.normalise(READS.fetch(till.api, made.id), till.api.account)
    assert (seen.payments, seen.elsewhere.text()) == ((), "40.00")
    with pytest.raises(stripe.InvalidRequestError):  # something was paid on it
        client.v1.invoices.void_invoice(made.id)
    other = till.issued(number="A-2", reference="books1:2")
    assert client.v1.invoices.void_invoice(other.id).status == "void"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.pay(other.id, {"paid_out_of_band": True})
    third = till.issued(number="A-3", reference="books1:3")
    assert client.v1.invoices.mark_uncollectible(third.id).status == "uncollectible"


def test_a_payment_in_another_currency_is_not_taken_for_an_invoice(till):
    made, client = till.issued(), till.official()
    intent = client.v1.payment_intents.create({"amount": 100, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError, match="in eur"):
        client.v1.invoices.attach_payment(made.id, {"payment_intent": intent.id})


def test_the_package_tells_nobody_how_it_was_used():
    taken = []
    nobody = Answer.of({"object": "list", "data": [], "has_more": False}, headers={"Request-Id": "req_1"})

    def take(call):
        taken.append(call)
        return nobody

    def build(_url, _options):
        sandbox = Sandbox(None)
        sandbox.route("GET", "/v1/customers", take)
        return sandbox

    served = serve(build)
    client = stripe.StripeClient("sk_test_x", base_addresses={"api": served.url})
    for _ in range(3):  # a call would carry the figures of the one before it
        client.v1.customers.list()
    served.stop()
    assert len(taken) == 3
    assert not [call for call in taken if "telemetry" in f"{call.headers}".lower()]


def test_the_package_pages_both_ways(till):
    made = [till.customer(email=f"c{n}@x.example", id=str(n)).id for n in range(5)]
    client = till.official()
    first = client.v1.customers.list({"limit": 2})
    assert ([row.id for row in first.data], first.has_more) == (made[:2:-1], True)
    assert [row.id for row in client.v1.customers.list({"limit": 2}).auto_paging_iter()] == made[::-1]
    before = client.v1.customers.list({"limit": 2, "ending_before": made[0]})
    assert [row.id for row in before.data] == [made[2], made[1]]


@pytest.mark.parametrize(
    ("call", "error", "status"),
    [
        (lambda c: c.v1.customers.create({"nickname": "x"}), stripe.InvalidRequestError, 400),
        (lambda c: c.v1.customers.create({"email": "nobody"}), stripe.InvalidRequestError, 400),
        (lambda c: c.v1.invoices.retrieve("in_none"), stripe.InvalidRequestError, 404),
        (lambda c: c.v1.invoice_items.create({"customer": "cus_1", "unit_amount": 5}), stripe.InvalidRequestError, 400),
        (lambda c: c.v1.webhook_endpoints.create({"url": "https://x.example"}), stripe.InvalidRequestError, 400),
        (lambda c: c.v1.events.list({"types": ["x"] * 21}), stripe.InvalidRequestError, 400),
    ],
)
def test_refusals_are_the_package_s_errors(till, call, error, status):
    with pytest.raises(error) as caught:
        call(till.official())
    assert caught.value.http_status == status


def test_wrong_keys_and_permissions_are_the_package_s_errors(till):
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("sk_test_wrong", base_addresses={"api": till.served.url}).v1.customers.list()
    till.admin("switch", forbidden=["write /v1/invoices"])
    with pytest.raises(stripe.PermissionError):
        till.official().v1.invoices.create({"customer": "cus_1"})


def test_a_key_replays_its_first_answer_and_refuses_other_content(till):
    client, options = till.official(), {"idempotency_key": "one-and-only"}
    first = client.v1.customers.create({"name": "A"}, options)
    again = client.v1.customers.create({"name": "A"}, options)
    assert (again.id, again.last_response.headers["Idempotent-Replayed"]) == (first.id, "true")
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "B"}, options)
    with pytest.raises(stripe.InvalidRequestError):  # a validation failure is not kept
        client.v1.customers.create({"wrong": "B"}, {"idempotency_key": "two"})
    assert client.v1.customers.create({"name": "C"}, {"idempotency_key": "two"}).name == "C"
    till.admin("switch", failing_inside=1)
    for _ in range(2):  # a failure inside is
        with pytest.raises(stripe.APIError) as caught:
            client.v1.customers.create({"name": "D"}, {"idempotency_key": "three"})
        assert caught.value.http_status == 500
    assert [row["name"] for row in till.admin("everything")["customers"]] == ["A", "C"]


# ---- signatures --------------------------------------------------------------------------------------------


def delivery(body, secret=SECRET, at=None, now=None):
    now = now or datetime.now(UTC)
    seconds = int((at or now).timestamp())
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, seconds)
    return Delivery({"stripe-signature": header}, body, now)


def test_what_the_package_signs_we_accept():
    HOOKS.verify(delivery(b'{"id": "evt_1"}'), [SECRET])
    HOOKS.verify(delivery(b'{"id": "evt_1"}'), ["whsec_older", SECRET])
    with pytest.raises(BadSignature):
        HOOKS.verify(delivery(b'{"id": "evt_1"}'), ["whsec_older"])


@pytest.mark.parametrize(("minutes", "accepted"), [(0, True), (4.9, True), (-4.9, True), (5.1, False), (-5.1, False)])
def test_the_signed_time_is_near_in_both_directions(minutes, accepted):
    now = datetime(2026, 11, 2, 12, tzinfo=UTC)
    signed = delivery(b"{}", at=now + timedelta(minutes=minutes), now=now)
    if accepted:
        HOOKS.verify(signed, [SECRET])
    else:
        with pytest.raises(BadSignature):
            HOOKS.verify(signed, [SECRET])


def test_during_a_roll_either_signature_is_enough_and_other_schemes_prove_nothing():
    body, now = b'{"id": "evt_1"}', datetime.now(UTC)
    old, new = (delivery(body, secret, now=now).headers["stripe-signature"] for secret in ("whsec_old", "whsec_new"))
    both = Delivery({"stripe-signature": f"{old},{new.partition(',')[2]}"}, body, now)
    for secrets in (["whsec_old"], ["whsec_new"], ["whsec_new", "whsec_old"]):
        HOOKS.verify(both, secrets)
    for header in (new.replace("v1=", "v0="), new.partition(",")[2], f"{new},t=1", "", "t=1", new.replace("v1=", "v1=0")):
        with pytest.raises(BadSignature):
            HOOKS.verify(Delivery({"stripe-signature": header}, body, now), ["whsec_new"])


def received(till, cause):
    """What the sandbox delivers to an endpoint of ours."""
    taken = []

    def take(call):
        taken.append(call)
        return Answer(200)

    def build(_url, _options):
        sandbox = Sandbox(None)
        sandbox.route("POST", "/in/", take)
        return sandbox

    inbox = serve(build)
    made = CONNECTOR.webhooks.subscriptions.create(till.api, "collection", f"{inbox.url}/in/", "")
    cause()
    deadline = time.monotonic() + 10
    while till.served.sandbox.courier.pending and time.monotonic() < deadline:
        time.sleep(0.02)
    inbox.stop()
    return made, taken


def test_the_package_accepts_what_the_sandbox_sends(till):
    made, taken = received(till, lambda: till.admin("pay", invoice=till.issued().id))
    client = till.official()
    kinds = [client.construct_event(call.body, call.headers["stripe-signature"], made.secret).type for call in taken]
    assert {"invoice.finalized", "charge.succeeded", "invoice_payment.paid", "invoice.paid"} <= set(kinds)
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(taken[0].body, taken[0].headers["stripe-signature"], "whsec_other")


def test_a_rolled_secret_signs_along_with_the_old_one(till):
    def cause():
        till.admin("roll_secrets")
        till.admin("place_invoices", count=1)

    made, taken = received(till, cause)
    [endpoint] = till.wallet.tables["webhook_endpoints"].values()
    for call in taken:
        for secret in (made.secret, endpoint["_secret"]):
            HOOKS.verify(Delivery(call.headers, call.body), [secret])


def test_our_own_writes_are_told_by_their_key_and_others_are_not(till):
    _made, taken = received(till, lambda: (till.issued(), till.admin("place_invoices", count=1)))
    events = [HOOKS.parse(Delivery(call.headers, call.body)) for call in taken]
    echoes = [event for event in events if event.echo]
    assert {event.topic for event in echoes} == {"collection.invoice.updated"}
    assert all(not event.notices for event in echoes)
    assert len([event for event in events if event.topic == "collection.invoice.finalized" and event.notices]) == 2
    assert CONNECTOR.writes[INVOICE].settle < timedelta(minutes=5)
