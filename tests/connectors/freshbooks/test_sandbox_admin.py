"""The effect ledger of the FreshBooks sandbox and what a person does by hand, over the admin port."""

from __future__ import annotations

import threading
from decimal import Decimal

from fb_sandbox_driver import Driver, running

from connectors.kit.sandbox import serve
from connectors.platforms.freshbooks.sandbox import SANDBOX


def test_the_books_show_everything_that_was_accepted() -> None:
    with running() as books:
        client = books.client()["id"]
        made = books.invoice(client, "10.00", po_number="77", invoice_number="TB-77")["id"]
        gone = books.pay(made, "3.00", note="TB-77/a")["id"]
        books.ok("PUT", f"payments/payments/{gone}", {"payment": {"vis_state": 1}})
        kept = books.pay(made, "4.00", note="TB-77/b")["id"]
        found = books.admin("books")
        assert [row["id"] for row in found["clients"]] == [client]
        invoice = found["invoices"][0]
        assert (invoice["number"], invoice["reference"], invoice["currency"], invoice["client_id"]) == ("TB-77", "77", "USD", client)
        assert (invoice["amount"], invoice["paid"], invoice["outstanding"], invoice["status"]) == ("10.00", "4.00", "6.00", "partial")
        shared = {"date": "2026-07-02", "type": "Cash", "overpayment_id": None}
        assert invoice["payments"] == [
            {"id": gone, "amount": "3.00", "note": "TB-77/a", "vis_state": 1, **shared},
            {"id": kept, "amount": "4.00", "note": "TB-77/b", "vis_state": 0, **shared},
        ]


def test_a_person_pays_and_edits() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00", invoice_number="TB-1")["id"]
        assert books.admin("pay", number="TB-1", amount="4", type="Check", date="2026-07-09")["invoice"]["outstanding"] == "6.00"
        assert books.admin("pay", invoice_id=made)["payment"]["amount"] == "6.00"
        lines = [{"name": "Vase", "unit_cost": {"amount": "11.00"}}]
        assert books.admin("edit_invoice", invoice_id=made, fields={"lines": lines})["invoice"]["outstanding"] == "1.00"
        assert books.admin("edit_invoice", number="TB-1", fields={"vis_state": 1})["invoice"]["vis_state"] == 1
        assert books.admin("lock_invoice", number="TB-1")["invoice"]["locked"] is True


def admin_status(books: Driver, action: str, body: object) -> int:
    return books.session.post(f"{books.served.admin_url}/{action}", json=body, timeout=5).status_code


def test_what_cannot_be_done_says_so_and_does_nothing() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00")["id"]
        assert admin_status(books, "pay", {"number": "none"}) == 404
        assert admin_status(books, "pay", {"invoice_id": made, "type": "Stripe"}) == 400
        assert admin_status(books, "nothing", {}) == 404
        assert admin_status(books, "identity", {"kind": "king"}) == 404
        assert admin_status(books, "switch", {"roundings": "line"}) == 404
        assert admin_status(books, "faults", {"faults": [{"kind": "status", "colour": 1}]}) == 400
        assert books.session.post(f"{books.served.admin_url}/pay", data=b"{", timeout=5).status_code == 400
        assert books.admin("books")["invoices"][0]["paid"] == "0.00"


def test_a_fresh_sandbox_is_opened_by_its_connection() -> None:
    assert SANDBOX.role == "ledger"
    served = serve(SANDBOX.build, {"seed": 5})
    try:
        found = SANDBOX.connection(served.url)
        books = Driver(served)
        books.token = found["secrets"]["access_token"]
        assert books.ok("GET", "users/clients", account=found["ids"]["account_id"])["total"] == 0
        form = {key: found["secrets"][key] for key in ("client_id", "client_secret", "refresh_token")} | {"grant_type": "refresh_token"}
        assert books.session.post(found["urls"]["token"], data=form, timeout=5).status_code == 200
    finally:
        served.stop()


def test_the_same_seed_makes_the_same_things() -> None:
    uuids = []
    for seed in (3, 3, 4):
        with running(seed=seed) as books:
            uuids.append(books.client()["uuid"])
    assert uuids[0] == uuids[1] != uuids[2]


def test_many_at_once_lose_and_double_nothing() -> None:
    with running() as books:
        client = books.client()["id"]
        target = books.invoice(client, "1000.00", invoice_number="BIG")["id"]

        def work() -> None:
            own = Driver(books.served)
            for _ in range(15):
                own.invoice(client, "1.00")
                own.pay(target, "0.10")

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = books.admin("books")["invoices"]
        assert len({row["number"] for row in found}) == 241
        big = next(row for row in found if row["number"] == "BIG")
        assert (Decimal(big["paid"]), len(big["payments"])) == (Decimal("24.00"), 240)
        assert big["outstanding"] == "976.00"
