"""Writing to a shop: address books are merged and never emptied, orders are marked in each way by the rules of each release."""

import html
import json
from dataclasses import replace

import pytest
from mag_shop import CUSTOMERS, shop

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import OrderMark, OrderNote, OrderStatusChange
from connectors.canonical.party import NO_ADDRESS, Address, Customer
from connectors.kit.errors import Conflict, Gone, NeedsAttention, Refused
from connectors.platforms.magento import CONNECTOR

MARKS, NOTES = CONNECTOR.writes[ObjectType.ORDER_MARK], CONNECTOR.writes[ObjectType.ORDER_NOTE]
STATUSES = CONNECTOR.writes[ObjectType.ORDER_STATUS]
HOME = Address("Ada", "Lind", "Lind Glas", "1 Quay", "Unit 4", "Kingston", "ON", "K7L 1A1", "CA", "+1 613 555 0120")
WORK = Address("Ada", "Lind", "", "80 Kiln Road", "", "Bremen", "", "28195", "DE", "+49 421 555")
ADA = Customer(email="ada@lind.example", given_name="Ada", family_name="Lind", company="Lind Glas", phone=HOME.phone, billing=HOME)
both_releases = pytest.mark.parametrize("release", ["2.4.7", "2.4.8"])


def bodies(town, path):
    return [json.loads(entry["body"]) for entry in town.served.sandbox.log if entry["method"] != "GET" and path in entry["path"]]


# ---- customers ---------------------------------------------------------------------------------------------


def test_a_customer_is_made_with_its_address_its_region_by_number_and_no_password():
    with shop() as town:
        made = CUSTOMERS.create(town.api, replace(ADA, shipping=WORK))
        ((body,),) = [list(one.values()) for one in bodies(town, "/customers")]
        assert "password" not in body
        billing, shipping = body["addresses"]
        assert billing["region"] == {"region": "Ontario", "region_code": "ON", "region_id": 74}
        assert (billing["street"], billing["country_id"], billing["default_billing"]) == (["1 Quay", "Unit 4"], "CA", True)
        assert (shipping["region_id"], shipping["default_shipping"]) == (0, True)
        assert (made.email, made.company, made.billing, made.shipping) == (ADA.email, "Lind Glas", HOME, replace(WORK, company="Lind Glas"))


@pytest.mark.parametrize(
    "change",
    [{"given_name": "Adela"}, {"email": "ada@new.example"}, {"tax_number": "SE 556"}, {"billing": NO_ADDRESS, "shipping": NO_ADDRESS}],
)
def test_an_update_that_concerns_no_address_sends_none(change):
    """A list replaces the whole book, and an empty list would delete it."""
    with shop() as town:
        made = CUSTOMERS.create(town.api, replace(ADA, shipping=WORK))
        before = town.customer(made.id)["addresses"]
        town.forget()
        CUSTOMERS.update(town.api, made.id, replace(made, **change))
        (body,) = bodies(town, "/customers/")
        assert "addresses" not in body["customer"]
        assert town.customer(made.id)["addresses"] == before


def test_a_customer_without_any_address_never_sends_an_empty_book():
    with shop() as town:
        made = CUSTOMERS.create(town.api, replace(ADA, billing=NO_ADDRESS, company="", phone=""))
        CUSTOMERS.update(town.api, made.id, replace(made, family_name="Lind-Berg"))
        assert ["addresses" in body["customer"] for body in bodies(town, "/customers")] == [False, False]


def test_further_addresses_of_the_book_stay_with_their_numbers():
    with shop() as town:
        made = CUSTOMERS.create(town.api, replace(ADA, shipping=WORK))
        fields = {name: value for name, value in town.customer(made.id).items() if name in ("email", "firstname", "lastname", "addresses")}
        third = {"firstname": "Ada", "lastname": "Lind", "street": ["7 Dock"], "city": "Oslo", "country_id": "NO", "telephone": "1"}
        town.ask("update_customer", id=made.id, fields={**fields, "addresses": [*fields["addresses"], third]})
        before = town.customer(made.id)["addresses"]
        CUSTOMERS.update(town.api, made.id, replace(made, billing=replace(HOME, line1="2 Quay")))
        after = town.customer(made.id)["addresses"]
        assert [one["id"] for one in after] == [one["id"] for one in before]
        assert after[0]["street"] == ["2 Quay", "Unit 4"]
        assert after[1:] == before[1:]


def test_one_address_for_both_sides_is_split_when_they_part():
    with shop() as town:
        entry = {"firstname": "Ada", "lastname": "Lind", "street": ["1 Quay"], "city": "Kingston", "region_id": 74, "postcode": "K7L 1A1",
                 "country_id": "CA", "telephone": "1", "default_billing": True, "default_shipping": True}  # fmt: skip
        fields = {"email": "ada@lind.example", "firstname": "Ada", "lastname": "Lind", "addresses": [entry]}
        made = CUSTOMERS.get(town.api, str(town.ask("create_customer", fields=fields)["id"]))
        CUSTOMERS.update(town.api, made.id, replace(made, shipping=replace(WORK, company="")))
        first, second = town.customer(made.id)["addresses"]
        assert (first["street"], first.get("default_billing"), first.get("default_shipping")) == (["1 Quay"], True, None)
        assert (second["city"], second.get("default_shipping")) == ("Bremen", True)


def test_the_e_mail_finds_one_whatever_its_case_and_a_second_one_is_a_conflict():
    with shop() as town:
        made = CUSTOMERS.create(town.api, ADA)
        assert [one.id for one in CUSTOMERS.find(town.api, replace(ADA, email="ADA@Lind.example"))] == [made.id]
        assert CUSTOMERS.find(town.api, replace(ADA, email="")) == ()
        with pytest.raises(Conflict):
            CUSTOMERS.create(town.api, replace(ADA, email="ADA@LIND.EXAMPLE"))
        assert len(town.ask("customers")["customers"]) == 1


def test_a_customer_that_is_gone_is_not_written():
    with shop() as town:
        with pytest.raises(Gone):
            CUSTOMERS.update(town.api, "99", ADA)
        assert town.writes() == []


@pytest.mark.parametrize(("fields", "lacks"), [({"email": ""}, "e-mail"), ({"given_name": "", "company": ""}, "name")])
def test_what_makes_no_customer_is_said_before_anything_is_sent(fields, lacks):
    with shop() as town:
        with pytest.raises(NeedsAttention, match=lacks) as raised:
            CUSTOMERS.create(town.api, replace(ADA, **fields))
        assert raised.value.code == "customer_incomplete"
        assert town.writes() == []


def test_a_company_without_a_person_lends_its_name():
    with shop() as town:
        made = CUSTOMERS.create(town.api, replace(ADA, given_name="", family_name="", billing=NO_ADDRESS))
        assert (town.customer(made.id)["firstname"], town.customer(made.id)["lastname"]) == ("Lind Glas", "-")


def test_a_new_account_belongs_to_the_website_that_the_probe_found():
    with shop() as town:
        ids = CONNECTOR.probe(town.api).ids
        api = CONNECTOR.open(replace(town.account, key="scoped", ids={**ids, "store_id": "2"}), town.api.plumbing)
        made = CUSTOMERS.create(api, ADA)
        assert (town.customer(made.id)["website_id"], town.customer(made.id)["store_id"]) == (1, 2)


# ---- marks -------------------------------------------------------------------------------------------------


def mark(order, **ways):
    given = {"reference": False, "note": "", "marker": "books b1:77", **ways}
    return OrderMark(order["id"], given.pop("number", "MAG-000000001"), **given)


NOTE = "books b1:77: Invoice MAG-000000001 <written> & sent"


@both_releases
@pytest.mark.parametrize(
    ("ways", "sent"),
    [
        ({"reference": True}, ["POST /rest/V1/orders"]),
        ({"note": NOTE}, ["POST /rest/V1/orders/N/comments"]),
        ({"status": "books_invoiced"}, ["POST /rest/V1/orders"]),
        ({"attribute": "invoice_no"}, ["POST /rest/V1/orders"]),
        ({"reference": True, "note": NOTE, "status": "books_invoiced", "attribute": "invoice_no"}, ["POST /rest/V1/orders"]),
    ],
)
def test_each_way_is_one_call_and_none_makes_an_invoice_in_the_shop(release, ways, sent):
    with shop(release=release) as town:
        town.ask("attributes", names=["invoice_no"])
        order = town.place(paid=True)
        before = town.shown(order["id"])
        wanted = mark(order, **ways)
        assert MARKS.find(town.api, wanted) == ()
        town.forget()
        MARKS.create(town.api, wanted)
        assert [call.replace(f"/orders/{order['id']}/", "/orders/N/") for call in town.writes()] == sent
        after, notes = town.shown(order["id"]), town.notes(order["id"])
        assert after.get("ext_order_id") == ("MAG-000000001" if "reference" in ways else None)
        assert after["extension_attributes"].get("invoice_no") == ("MAG-000000001" if "attribute" in ways else None)
        assert after["status"] == ways.get("status", "processing")
        assert [html.unescape(note["comment"]) for note in notes] == ([NOTE] if "note" in ways else [])
        assert [(note["status"], note["is_customer_notified"], note["is_visible_on_front"]) for note in notes] == (
            [(after["status"], 0, 0)] if "note" in ways else []
        )
        for name in ("grand_total", "total_paid", "total_invoiced", "total_due", "state", "items"):
            assert after.get(name) == before.get(name), name
        assert MARKS.find(town.api, wanted) == (wanted,)
        town.forget()
        MARKS.update(town.api, order["id"], wanted)
        assert town.writes() == []


@both_releases
def test_a_comment_carries_the_status_that_the_order_has(release):
    """Left out it blanks the status up to 2.4.6; another one is refused by 2.4.7 and taken by 2.4.8."""
    with shop(release=release) as town:
        order = town.place(paid=True)
        NOTES.create(town.api, OrderNote(order["id"], "books b1:77 paid", "books b1:77"))
        (body,) = bodies(town, "/comments")
        assert body["statusHistory"]["status"] == "processing"
        assert town.shown(order["id"])["status"] == "processing"


def test_the_eras_of_comments_as_the_shops_show_them():
    for release, status in (("2.4.7", "processing"), ("2.4.8", "fraud")):
        with shop(release=release) as town:
            order = town.place(paid=True)
            history = {"statusHistory": {"comment": "x", "status": "fraud", "parent_id": int(order["id"])}}
            if release == "2.4.7":
                with pytest.raises(Refused, match="not part of the order status history"):
                    town.api.call("POST", f"/orders/{order['id']}/comments", json=history)
            else:
                town.api.call("POST", f"/orders/{order['id']}/comments", json=history)
            assert town.shown(order["id"])["status"] == status
            history["statusHistory"]["status"] = "books_invoiced"
            with pytest.raises(Refused):
                town.api.call("POST", f"/orders/{order['id']}/comments", json=history)


def test_a_magento_invoice_only_if_asked_and_only_once():
    with shop() as town:
        order = town.place()
        wanted = mark(order, reference=True, shop_invoice=True)
        MARKS.create(town.api, wanted)
        assert town.shown(order["id"])["total_paid"] == town.shown(order["id"])["grand_total"]
        assert MARKS.find(town.api, wanted) == (wanted,)
        MARKS.update(town.api, order["id"], wanted)
        assert [call for call in town.writes() if call.endswith("/invoice")] == [f"POST /rest/V1/order/{order['id']}/invoice"]


def test_a_cancelled_or_refunded_order_keeps_its_status_and_gets_no_invoice():
    with shop() as town:
        cancelled, refunded = town.place(), town.place(paid=True)
        town.ask("cancel", id=cancelled["id"])
        town.ask("refund", id=refunded["id"])
        for order, status in ((cancelled, "canceled"), (refunded, "closed")):
            wanted = mark(order, reference=True, note=NOTE, status="books_invoiced", shop_invoice=True)
            MARKS.create(town.api, wanted)
            shown = town.shown(order["id"])
            assert (shown["status"], shown["ext_order_id"]) == (status, "MAG-000000001")
            assert [note["status"] for note in town.notes(order["id"])] == [status]
            assert MARKS.find(town.api, wanted) == (wanted,)
        assert not any(call.endswith("/invoice") for call in town.writes())


def refused(town, order, wanted, code):
    before = town.shown(order["id"]), town.notes(order["id"])
    with pytest.raises(NeedsAttention) as raised:
        MARKS.create(town.api, wanted)
    assert raised.value.code == code
    assert (town.shown(order["id"]), town.notes(order["id"])) == before


def test_what_another_program_put_into_the_reference_stays():
    with shop() as town:
        order = town.place(paid=True)
        town.served.sandbox.state.orders[int(order["id"])]["ext_order_id"] = "ERP-77"
        refused(town, order, mark(order, reference=True, note=NOTE), "reference_taken")
        MARKS.create(town.api, mark(order, note=NOTE))
        assert town.shown(order["id"])["ext_order_id"] == "ERP-77"


def test_a_number_too_long_for_the_column_is_never_cut_silently():
    with shop() as town:
        order = town.place(paid=True)
        refused(town, order, mark(order, reference=True, number="N" * 33), "reference_too_long")
        MARKS.create(town.api, mark(order, reference=True, number="N" * 32))
        assert town.shown(order["id"])["ext_order_id"] == "N" * 32


def test_an_attribute_that_no_extension_keeps_is_told_and_nothing_else_is_written():
    with shop() as town:
        order = town.place(paid=True)
        refused(town, order, mark(order, reference=True, note=NOTE, attribute="invoice_no"), "no_attribute")


def test_a_lost_answer_to_a_mark_is_found_again_and_not_written_twice():
    with shop() as town:
        order = town.place(paid=True)
        wanted = mark(order, reference=True, note=NOTE)
        town.faults({"kind": "drop_after", "method": "POST", "path": "/orders$", "times": 1})
        with pytest.raises(Exception, match="lost"):
            MARKS.create(town.api, wanted)
        assert MARKS.find(town.api, wanted) == (wanted,)
        MARKS.create(town.api, wanted)
        assert len(town.notes(order["id"])) == 1


def test_a_status_is_written_with_its_state_and_never_on_a_closed_order():
    with shop() as town:
        order, closed = town.place(), town.place(paid=True)
        STATUSES.create(town.api, OrderStatusChange(order["id"], "processing"))
        assert (town.shown(order["id"])["state"], town.shown(order["id"])["status"]) == ("processing", "processing")
        town.ask("refund", id=closed["id"])
        town.forget()
        with pytest.raises(NeedsAttention) as raised:
            STATUSES.create(town.api, OrderStatusChange(closed["id"], "processing"))
        assert raised.value.code == "order_closed"
        assert town.writes() == []


def test_an_order_that_is_gone_is_never_saved():
    """A partial save of an unknown number tries to make a new order."""
    with shop() as town:
        with pytest.raises(Gone):
            MARKS.create(town.api, mark({"id": "99"}, reference=True))
        assert town.writes() == []


def test_markers_are_whole_words():
    with shop() as town:
        order = town.place(paid=True)
        NOTES.create(town.api, OrderNote(order["id"], "books b1:77 written", "books b1:77"))
        assert NOTES.find(town.api, OrderNote(order["id"], "", "books b1:7")) == ()
        assert len(NOTES.find(town.api, OrderNote(order["id"], "", "books b1:77"))) == 1
