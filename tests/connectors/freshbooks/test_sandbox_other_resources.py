"""Items, taxes, other income, expenses and the ledger of the FreshBooks sandbox."""

from __future__ import annotations

from fb_sandbox_driver import running

from connectors.platforms.freshbooks.sandbox import BUSINESSES


def test_items() -> None:
    with running() as books:
        tax = books.ok("POST", "taxes/taxes", {"tax": {"name": "GST", "amount": "5.000"}})["tax"]
        assert (tax["amount"], tax["id"] == tax["taxid"], "vis_state" in tax) == ("5", True, False)
        body = {
            "name": "Bowl",
            "sku": "B-1",
            "unit_cost": {"amount": "12.5", "code": "EUR"},
            "tax1": tax["id"],
            "rate": "9",
            "taxable": True,
        }
        item = books.ok("POST", "items/items", {"item": body})["item"]
        assert item["unit_cost"] == {"amount": "12.50", "code": "EUR"}
        assert (item["tax1"], item["tax2"], item["qty"], item["inventory"]) == (tax["id"], 0, "1", None)
        assert "rate" not in item
        assert "taxable" not in item
        assert books.refused("POST", "items/items", {"item": {"sku": "B-2"}}) == (422, 1001, "name")
        assert books.refused("POST", "items/items", {"item": {"name": "X", "tax1": 5}}) == (422, 1012, "tax1")
        books.ok("POST", "items/items", {"item": {"name": "Bowl", "sku": "B-1"}})
        assert books.ok("GET", "items/items", search__sku="B-1")["total"] == 2
        assert books.ok("GET", "items/items", search__sku="none")["total"] == 2  # not a filter


def test_a_tax_is_deleted_for_good() -> None:
    with running() as books:
        tax = books.ok("POST", "taxes/taxes", {"tax": {"name": "GST", "amount": 5}})["tax"]["id"]
        assert books.refused("PUT", f"taxes/taxes/{tax}", {"tax": {"amount": "7.1234"}}) == (422, 1018, "amount")
        assert books.ok("PUT", f"taxes/taxes/{tax}", {"tax": {"number": "RT 9"}})["tax"]["number"] == "RT 9"
        assert books.call("DELETE", f"taxes/taxes/{tax}").status_code == 200
        assert books.refused("GET", f"taxes/taxes/{tax}") == (404, 1012, "taxid")
        assert books.ok("GET", "taxes/taxes")["taxes"] == []


def test_other_income_needs_the_full_record() -> None:
    with running() as books:
        body = {"amount": {"amount": "113", "code": "USD"}, "category_name": "online_sales", "date": "2026-07-01", "source": "Market"}
        made = books.ok("POST", "other_incomes/other_incomes", {"other_income": body})["other_income"]
        assert (made["incomeid"], made["amount"]["amount"]) == (made["id"], "113.00")
        assert books.refused("POST", "other_incomes/other_incomes", {"other_income": body | {"source": ""}}) == (422, 1001, "source")
        wrong = {"other_income": body | {"category_name": "shop"}}
        assert books.refused("POST", "other_incomes/other_incomes", wrong) == (422, 1004, "category_name")
        path = f"other_incomes/other_incomes/{made['id']}"
        assert books.refused("PUT", path, {"other_income": {"note": "x"}}) == (422, 1001, "amount")
        assert [row["id"] for row in books.ok("GET", "other_incomes/other_incomes")["other_income"]] == [made["id"]]
        assert books.call("DELETE", path).status_code == 200
        assert books.ok("GET", "other_incomes/other_incomes")["other_income"] == []


def test_expenses_and_their_categories() -> None:
    with running() as books:
        categories = {row["category"]: row["id"] for row in books.ok("GET", "expenses/categories")["categories"]}
        body = {
            "categoryid": categories["Bank Fees"],
            "staffid": 1,
            "amount": {"amount": "2.90"},
            "date": "2026-07-01",
            "vendor": "Gateway",
        }
        made = books.ok("POST", "expenses/expenses", {"expense": body})["expense"]
        assert (made["amount"], made["clientid"], made["markup_percent"]) == ({"amount": "2.90", "code": "USD"}, 0, "0")
        assert books.refused("POST", "expenses/expenses", {"expense": body | {"staffid": None}}) == (422, 1001, "staffid")
        assert books.refused("POST", "expenses/expenses", {"expense": body | {"categoryid": 1}}) == (422, 1012, "categoryid")
        assert books.refused("POST", "expenses/categories", {"category": {"category": "X"}}) == (405, 1003, "")
        assert books.ok("GET", "expenses/expenses", search__vendor="gate")["total"] == 1


def test_journal_entries_balance() -> None:
    with running() as books:
        chart = books.ok("GET", "journal_entry_accounts/journal_entry_accounts", per_page=100)["journal_entry_accounts"]
        subs = [account["sub_accounts"][0]["sub_accountid"] for account in chart]
        details = [{"sub_accountid": subs[0], "debit": "20.00"}, {"sub_accountid": subs[4], "credit": "20"}]
        entry = {"name": "July sales", "description": "July", "currency_code": "USD", "user_entered_date": "2026-07-01", "details": details}
        path = "journal_entries/journal_entries"
        made = books.ok("POST", path, {"journal_entry": entry})["journal_entry"]
        assert [(each["debit"], each["credit"], each["description"]) for each in made["details"]] == [
            ("20", None, "July"),
            (None, "20", "July"),
        ]
        assert books.refused("POST", path, {"journal_entry": {**entry, "currency_code": None}}) == (500, 500, "")
        uneven = {**entry, "details": [details[0], {**details[1], "credit": "19"}]}
        assert books.refused("POST", path, {"journal_entry": uneven}) == (422, 1004, "details")
        listed = books.ok("GET", "journal_entries/journal_entry_details", search__sub_accountid=subs[0])["journal_entry_details"]
        assert [each["debit"] for each in listed] == ["20"]


def test_the_system_and_the_new_chart_of_accounts() -> None:
    with running(currency="CAD") as books:
        role = books.raw("GET", "/auth/api/v1/users/me").json()["response"]["roles"][0]
        assert books.ok("GET", f"systems/systems/{role['systemid']}")["system"]["currency_code"] == "CAD"
        found = books.raw("GET", f"/accounting/businesses/{BUSINESSES[0][2]}/ledger_accounts/accounts").json()["data"]
        parents = [row for row in found if row["parent_account"] is None]
        assert [row["name"] for row in parents][:2] == ["Cash", "Accounts Receivable"]
        assert {row["parent_account"] for row in found} - {None} == {row["uuid"] for row in parents}
        assert books.raw("GET", f"/accounting/businesses/{BUSINESSES[1][2]}/ledger_accounts/accounts").status_code == 404
