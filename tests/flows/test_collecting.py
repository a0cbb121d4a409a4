"""An invoice of the books at the payment service: issued to the cent, edited, withdrawn, paid elsewhere."""

from __future__ import annotations

import pytest

from flows.models import ExternalLink, Flow
from tests.flows.till import CLIENT, LINES, Till


def test_an_invoice_is_issued_with_its_exact_amount(till: Till) -> None:
    invoice = till.bill(notes="Thank you", invoice_number="A-7")
    job = till.collect(invoice)
    assert (job.state, job.reason) == ("done", "100.00 CAD is left to collect on invoice A-7.")
    [at] = till.there(invoice)
    assert (at["total"], at["status"], at["number"], at["currency"], at["description"]) == ("100.00", "open", "A-7", "CAD", "Thank you")
    assert [(line["description"], line["amount"]) for line in at["lines"]] == [
        ("Glazing, Kiln 2, 3 x 25.00 CAD", "75.00"),
        ("Delivery", "15.25"),
        ("HST (13 %)", "9.75"),
    ]
    [customer] = till.ask(till.service, "everything")["customers"]
    assert (customer["name"], customer["email"], customer["individual_name"]) == ("Stroem Glas", "ida@stroem.example", "Ida Stroem")
    assert customer["address"]["postal_code"] == "L8P 1A1"
    assert till.collect(invoice).reason_code == "unchanged"
    assert len(till.there(invoice)) == 1


def test_a_draft_waits_unless_the_flow_says_otherwise(till: Till) -> None:
    invoice = till.bill(draft=True)
    assert till.collect(invoice).reason_code == "left_out"
    assert till.writes(till.service) == {}
    till.option(till.out, drafts="draft")
    assert till.collect(invoice).state == "done"
    [at] = till.there(invoice)
    assert (at["status"], at["total"]) == ("draft", "100.00")
    till.ask(till.books, "edit_invoice", invoice_id=invoice["id"], fields={"lines": [*LINES, {**LINES[1], "name": "Box"}]})
    assert till.collect(invoice).state == "done"
    [at] = till.there(invoice)
    assert (at["status"], at["total"]) == ("draft", "115.25")
    till.ask(till.books, "edit_invoice", invoice_id=invoice["id"], fields={"action_mark_as_sent": True})
    assert till.collect(invoice).state == "done"
    [at] = till.there(invoice)
    assert (at["status"], at["total"]) == ("open", "115.25")


def test_it_is_sent_by_the_service_when_the_flow_says_so(till: Till) -> None:
    till.option(till.out, send=True)
    till.issued()
    types = [event["type"] for event in till.ask(till.service, "everything")["events"]]
    assert types.count("invoice.sent") == 1


def test_an_edited_invoice_is_voided_and_issued_anew(till: Till) -> None:
    invoice, at = till.issued()
    till.ask(till.books, "edit_invoice", invoice_id=invoice["id"], fields={"lines": LINES[:1]})
    job = till.collect(invoice)
    assert job.state == "done", job.reason
    states = {each["number"]: (each["status"], each["total"]) for each in till.there(invoice)}
    assert states == {at["number"]: ("void", "100.00"), f"{at['number']}-2": ("open", "84.75")}


def test_an_edited_invoice_stops_for_a_person_when_the_flow_says_so(till: Till) -> None:
    till.option(till.out, edited="attention")
    invoice, _at = till.issued()
    till.ask(till.books, "edit_invoice", invoice_id=invoice["id"], fields={"lines": LINES[:1]})
    till.service.sandbox.command("forget", {})
    assert till.collect(invoice).reason_code == "edited"
    assert till.writes(till.service) == {}
    assert [each["status"] for each in till.there(invoice)] == ["open"]


def test_an_invoice_that_was_partly_collected_is_never_issued_anew(till: Till) -> None:
    invoice, at = till.issued()
    till.pay(at, "40.00")
    till.record(at["id"])
    till.ask(till.books, "edit_invoice", invoice_id=invoice["id"], fields={"lines": LINES[:1]})
    assert till.collect(invoice).reason_code == "edited_after_payment"
    assert [each["status"] for each in till.there(invoice)] == ["open"]


def test_a_deleted_invoice_is_voided(till: Till) -> None:
    invoice, _ = till.issued()
    till.ask(till.books, "edit_invoice", invoice_id=invoice["id"], fields={"vis_state": 1})
    assert till.collect(invoice).state == "done"
    assert [each["status"] for each in till.there(invoice)] == ["void"]
    assert till.collect(invoice, force=True).state == "done"


def test_a_deleted_invoice_that_was_collected_on_is_a_persons_business(till: Till) -> None:
    invoice, at = till.issued()
    till.pay(at, "40.00")
    till.ask(till.books, "edit_invoice", invoice_id=invoice["id"], fields={"vis_state": 1})
    assert till.collect(invoice).reason_code == "collected_already"
    assert till.record(at["id"]).reason_code == "collected_for_nothing"
    assert [each["status"] for each in till.there(invoice)] == ["open"]


@pytest.mark.parametrize(("option", "status"), [("settle", "paid"), ("void", "void")])
def test_an_invoice_paid_by_cheque_is_settled_at_the_service(till: Till, option: str, status: str) -> None:
    till.option(till.out, elsewhere=option)
    invoice, at = till.issued()
    till.ask(till.books, "pay", invoice_id=invoice["id"])
    assert till.collect(invoice).state == "done"
    assert [each["status"] for each in till.there(invoice)] == [status]
    if status == "paid":
        assert till.record(at["id"]).state == "done"  # nothing of it was collected, and nothing is recorded
    assert till.recorded(invoice) == ["100.00"]


def test_what_is_paid_before_it_is_issued_is_not_collected_again(till: Till) -> None:
    invoice = till.bill()
    till.ask(till.books, "pay", invoice_id=invoice["id"], amount="30.00")
    assert till.collect(invoice).state == "done"
    [at] = till.there(invoice)
    assert (at["total"], at["lines"][-1]) == ("70.00", {"description": "Paid already", "amount": "-30.00"})
    till.pay(at)
    assert till.record(at["id"]).state == "done"
    assert (till.recorded(invoice), till.here(invoice)["outstanding"]) == (["30.00", "70.00"], "0.00")


def test_a_cheque_for_a_part_changes_what_is_collected(till: Till) -> None:
    invoice, _at = till.issued()
    till.ask(till.books, "pay", invoice_id=invoice["id"], amount="25.00")
    assert till.collect(invoice).state == "done"
    assert [(each["status"], each["total"]) for each in till.there(invoice)] == [("void", "100.00"), ("open", "75.00")]


def test_money_that_is_perhaps_the_same_is_asked_about(till: Till) -> None:
    invoice, at = till.issued()
    till.pay(at, "40.00")
    till.ask(till.books, "pay", invoice_id=invoice["id"], amount="40.00")  # a person recorded what Stripe mailed
    job = till.collect(invoice)
    assert job.reason_code == "same_money"
    assert [(each["status"], each["amount_remaining"]) for each in till.there(invoice)] == [("open", "60.00")]


def test_a_customers_balance_at_the_service_is_told(till: Till) -> None:
    invoice = till.bill()
    till.run(till.clients, invoice["client_id"])
    [customer] = till.ask(till.service, "everything")["customers"]
    till.ask(till.service, "edit_customer", id=customer["id"], fields={"balance": "-1000"})
    job = till.collect(invoice)
    assert job.reason_code == "balance_used"
    assert "10.00 CAD" in job.reason


def test_below_the_smallest_charge_the_service_collects_nothing_and_that_is_told(till: Till) -> None:
    invoice = till.bill([{"name": "Stamp", "qty": "1", "unit_cost": {"amount": "0.40", "code": "CAD"}}])
    assert till.collect(invoice).reason_code == "paid_without_payment"


@pytest.mark.parametrize(
    ("code", "amount", "state"),
    [("JPY", "4200", "done"), ("KWD", "12.340", "done"), ("KWD", "12.345", "attention"), ("UGX", "5000", "attention")],
)
def test_currencies_with_other_decimals(till: Till, code: str, amount: str, state: str) -> None:
    invoice = till.bill([{"name": "Vase", "qty": "1", "unit_cost": {"amount": amount, "code": code}}], currency_code=code)
    job = till.collect(invoice)
    assert job.state == state, job.reason
    if state == "attention":
        assert not [name for name in till.writes(till.service) if "invoices" in name]
        return
    [at] = till.there(invoice)
    assert (at["total"], at["currency"]) == (amount, code)
    till.pay(at)
    assert till.record(at["id"]).state == "done"
    assert till.recorded(invoice) == [amount]


def test_discounts_and_two_taxes_come_to_the_books_own_total(till: Till) -> None:
    lines = [
        {"name": "Cup", "qty": "7", "unit_cost": {"amount": "3.33", "code": "CAD"}, "taxName1": "GST", "taxAmount1": "5",
         "taxName2": "QST", "taxAmount2": "9.975"},
        {"name": "Bowl", "qty": "1.5", "unit_cost": {"amount": "8.99", "code": "CAD"}, "taxName1": "GST", "taxAmount1": "5"},
    ]  # fmt: skip
    invoice = till.bill(lines, discount_value="12.5")
    assert till.collect(invoice).state == "done"
    [at] = till.there(invoice)
    assert at["total"] == invoice["amount"]
    assert any(line["description"] == "Discount (12.5 %)" for line in at["lines"])


def test_an_invoice_of_a_shop_is_left_to_the_shop(till: Till) -> None:
    from credentials.models import Connection

    invoice = till.bill()
    books = till.out.source
    shop = Connection.objects.create(organization=books.organization, platform="woocommerce", label="Mug shop", status="active")
    ExternalLink.objects.create(
        destination=books, source=shop, scope=str(shop.key), object_type="invoice", key="727", remote_id=str(invoice["id"]),
        state="confirmed", intended_at="2026-11-01T00:00:00Z",
    )  # fmt: skip
    job = till.collect(invoice)
    assert (job.reason_code, "Mug shop" in job.reason) == ("left_out", True)
    assert till.writes(till.service) == {}
    Flow.objects.create(organization=books.organization, label="orders", source=shop, destination=books, recipe="order_to_invoice")
    till.books.sandbox.command("forget", {})
    assert till.collect(invoice).reason_code == "echo"  # and now it is told apart without a call to the books
    assert not till.books.sandbox.counters
    till.option(till.out, shop_invoices="collect")
    assert till.collect(invoice).state == "done"


def test_a_client_becomes_a_customer_and_its_invoice_uses_that(till: Till) -> None:
    invoice = till.bill()
    assert till.run(till.clients, invoice["client_id"]).state == "done"
    assert till.collect(invoice).state == "done"
    [customer] = till.ask(till.service, "everything")["customers"]
    [at] = till.there(invoice)
    assert at["customer"] == customer["id"]
    till.ask(till.books, "edit_client", client_id=invoice["client_id"], fields={"p_street": "9 Mill Lane", "email": "ida@glas.example"})
    assert till.run(till.clients, invoice["client_id"]).state == "done"
    [customer] = till.ask(till.service, "everything")["customers"]
    assert (customer["address"]["line1"], customer["email"], customer["name"]) == ("9 Mill Lane", "ida@glas.example", "Stroem Glas")
    assert till.links("customer") == [f"client:{invoice['client_id']}"]


def test_two_clients_with_one_email_are_two_customers(till: Till) -> None:
    first, second = till.bill(), till.bill()
    assert first["client_id"] != second["client_id"]
    assert till.collect(first).state == "done"
    assert till.collect(second).state == "done"
    assert len(till.ask(till.service, "everything")["customers"]) == 2


def test_a_customer_made_at_the_dashboard_is_adopted_by_its_email(till: Till) -> None:
    till.ask(till.service, "place_invoices", count=1)
    [known] = till.ask(till.service, "everything")["customers"]
    till.ask(till.service, "edit_customer", id=known["id"], fields={"email": CLIENT["email"]})
    invoice = till.bill()
    assert till.collect(invoice).state == "done"
    [customer] = till.ask(till.service, "everything")["customers"]
    assert till.there(invoice)[0]["customer"] == customer["id"] == known["id"]
