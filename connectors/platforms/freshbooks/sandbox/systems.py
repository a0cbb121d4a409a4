"""The system record of an account in the FreshBooks sandbox, read for its currency."""

from __future__ import annotations

from connectors.platforms.freshbooks.sandbox.fields import Row
from connectors.platforms.freshbooks.sandbox.resource import Resource
from connectors.platforms.freshbooks.sandbox.state import Books, Table


def seed_system(books: Books) -> None:
    row: Row = {
        "id": books.system_id,
        "systemid": books.system_id,
        "accountid": books.account_id,
        "name": books.name,
        "active": True,
        "country": "Canada",
        "currency_code": books.switches.currency,
    }
    books.tables["systems"].save(books.system_id, row)


SYSTEMS = Resource(
    path="systems/systems",
    single="system",
    plural="systems",
    label="System",
    scopes=("profile",),
    id_field="systemid",
    make_table=lambda _first: Table(1),
)
