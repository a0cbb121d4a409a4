"""Where a person sees an object in FreshBooks. Only the address of invoices is known; the rest has no link."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.account import Account

APP_URL = "https://my.freshbooks.com"


def invoice_url(account: Account, id: str) -> str:
    app = (account.urls.get("app") or APP_URL).rstrip("/")
    known = account.ids.get("account_id", "")
    return f"{app}/#/invoice/{known}-{id}" if known and id else ""


def link(account: Account, kind: ObjectType, id: str) -> str:
    return invoice_url(account, id) if kind is ObjectType.INVOICE else ""
