"""Who the key belongs to, in which mode, and what it may do: every permission that the flows need, tried and named."""

from __future__ import annotations

from connectors.kit.contract import Permission, Probe
from connectors.kit.errors import Gone, NeedsAttention, SyncError
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.stripe.api import mode_of

# Reading is tried with one row. Writing is tried on an object that cannot exist: "no such" means that it would have been allowed.
READ = {
    "Customers": "/v1/customers",
    "Invoices": "/v1/invoices",
    "Invoice payments": "/v1/invoice_payments",
    "PaymentIntents": "/v1/payment_intents",
    "Charges and refunds": "/v1/refunds",
    "Disputes": "/v1/disputes",
    "Balance transactions": "/v1/balance_transactions",
    "Events": "/v1/events",
    "Webhook endpoints": "/v1/webhook_endpoints",
}
WRITE = {
    "Customers": "/v1/customers/cus_tillbridgeprobe",
    "Invoices": "/v1/invoices/in_tillbridgeprobe",
    "Webhook endpoints": "/v1/webhook_endpoints/we_tillbridgeprobe",
}
NO_KEY = (
    "This is not a secret or restricted key of Stripe: they start with sk_live_, rk_live_, sk_test_ or rk_test_. "
    "Copy one from Developers > API keys."
)


def probe(api: Api) -> Probe:
    """A real call for each thing; findings are facts or sentences."""
    mode = mode_of(api.account.secrets.get("secret_key", ""))
    if not mode:
        return Probe(problems=(NO_KEY,), permissions=(Permission("A key of Stripe", False, NO_KEY),))
    account = _account(api)
    tried = [_permission(f"{name} (read)", _may_read(api, path)) for name, path in READ.items()]
    tried += [_permission(f"{name} (write)", _may_write(api, path)) for name, path in WRITE.items()]
    missing = [one.name for one in tried if not one.granted]
    problems = [f"The key lacks permissions: {', '.join(missing)}. Add them under Developers > API keys."] if missing else []
    id = "" if account is None else account["id"].known_identifier()
    known = api.account.ids.get("account_id", "")
    if id and known and id != known:
        problems.append(f"The key belongs to the account {id}, but this connection is to {known}. Make another connection for it.")
    facts = {"mode": mode, "account": id or "the key may not read it", "permissions": "complete" if not missing else "incomplete"}
    ids = {"mode": mode, **({"account_id": id} if id else {})}
    return Probe(facts, ids, _currency(api, account), _zone(account), tuple(problems), tuple(tried))


def _permission(name: str, granted: bool) -> Permission:
    mend = "" if granted else f"Give the key {name} in Stripe under Developers > API keys: edit the key, then test again."
    return Permission(name, granted, mend)


def _account(api: Api) -> Tame | None:
    """The account; None where a restricted key may not see it."""
    try:
        return api.get("/v1/account").json("account")
    except NeedsAttention:
        return None


def _may_read(api: Api, path: str) -> bool:
    try:
        api.get(path, [("limit", "1")])
    except NeedsAttention:
        return False
    return True


def _may_write(api: Api, path: str) -> bool:
    try:
        api.call("POST", path, form=[("description", "")], effect=Effect.REPEATABLE)
    except NeedsAttention:
        return False
    except Gone:
        return True
    except SyncError as error:
        if error.code == "reference_missing":
            return True
        raise
    return True


def _currency(api: Api, account: Tame | None) -> str:
    if account is not None and not account.get("default_currency").is_null:
        return account["default_currency"].currency()
    try:
        balance = api.get("/v1/balance").json("balance")
    except NeedsAttention:
        return ""
    return next((row["currency"].currency() for row in balance["available"].items()), "")


def _zone(account: Tame | None) -> str:
    place = account
    for name in ("settings", "dashboard", "timezone"):
        if place is None or not isinstance(place.value, dict):
            return "UTC"
        place = place.get(name)
    return "UTC" if place is None or place.is_null else place.text().replace("Etc/UTC", "UTC")
