"""Where a person sees an object in the Stripe dashboard; test mode has pages of its own."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.account import Account
from connectors.platforms.stripe.api import mode_of

APP_URL = "https://dashboard.stripe.com"
_PAGES = {"in": "invoices", "cus": "customers", "pi": "payments", "ch": "payments", "py": "payments"}


def link(account: Account, kind: ObjectType, id: str) -> str:
    page = _PAGES.get(id.partition("_")[0], "")
    if not page or not id.replace("_", "").isalnum():
        return ""
    mode = account.ids.get("mode") or mode_of(account.secrets.get("secret_key", ""))
    app = (account.urls.get("app") or APP_URL).rstrip("/")
    return f"{app}{'' if mode == 'live' else '/test'}/{page}/{id}"
