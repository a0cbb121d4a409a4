"""The FreshBooks connector against its sandbox: every read, find, write and action, and the errors in both shapes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.canonical.ledger import Credit, Invoice, InvoiceLine, InvoiceStatus, InvoiceTax, Payment
from connectors.canonical.money import Money
from connectors.canonical.party import Address, Customer
from connectors.kit.account import Account
from connectors.kit.errors import Conflict, Gone, NeedsAttention, RateLimited, Refused, Transient, Unauthorised, Unclear
from connectors.kit.http import Api, Plumbing
from connectors.kit.sandbox import Served, serve
from connectors.platforms.freshbooks import CONNECTOR

USD = "USD"


class Wallet:
    """The token pair of the sandbox; renew goes through the sandbox's real token endpoint."""

    def __init__(self, served: Served, spec: Any) -> None:
        self.url, self.secrets, self.renewed = spec["urls"]["token"], dict(spec["secrets"]), 0

    def current(self) -> str:
        return str(self.secrets["access_token"])

    def renew(self, stale: str) -> str:
        fields = {**self.secrets, "grant_type": "refresh_token", "redirect_uri": "https://app.example/cb"}
        request = urllib.request.Request(self.url, json.dumps(fields).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                self.secrets |= json.load(answer)
        except urllib.error.HTTPError as error:
            raise Unauthorised(str(error)) from error
        self.renewed += 1
        return self.current()


class Bench:
    """A running sandbox, the connector's calls into it and its admin port."""

    def __init__(self, **options: Any) -> None:
        assert CONNECTOR.sandbox is not None
        self.served = serve(CONNECTOR.sandbox.build, {"seed": 7, "retry_pauses": [], **options})
        spec = CONNECTOR.sandbox.connection(self.served.url)
        self.wallet = Wallet(self.served, spec)
        self.naps: list[float] = []
        self.account = Account(key=f"fb-{self.served.url}", base_url=spec["base_url"], urls=spec["urls"], ids=spec["ids"])
        self.plumbing = Plumbing(tokens=self.wallet, allow_private=True, sleep=self.naps.append)
        self.api = self.opened(self.account)

    def opened(self, account: Account) -> Api:
        return CONNECTOR.open(account, self.plumbing)

    def admin(self, name: str, **body: Any) -> Any:
        return self.served.sandbox.command(name, body)

    def fault(self, **fault: Any) -> None:
        self.admin("faults", faults=[fault])

    def calls(self, method: str, ending: str) -> list[Any]:
        return [entry for entry in self.admin("requests") if entry["method"] == method and entry["path"].endswith(ending)]

    def client(self, email: str = "bo@buyer.example") -> Customer:
        return CONNECTOR.writes[ObjectType.CUSTOMER].create(self.api, Customer(email=email, given_name="Bo", family_name="Buyer"))

    def invoice(self, number: str = "TB-1") -> Invoice:
        client = self.client()
        return CONNECTOR.writes[ObjectType.INVOICE].create(self.api, an_invoice(client.id, number))


@pytest.fixture
def bench() -> Iterator[Bench]:
    running = Bench()
    yield running
    running.served.stop()


def usd(amount: str) -> Money:
    return Money.of(amount, USD)


def an_invoice(customer_id: str, number: str = "TB-1") -> Invoice:
    lines = (
        InvoiceLine("Bowl", "SKU BOWL-1", Decimal(2), usd("12.50"), (InvoiceTax("GST", Decimal(5)), InvoiceTax("PST", Decimal(7)))),
        InvoiceLine("Shipping", "Flat rate", Decimal(1), usd("6.00")),
    )
    return Invoice(customer_id, number, "1001", date(2026, 3, 1), USD, lines, notes="Order 1001")


def customers() -> Any:
    return CONNECTOR.writes[ObjectType.CUSTOMER]


def invoices() -> Any:
    return CONNECTOR.writes[ObjectType.INVOICE]


def payments() -> Any:
    return CONNECTOR.writes[ObjectType.PAYMENT]


# ---- clients -----------------------------------------------------------------------------------------------


def full_customer() -> Customer:
    billing = Address("Ana", "Ruiz", "Ruiz SL", "Calle Mayor 1", "2B", "Madrid", "MD", "28013", "ES", "+34 600")
    return Customer(
        email="Ana@Shop.example", given_name="Ana", family_name="Ruiz", company="Ruiz SL", phone="+34 600", billing=billing,
        shipping=Address(line1="Rue 5", city="Lyon", postcode="69001", country="FR"), tax_number="ESB1", currency="EUR",
    )  # fmt: skip


def test_a_client_is_written_and_read_back_whole(bench: Bench) -> None:
    created = customers().create(bench.api, full_customer())
    assert created.id
    wanted = full_customer()
    shipping = replace(wanted.shipping, given_name="Ana", family_name="Ruiz", company="Ruiz SL")
    assert replace(created, id="", updated_at=None) == replace(wanted, shipping=shipping)
    assert customers().get(bench.api, created.id) == created
    assert bench.admin("books")["clients"][0]["p_country"] == "Spain"


def test_clients_are_found_by_exact_e_mail_oldest_active_first(bench: Bench) -> None:
    first, second, other = bench.client("Same@x.example"), bench.client("same@x.example"), bench.client("notsame@x.example")
    found = customers().find(bench.api, Customer(email="SAME@x.example"))
    assert [client.id for client in found] == [first.id, second.id]
    assert other.id not in [client.id for client in found]
    archive(bench, "users/clients", "client", first.id, 2)
    assert [client.id for client in customers().find(bench.api, Customer(email="same@x.example"))] == [second.id, first.id]
    archive(bench, "users/clients", "client", second.id, 1)
    assert [client.id for client in customers().find(bench.api, Customer(email="same@x.example"))] == [first.id]


def archive(bench: Bench, path: str, single: str, id: str, state: int) -> None:
    account = bench.account.ids["account_id"]
    bench.api.call("PUT", f"/accounting/account/{account}/{path}/{id}", json={single: {"vis_state": state}})


def test_a_client_without_e_mail_is_found_by_marker_and_name_only(bench: Bench) -> None:
    nobody = Customer(given_name="No", family_name="Mail", note="Tillbridge guest of order 7")
    created = customers().create(bench.api, nobody)
    customers().create(bench.api, replace(nobody, given_name="Other"))
    assert [client.id for client in customers().find(bench.api, nobody)] == [created.id]
    assert customers().find(bench.api, replace(nobody, note="")) == ()


def test_an_update_writes_what_is_known_and_erases_nothing(bench: Bench) -> None:
    created = customers().create(bench.api, full_customer())
    changed = customers().update(bench.api, created.id, Customer(email="ana@shop.example", family_name="Roca"))
    assert (changed.family_name, changed.given_name, changed.email) == ("Roca", "Ana", "ana@shop.example")
    assert replace(changed.billing, family_name="Ruiz") == created.billing
    assert changed.currency == "EUR"


def test_a_deleted_client_is_gone_until_restored(bench: Bench) -> None:
    client = bench.client()
    archive(bench, "users/clients", "client", client.id, 1)
    with pytest.raises(Gone):
        customers().get(bench.api, client.id)
    with pytest.raises(Refused):
        invoices().create(bench.api, an_invoice(client.id))
    assert bench.admin("books")["invoices"] == []
    assert customers().actions["restore"](bench.api, client.id).id == client.id
    assert invoices().create(bench.api, an_invoice(client.id)).id


# ---- items and taxes ---------------------------------------------------------------------------------------


def test_items_are_matched_by_sku_on_our_side(bench: Bench) -> None:
    writes = CONNECTOR.writes[ObjectType.PRODUCT]
    made = [writes.create(bench.api, Product("", f"SKU-{n}", f"Thing {n}", "x", usd("3.10"))) for n in range(120)]
    bench.admin("forget")
    assert writes.find(bench.api, Product("", "SKU-117", "whatever")) == (made[117],)
    assert len(bench.calls("GET", "items/items")) == 2  # 120 items: two pages of a hundred
    assert writes.find(bench.api, Product("", "SKU-11", "Thing 111")) == (made[11],)
    assert writes.find(bench.api, Product("", "sku-11", "")) == ()
    assert made[5].unit_price == usd("3.10")
    changed = writes.update(bench.api, made[5].id, replace(made[5], name="New", unit_price=usd("4.00")))
    assert (changed.name, changed.unit_price, changed.sku) == ("New", usd("4.00"), "SKU-5")


def test_a_plan_without_items_needs_attention_although_it_answers_200(bench: Bench) -> None:
    bench.admin("switch", gates=["items"])
    with pytest.raises(NeedsAttention) as caught:
        CONNECTOR.writes[ObjectType.PRODUCT].find(bench.api, Product("", "A", "A"))
    assert caught.value.code == "no_feature"


def test_taxes_are_found_by_name_and_rate(bench: Bench) -> None:
    writes = CONNECTOR.writes[ObjectType.TAX]
    made = writes.create(bench.api, InvoiceTax("HST", Decimal("13.5")))
    assert (made.name, made.percent) == ("HST", Decimal("13.5"))
    assert writes.find(bench.api, InvoiceTax("HST", Decimal("13.500"))) == (made,)
    other = InvoiceTax("HST", Decimal(13))
    assert writes.find(bench.api, other) == (made,)  # named alike: shown, but never taken for it
    assert not writes.owns(made, other)
    thirteen = writes.create(bench.api, other)
    assert writes.find(bench.api, other) == (thirteen, made)
    assert writes.find(bench.api, InvoiceTax("GST", Decimal(13))) == ()
    assert writes.get(bench.api, made.id) == made


# ---- invoices ----------------------------------------------------------------------------------------------


def test_an_invoice_is_a_draft_with_the_totals_read_back(bench: Bench) -> None:
    made = bench.invoice()
    assert (made.amount, made.paid, made.outstanding) == (usd("34.00"), usd("0.00"), usd("34.00"))
    assert (made.status, made.locked, made.number, made.reference) == (InvoiceStatus.DRAFT, False, "TB-1", "1001")
    assert made.lines == an_invoice(made.customer_id).lines
    assert made.url == f"https://my.freshbooks.com/#/invoice/{bench.account.ids['account_id']}-{made.id}"
    assert len(made.fingerprint) == 40
    assert invoices().get(bench.api, made.id) == made
    assert CONNECTOR.link(bench.account, ObjectType.INVOICE, made.id) == made.url
    assert CONNECTOR.link(bench.account, ObjectType.CUSTOMER, made.customer_id) == ""


def test_an_invoice_is_found_by_number_and_owned_by_reference(bench: Bench) -> None:
    made = bench.invoice()
    wanted = an_invoice(made.customer_id)
    assert invoices().find(bench.api, wanted) == (made,)
    assert invoices().owns(made, wanted)
    assert not invoices().owns(made, replace(wanted, reference="1002"))
    assert not invoices().owns(made, replace(wanted, customer_id="1"))  # another shop's order with the same number
    assert invoices().find(bench.api, replace(wanted, number="TB-")) == ()
    invoices().actions["void"](bench.api, made.id)
    assert invoices().find(bench.api, wanted) == ()


@pytest.mark.parametrize("shape", ["classic", "new"])
def test_a_taken_number_is_a_conflict_and_makes_nothing(bench: Bench, shape: str) -> None:
    made = bench.invoice()
    bench.admin("switch", errors=shape)
    with pytest.raises(Conflict):
        invoices().create(bench.api, an_invoice(made.customer_id))
    assert len(bench.admin("books")["invoices"]) == 1


def test_an_update_replaces_lines_and_keeps_the_ids_of_those_that_stay(bench: Bench) -> None:
    made = bench.invoice()
    before = {line["name"]: line["lineid"] for line in bench.admin("books")["invoices"][0]["lines"]}
    bowl = replace(made.lines[0], quantity=Decimal(1))
    new = replace(made, issued_on=date(2026, 3, 2), lines=(InvoiceLine("Tip", "", Decimal(1), usd("1.25")), bowl, made.lines[1]))
    changed = invoices().update(bench.api, made.id, new)
    after = {line["name"]: line["lineid"] for line in bench.admin("books")["invoices"][0]["lines"]}
    assert changed.amount == usd("21.26")  # 1.25 + 12.50 + 6.00 + 0.63 GST + 0.88 PST, each tax rounded by itself
    assert changed.lines == new.lines
    assert (after["Bowl"], after["Shipping"]) == (before["Bowl"], before["Shipping"])
    assert after["Tip"] not in before.values()
    assert changed.fingerprint != made.fingerprint


def test_the_fingerprint_follows_hands_but_not_payments_or_status(bench: Bench) -> None:
    made = bench.invoice()
    sent = invoices().actions["mark_sent"](bench.api, made.id)
    payments().create(bench.api, a_payment(made.id, "10.00"))
    paid = invoices().get(bench.api, made.id)
    assert sent.fingerprint == paid.fingerprint == made.fingerprint
    bench.admin("edit_invoice", invoice_id=made.id, fields={"create_date": "2026-04-01"})
    edited = invoices().get(bench.api, made.id)
    assert edited.fingerprint != made.fingerprint
    bench.admin("edit_invoice", invoice_id=made.id, fields={"create_date": "2026-03-01", "discount_value": "10"})
    assert invoices().get(bench.api, made.id).fingerprint not in (made.fingerprint, edited.fingerprint)


def test_mark_sent_void_restore(bench: Bench) -> None:
    made = bench.invoice()
    acts = invoices().actions
    assert acts["mark_sent"](bench.api, made.id).status is InvoiceStatus.SENT
    assert acts["mark_sent"](bench.api, made.id).status is InvoiceStatus.SENT
    assert acts["void"](bench.api, made.id).status is InvoiceStatus.VOID
    assert invoices().get(bench.api, made.id).status is InvoiceStatus.VOID
    assert acts["restore"](bench.api, made.id).status is InvoiceStatus.SENT
    bodies = [json.loads(entry["body"])["invoice"] for entry in bench.calls("PUT", made.id)]
    assert bodies == [{"action_mark_as_sent": True}] * 2 + [{"vis_state": 1}, {"vis_state": 0}]


def test_a_locked_invoice_says_so(bench: Bench) -> None:
    made = bench.invoice()
    bench.admin("lock_invoice", invoice_id=made.id)
    assert invoices().get(bench.api, made.id).locked


def test_billing_on_the_document_is_whole_or_the_clients(bench: Bench) -> None:
    client = customers().create(bench.api, full_customer())
    plain = invoices().create(bench.api, an_invoice(client.id, "A-1"))
    assert plain.billing.billing.city == "Madrid"
    buyer = Customer(given_name="Gi", family_name="Ft", billing=Address(line1="Road 9", city="Leeds", country="GB"))
    given = invoices().create(bench.api, replace(an_invoice(client.id, "A-2"), billing=buyer))
    address = given.billing.billing
    assert (address.line1, address.line2, address.city, address.country, given.billing.given_name) == ("Road 9", "", "Leeds", "GB", "Gi")


# ---- payments and credits ----------------------------------------------------------------------------------


def a_payment(invoice_id: str, amount: str, note: str = "TB 1001/t1 | paid by card", method: str = "Credit Card") -> Payment:
    return Payment(invoice_id, usd(amount), date(2026, 3, 3), method, note)


def test_payments_are_found_by_marker_on_their_invoice(bench: Bench) -> None:
    made, other = bench.invoice("TB-1"), bench.invoice("TB-2")
    payment = payments().create(bench.api, a_payment(made.id, "10.00"))
    payments().create(bench.api, a_payment(made.id, "3.00", "TB 1001/t10 | other"))
    payments().create(bench.api, a_payment(other.id, "10.00"))
    bench.admin("pay", invoice_id=made.id, amount="1.00")
    assert payments().find(bench.api, a_payment(made.id, "10.00", "TB 1001/t1 | text changed")) == (payment,)
    assert payments().find(bench.api, a_payment(made.id, "10.00", "")) == ()
    payments().actions["void"](bench.api, payment.id)
    assert payments().find(bench.api, a_payment(made.id, "10.00")) == ()


def test_a_payment_reverses_and_comes_back(bench: Bench) -> None:
    made = bench.invoice()
    payment = payments().create(bench.api, a_payment(made.id, "10.00"))
    assert invoices().get(bench.api, made.id).outstanding == usd("24.00")
    changed = payments().update(bench.api, payment.id, replace(payment, amount=usd("4.00"), received_on=date(2026, 3, 9)))
    assert (changed.amount, changed.received_on, changed.method) == (usd("4.00"), date(2026, 3, 9), "Credit Card")
    assert payments().actions["void"](bench.api, payment.id).void is True
    assert invoices().get(bench.api, made.id).paid == usd("0.00")
    assert payments().actions["restore"](bench.api, payment.id).void is False
    assert invoices().get(bench.api, made.id).paid == usd("4.00")
    assert payments().get(bench.api, payment.id).amount == usd("4.00")


def test_payment_types_are_of_the_closed_list_and_nobody_gets_mail(bench: Bench) -> None:
    made = bench.invoice()
    assert payments().create(bench.api, a_payment(made.id, "1.00", method="Stripe")).method == "Other"
    cash = bench.opened(replace(bench.account, settings={"payment_type": "Cash"}))
    assert payments().create(cash, a_payment(made.id, "1.00", "m2", method="Stripe")).method == "Cash"
    bodies = [json.loads(entry["body"])["payment"] for entry in bench.calls("POST", "payments/payments")]
    assert [body["send_client_notification"] for body in bodies] == [False, False]
    assert bench.admin("books")["mails"] == []


def test_credits(bench: Bench) -> None:
    writes, client = CONNECTOR.writes[ObjectType.CREDIT], bench.client()
    wanted = Credit(client.id, "CN-1", date(2026, 3, 5), USD, (InvoiceLine("Refund", "r1", Decimal(1), usd("25.00")),), "Refund r1")
    made = writes.create(bench.api, wanted)
    assert (made.amount, made.number, made.lines, made.void) == (usd("25.00"), "CN-1", wanted.lines, False)
    writes.create(bench.api, replace(wanted, number="CN-2"))
    assert [credit.id for credit in writes.find(bench.api, wanted)] == [made.id]
    assert writes.get(bench.api, made.id).amount == usd("25.00")
    assert writes.actions["void"](bench.api, made.id).void is True
    assert writes.find(bench.api, wanted) == ()
    assert writes.actions["restore"](bench.api, made.id).void is False


# ---- reading -----------------------------------------------------------------------------------------------


def listed(bench: Bench, kind: ObjectType, since: datetime, until: datetime) -> list[Notice]:
    page, cursor, found = CONNECTOR.reads[kind].page, None, []
    assert page is not None
    while True:
        result = page(bench.api, Window(since, until), cursor)
        found += list(result.notices)
        cursor = result.next
        if cursor is None:
            return found


def test_payments_are_listed_in_a_closed_window_deleted_ones_too(bench: Bench) -> None:
    made = bench.invoice()
    kept = payments().create(bench.api, a_payment(made.id, "1.00", "a"))
    gone = payments().create(bench.api, a_payment(made.id, "1.00", "b"))
    payments().actions["void"](bench.api, gone.id)
    now = datetime.now(UTC)
    around = listed(bench, ObjectType.PAYMENT, now - timedelta(minutes=1), now + timedelta(minutes=1))
    assert [(notice.source_id, notice.deleted) for notice in around] == [(kept.id, False), (gone.id, True)]
    assert listed(bench, ObjectType.PAYMENT, now - timedelta(hours=2), now - timedelta(hours=1)) == []
    assert listed(bench, ObjectType.PAYMENT, now + timedelta(hours=1), now + timedelta(hours=2)) == []


@pytest.mark.parametrize("kind", [ObjectType.CUSTOMER, ObjectType.PRODUCT, ObjectType.INVOICE])
def test_the_other_lists_page_through(bench: Bench, kind: ObjectType) -> None:
    bench.invoice()
    CONNECTOR.writes[ObjectType.PRODUCT].create(bench.api, Product("", "S", "N"))
    if kind is ObjectType.CUSTOMER:
        for number in range(104):
            bench.client(f"b{number}@x.example")
    now = datetime.now(UTC)
    found = listed(bench, kind, now - timedelta(minutes=2), now + timedelta(minutes=2))
    assert len({notice.source_id for notice in found}) == (105 if kind is ObjectType.CUSTOMER else 1)
    assert {notice.object_type for notice in found} == {kind}


def test_totals_that_count_hidden_rows_do_not_loop(bench: Bench) -> None:
    bench.invoice()
    bench.admin("switch", extra_total=250)
    now = datetime.now(UTC)
    assert len(listed(bench, ObjectType.INVOICE, now - timedelta(minutes=2), now + timedelta(minutes=2))) == 1


def test_a_payment_is_fetched_with_its_invoice_as_it_stands(bench: Bench) -> None:
    made = bench.invoice()
    invoices().actions["mark_sent"](bench.api, made.id)
    paid = bench.admin("pay", invoice_id=made.id, amount="34.00")["payment"]
    reads = CONNECTOR.reads[ObjectType.PAYMENT]
    payment = reads.normalise(reads.fetch(bench.api, str(paid["id"])), bench.account)
    assert (payment.amount, payment.method, payment.invoice_id) == (usd("34.00"), "Check", made.id)
    assert payment.invoice is not None
    assert (payment.invoice.outstanding, payment.invoice.status) == (usd("0.00"), InvoiceStatus.SENT)
    assert payment.invoice.fingerprint == made.fingerprint
    with pytest.raises(Gone):
        reads.fetch(bench.api, "99999999")


def test_an_invoice_is_fetched_with_the_mail_of_its_client(bench: Bench) -> None:
    made = bench.invoice()
    reads = CONNECTOR.reads[ObjectType.INVOICE]
    invoice = reads.normalise(reads.fetch(bench.api, made.id), bench.account)
    assert invoice.billing.email == "bo@buyer.example"
    assert invoice.lines == made.lines


def test_clients_and_items_are_fetched_and_normalised(bench: Bench) -> None:
    client = customers().create(bench.api, full_customer())
    item = CONNECTOR.writes[ObjectType.PRODUCT].create(bench.api, Product("", "S", "N", "D", usd("1.00")))
    for kind, made in ((ObjectType.CUSTOMER, client), (ObjectType.PRODUCT, item)):
        reads = CONNECTOR.reads[kind]
        assert reads.normalise(reads.fetch(bench.api, made.id), bench.account) == made


# ---- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["classic", "new"])
@pytest.mark.parametrize("as_200", [False, True])
def test_errors_in_every_shape_are_the_same_class(bench: Bench, shape: str, as_200: bool) -> None:
    bench.admin("switch", errors=shape, errors_as_200=as_200)
    with pytest.raises(Gone):
        invoices().get(bench.api, "99999999")
    with pytest.raises((Refused, Gone)) as caught:
        invoices().create(bench.api, replace(an_invoice("1"), customer_id="99999999"))
    assert isinstance(caught.value, Refused)
    with pytest.raises(Refused) as refused:
        customers().create(bench.api, Customer())
    assert "error 1001" in refused.value.message
    assert bench.admin("books")["clients"] == []


def test_a_client_role_may_read_but_writing_needs_attention(bench: Bench) -> None:
    bench.admin("identity", kind="client")
    with pytest.raises(NeedsAttention, match="owner or admin"):
        bench.client()
    assert bench.admin("books")["clients"] == []


def test_an_expired_token_is_renewed_and_the_create_happens_once(bench: Bench) -> None:
    bench.admin("expire_tokens")
    assert bench.client().id
    assert bench.wallet.renewed == 1
    assert len(bench.admin("books")["clients"]) == 1


def test_a_revoked_grant_is_unauthorised(bench: Bench) -> None:
    bench.admin("revoke_tokens")
    with pytest.raises(Unauthorised):
        bench.client()
    assert bench.admin("books")["clients"] == []


def test_a_lost_answer_of_a_create_is_unclear_and_found_afterwards(bench: Bench) -> None:
    bench.fault(kind="drop_after", method="POST", path="invoices/invoices")
    client = bench.client()
    with pytest.raises(Unclear):
        invoices().create(bench.api, an_invoice(client.id))
    assert len(invoices().find(bench.api, an_invoice(client.id))) == 1
    assert len(bench.calls("POST", "invoices/invoices")) == 1


def test_an_error_page_is_transient_for_reads_and_unclear_for_creates(bench: Bench) -> None:
    client = bench.client()
    bench.fault(kind="html", path="invoices", times=-1, status=502)
    with pytest.raises(Transient):
        invoices().get(bench.api, "1")
    with pytest.raises(Unclear):
        invoices().create(bench.api, an_invoice(client.id))
    bench.fault(kind="html", path="invoices", times=-1, status=200)
    with pytest.raises(Unclear):
        invoices().create(bench.api, an_invoice(client.id))
    assert len(bench.calls("POST", "invoices/invoices")) == 2


def test_an_unreadable_success_of_a_create_is_unclear(bench: Bench) -> None:
    client = bench.client()
    body = json.dumps({"response": {"result": {"invoice": {"id": 5}}}})
    bench.fault(kind="status", method="POST", path="invoices/invoices", status=200, body=body)
    with pytest.raises(Unclear):
        invoices().create(bench.api, an_invoice(client.id))


def test_slow_down(bench: Bench) -> None:
    bench.fault(kind="status", path="clients", times=-1, status=429, headers={"Retry-After": "40"})
    with pytest.raises(RateLimited) as caught:
        bench.client()
    assert caught.value.retry_after == 40.0


def test_a_connection_without_a_business_says_what_to_do(bench: Bench) -> None:
    api = bench.opened(replace(bench.account, ids={}))
    with pytest.raises(NeedsAttention) as caught:
        invoices().get(api, "1")
    assert caught.value.code == "no_account"


def test_hostile_ids_stay_inside_their_path(bench: Bench) -> None:
    with pytest.raises((Gone, Refused, Transient)):
        invoices().get(bench.api, "../../../auth/api/v1/users/me?x=")
    assert bench.calls("GET", "users/me") == []


# ---- who we are --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "usable", "refused"), [("owner", 1, 0), ("several", 2, 0), ("account_null", 1, 0), ("client", 0, 1), ("no_books", 0, 1)]
)
def test_candidates(bench: Bench, kind: str, usable: int, refused: int) -> None:
    bench.admin("identity", kind=kind)
    auth = CONNECTOR.auth
    assert auth.kind == "oauth2"
    assert auth.candidates is not None
    found = auth.candidates(bench.opened(replace(bench.account, ids={})))
    assert len([candidate for candidate in found if not candidate.refusal]) == usable
    assert len([candidate for candidate in found if candidate.refusal]) == refused
    assert all(candidate.ids["account_id"] for candidate in found if not candidate.refusal)
    if kind == "account_null":
        assert found[0].ids["account_id"] == bench.account.ids["account_id"]


def test_the_probe_tells_what_works(bench: Bench) -> None:
    found = CONNECTOR.probe(bench.api)
    assert found.ok
    assert found.ids["account_id"] == bench.account.ids["account_id"]
    assert found.time_zone == "America/Toronto"
    assert found.facts["invoices"] == found.facts["items"] == "readable"
    bench.admin("switch", gates=["items"])
    gated = CONNECTOR.probe(bench.api)
    assert gated.ok
    assert "does not let this account" in gated.facts["items"]


def test_the_probe_refuses_a_client_and_a_stranger(bench: Bench) -> None:
    bench.admin("identity", kind="client")
    assert "only a client" in CONNECTOR.probe(bench.api).problems[0]
    stranger = bench.opened(replace(bench.account, ids={"account_id": "zzzzzz"}))
    bench.admin("identity", kind="owner")
    assert "no longer reaches" in CONNECTOR.probe(stranger).problems[0]
    bench.admin("revoke_tokens")
    assert not CONNECTOR.probe(bench.api).ok
