"""Who an authorisation is: the businesses behind it, which of them can be used, and a probe of the chosen one."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.kit.contract import Candidate, Permission, Probe
from connectors.kit.errors import NeedsAttention, SyncError
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.clients import CLIENTS
from connectors.platforms.freshbooks.invoices import INVOICES
from connectors.platforms.freshbooks.items import ITEMS
from connectors.platforms.freshbooks.payments import PAYMENTS
from connectors.platforms.freshbooks.taxes import TAXES

ME = "/auth/api/v1/users/me"
AS_CLIENT = (
    "In this account the person is only a client: FreshBooks lets a client read but not write. "
    "Connect as an owner or admin of the business."
)
NO_ACCOUNT = "This business has no accounting account, so there are no books to write to."
# Read once each when connecting; without the first three nothing works, the others depend on the plan.
NEEDED, OPTIONAL = (CLIENTS, INVOICES, PAYMENTS), (ITEMS, TAXES)
SIGN_IN = "Sign in as somebody who may write to the books"


def candidates(api: Api) -> tuple[Candidate, ...]:
    """The businesses and accounts that the authorisation reaches, with a refusal where they cannot be used."""
    return tuple(_candidates(_me(api)))


def _me(api: Api) -> Tame:
    return Tame(api.get(ME).json("me")["response"].value, "me")


def _roles(me: Tame) -> dict[str, str]:
    """The accounting role by account id: it may differ from the role in the business."""
    roles: dict[str, str] = {}
    for role in me.get("roles").items_or_none():
        account = role.get("accountid").identifier()
        if account:
            roles[account] = role.get("role").text_or()
    return roles


def _businesses(me: Tame) -> list[tuple[Tame, Tame]]:
    found = [(member, member.get("business")) for member in me.get("business_memberships").items_or_none()]
    return [(member, business) for member, business in found if not business.is_null]


def _candidates(me: Tame) -> Iterator[Candidate]:
    roles, businesses = _roles(me), _businesses(me)
    claimed = {business.get("account_id").identifier() for _, business in businesses}
    homeless = [business for _, business in businesses if not business.get("account_id").identifier()]
    spare = [account for account in roles if account not in claimed]
    for member, business in businesses:
        account = business.get("account_id").identifier() or _fallback(business, homeless, spare)
        yield _candidate(me, member, business, account, roles)
    if not homeless:  # accounts that no business of this person stands for: the person is a guest there
        yield from (_guest(me, account, roles[account]) for account in spare)


def _fallback(business: Tame, homeless: list[Tame], spare: list[str]) -> str:
    """A business without account id: the one account that no other business claims, else the one its client list names."""
    if len(homeless) == 1 and len(spare) == 1:
        return spare[0]
    named = {row.get("account_id").identifier() for row in business.get("business_clients").items_or_none()} - {""}
    return named.pop() if len(named) == 1 else ""


def _candidate(me: Tame, member: Tame, business: Tame, account: str, roles: dict[str, str]) -> Candidate:
    role = member.get("role").text_or()
    refusal = "" if account else NO_ACCOUNT
    if account and "client" in (roles.get(account), role):
        refusal = AS_CLIENT
    ids = {
        "account_id": account,
        "business_id": business.get("id").identifier(),
        "business_uuid": business.get("business_uuid").text_or(),
        "identity_id": me.get("identity_id").identifier() or me.get("id").identifier(),
    }
    name = business.get("name").text_or() or f"Account {account or '?'}"
    return Candidate(f"{name} ({role or 'member'})", {key: id for key, id in ids.items() if id}, refusal)


def _guest(me: Tame, account: str, role: str) -> Candidate:
    ids = {"account_id": account, "identity_id": me.get("identity_id").identifier() or me.get("id").identifier()}
    return Candidate(f"Account {account} ({role or 'member'})", ids, AS_CLIENT if role == "client" else "")


# ---- the probe ---------------------------------------------------------------------------------------------


def probe(api: Api) -> Probe:
    """Ask who we are and read one page of each thing that flows touch; every finding is a fact or a sentence."""
    try:
        me = _me(api)
        chosen = _chosen(api, tuple(_candidates(me)))
    except SyncError as error:
        return Probe(problems=(error.message,), permissions=(Permission(SIGN_IN, False, error.message),))
    if chosen.refusal:
        refused = (Permission(SIGN_IN, False, chosen.refusal),)
        return Probe(facts={"business": chosen.label}, ids=chosen.ids, problems=(chosen.refusal,), permissions=refused)
    facts, problems, tried = {"business": chosen.label}, [], [Permission(SIGN_IN, True)]
    for resource in (*NEEDED, *OPTIONAL):
        outcome = _readable(api, resource)
        facts[resource.many] = outcome or "readable"
        tried.append(Permission(f"Read {resource.many.replace('_', ' ')}", not outcome, outcome))
        if outcome and resource in NEEDED:
            problems.append(outcome)
    zone = me.get("profile").get("timezone").text_or() if isinstance(me.get("profile").value, dict) else ""
    return Probe(facts, chosen.ids, _currency(api, me, chosen), zone, tuple(problems), tuple(tried))


def _chosen(api: Api, found: tuple[Candidate, ...]) -> Candidate:
    account = fb.account_id(api.account)
    match = next((candidate for candidate in found if candidate.ids.get("account_id") == account), None)
    if match is None:
        raise NeedsAttention(
            f"The connected person no longer reaches the account {account}. Connect it again and choose the business.",
            code="account_unknown",
        )
    return match


def _readable(api: Api, resource: fb.Resource) -> str:
    try:
        api.get(fb.address(api, resource), [("per_page", "1")])
    except SyncError as error:
        return error.message
    return ""


def _currency(api: Api, me: Tame, chosen: Candidate) -> str:
    """The home currency from the account's system record; "" where that cannot be read, then flows ask nothing of it."""
    account = chosen.ids["account_id"]
    for role in me.get("roles").items_or_none():
        if role.get("accountid").identifier() != account or not role.get("systemid").identifier():
            continue
        try:
            system = fb.read_one(api, fb.Resource("systems/systems", "system", "systems"), role["systemid"].identifier())
            return system.get("currency_code").currency()
        except SyncError:
            return ""
    return ""
