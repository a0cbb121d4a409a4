"""Who the caller is: the /users/me answer of several identities, and the accounting role that each has in an account.

Kinds: owner; several (two businesses with books of their own); account_null (the business names no accounting account, the roles do);
client (owner of the business but only a client in its books); no_books (no accounting account anywhere).
"""

from __future__ import annotations

from connectors.platforms.freshbooks.sandbox.fields import Row
from connectors.platforms.freshbooks.sandbox.state import MAIN_ACCOUNT, SECOND_ACCOUNT, Books, World

KINDS = ("owner", "several", "account_null", "client", "no_books")
IDENTITY_ID = 27004411
IDENTITY_UUID = "6a3f2c58-91d4-4b7e-8c05-2f6de1a90b73"


def accounting_roles(kind: str) -> dict[str, str]:
    """Role by account id. An account without an entry does not exist for the caller."""
    if kind == "no_books":
        return {}
    if kind == "several":
        return {MAIN_ACCOUNT: "admin", SECOND_ACCOUNT: "admin"}
    return {MAIN_ACCOUNT: "client" if kind == "client" else "admin"}


def _membership(books: Books, number: int, account_id: str | None) -> Row:
    return {
        "id": 150200 + number,
        "role": "owner",
        "unacknowledged_change": False,
        "business": {
            "id": books.business_id,
            "business_uuid": books.business_uuid,
            "name": books.name,
            "account_id": account_id,
            "date_format": "mm/dd/yyyy",
            "address": {"id": number, "street": "", "city": "", "province": "", "country": "Canada", "postal_code": ""},
            "phone_number": None,
            "business_clients": [],
        },
    }


def _role(books: Books, number: int, role: str) -> Row:
    return {
        "id": 71300 + number,
        "role": role,
        "systemid": books.system_id,
        "userid": 1,
        "created_at": "2026-01-05T15:00:00Z",
        "links": {"destroy": f"/service/auth/api/v1/users/role/{71300 + number}"},
        "accountid": books.account_id,
    }


def _group(books: Books, number: int) -> Row:
    return {
        "id": number,
        "group_id": 40 + number,
        "role": "owner",
        "identity_id": IDENTITY_ID,
        "identity_uuid": IDENTITY_UUID,
        "business_id": books.business_id,
        "active": True,
    }


def show_me(world: World) -> Row:
    """The answer of /auth/api/v1/users/me, without its envelope."""
    kind = world.switches.identity
    roles = accounting_roles(kind)
    shown = [books for account, books in world.accounts.items() if account in roles or account == MAIN_ACCOUNT]
    hidden = kind in ("account_null", "no_books")
    return {
        "id": IDENTITY_ID,
        "identity_id": IDENTITY_ID,
        "identity_uuid": IDENTITY_UUID,
        "first_name": "Olive",
        "last_name": "Owner",
        "email": "owner@books.example",
        "language": "en",
        "confirmed_at": None,
        "created_at": "2026-01-05T15:00:00Z",
        "unconfirmed_email": None,
        "setup_complete": True,
        "phone_numbers": [{"title": "", "phone_number": None}],
        "addresses": [None],
        "profession": None,
        "links": {"me": f"/service/auth/api/v1/users?id={IDENTITY_ID}", "roles": f"/service/auth/api/v1/users/role/{IDENTITY_ID}"},
        "profile": {
            "setup_complete": True,
            "first_name": "Olive",
            "last_name": "Owner",
            "timezone": "America/Toronto",
            "time_format": 0,
        },
        "permissions": {account: {"client.limit": -1, "advanced_accounting.access": True, "refunds.access": True} for account in roles},
        "groups": [_group(books, number) for number, books in enumerate(shown, 1)],
        "subscription_statuses": dict.fromkeys(roles, "active"),
        "integrations": {},
        "business_memberships": [_membership(books, number, None if hidden else books.account_id) for number, books in enumerate(shown, 1)],
        "roles": [_role(world.accounts[account], number, role) for number, (account, role) in enumerate(roles.items(), 1)],
    }
