"""What a bookkeeper does in the books without us, over the books' own API."""

from __future__ import annotations

from typing import Any

import requests

from credentials.vault import read_secrets
from tests.flows.conftest import Town


def _send(town: Town, method: str, path: str, single: str, body: dict[str, Any]) -> int:
    """One accounting call with an object of that name; its id."""
    books = town.orders.destination
    answer = requests.request(
        method,
        f"{town.books.url}/accounting/account/{books.ids['account_id']}/{path}",
        json={single: body},
        headers={"Authorization": f"Bearer {read_secrets(books)['access_token']}"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["response"]["result"][single]["id"])


def client_by_hand(town: Town, **fields: Any) -> int:
    """A client that we know nothing of."""
    return _send(town, "POST", "users/clients", "client", fields)


def hide_client(town: Town, client_id: int, state: int = 1) -> None:
    """Delete (1), archive (2) or restore (0) it."""
    _send(town, "PUT", f"users/clients/{client_id}", "client", {"vis_state": state})


def invoice_by_hand(town: Town, amount: str = "500.00", **fields: Any) -> int:
    """An invoice of one line, and a client for it."""
    client = client_by_hand(town, organization="Somebody else")
    lines = [{"name": "Consulting", "qty": "1", "unit_cost": {"amount": amount, "code": "CAD"}}]
    body = {"customerid": client, "create_date": "2026-11-01", "currency_code": "CAD", "lines": lines, **fields}
    return _send(town, "POST", "invoices/invoices", "invoice", body)
