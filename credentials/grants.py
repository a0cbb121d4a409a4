"""Talks to token endpoints: a code, a refresh token or the app's own pair goes in, a grant comes out and is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from urllib.parse import quote

from django.conf import settings
from django.db import transaction

from connectors.kit.account import Account
from connectors.kit.contract import Candidate, ClientCredentials, OAuth2
from connectors.kit.errors import NeedsAttention, Rejected, SyncError, Transient, Unauthorised, Unclear
from connectors.kit.http import Api, Effect, Plumbing, Response
from connectors.kit.tame import Tame, parse_json
from credentials.models import Connection
from credentials.vault import set_secrets

ACCESS, REFRESH = "access_token", "refresh_token"
SCOPES = "scopes"  # in the connection's ids: what was granted, separated by blanks
CALLBACK_PATH = "/connect/callback/"
TIMEOUT = (2.0, 8.0)  # a lock is held while we wait, so ten seconds in all
LONGEST_LIFE = 10 * 365 * 86400


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token endpoint answered; times by our clock, None when it did not say. scopes None: it did not say."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None
    refresh_expires_at: datetime | None = None
    scopes: str | None = None
    answered: Candidate | None = None


def redirect_uri() -> str:
    """Where platforms send the browser back: https outside of tests, never with a query (FreshBooks' rule)."""
    return f"{settings.PUBLIC_URL}{CALLBACK_PATH}"


def code_grant(account: Account, auth: OAuth2, code: str, carried: Mapping[str, str], redirect: str) -> Grant:
    """Exchange a code; carried are parameters of the callback that the platform wants back."""
    fields = {"grant_type": "authorization_code", "code": code, **carried, "redirect_uri": redirect, **auth.token_params}
    return request_grant(account, token_address(account, auth), fields, auth)


def refresh_grant(account: Account, auth: OAuth2, refresh_token: str) -> Grant:
    """A new pair. A lost answer is asked for once more where the platform takes the same refresh token again."""
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, "redirect_uri": redirect_uri(), **auth.refresh_params}
    address = token_address(account, auth)
    try:
        return request_grant(account, address, fields, auth)
    except Transient:
        if not auth.repeats_refresh:
            raise
    return request_grant(account, address, fields, auth)


def client_grant(account: Account, auth: ClientCredentials) -> Grant:
    """A token for the app's own pair. Asking twice does no harm."""
    fields = {"grant_type": "client_credentials", "scope": auth.separator.join(auth.scopes), **auth.token_params}
    return request_grant(account, token_address(account, auth), fields, auth)


def token_address(account: Account, auth: OAuth2 | ClientCredentials) -> str:
    """The address of the connection's token service."""
    return account.urls.get("token") or fill(auth.token_url, account)


def fill(template: str, account: Account) -> str:
    """An address with the connection's own in it. Raises NeedsAttention while that is missing."""
    if "{base}" in template and not account.base_url:
        raise NeedsAttention("Enter the address of the shop first, and save the connection.", code="no_address")
    return template.replace("{base}", account.base_url).replace("{client_id}", quote(account.secrets.get("client_id", ""), safe=""))


def request_grant(account: Account, token_url: str, fields: Mapping[str, str], auth: OAuth2 | ClientCredentials) -> Grant:
    """One form post, never repeated: codes and refresh tokens are single-use. Fields without a value are left out.

    Raises Unauthorised (code as the endpoint named it: "invalid_grant", "invalid_client"), or Transient when there was no usable
    answer; the grant may then be used up.
    """
    asked = datetime.now(UTC)
    client = {name: account.secrets.get(name, "") for name in ("client_id", "client_secret")}
    if not all(client.values()):
        raise Unauthorised("The client id or the client secret of the app is missing. Enter both and connect again.", code="no_client")
    scheme, _, rest = token_url.partition("://")
    host, _, path = rest.partition("/")
    api = Api(
        account=account,
        base_url=f"{scheme}://{host}",
        classify=_classify,
        plumbing=Plumbing(allow_private=settings.ALLOW_PRIVATE_STORES, sleep=_never_again),
        headers={"Accept": "application/json"},
        timeout=TIMEOUT,
    )
    form = {name: value for name, value in {**client, **fields}.items() if value}
    try:
        answer = api.call("POST", f"/{path}", form=form, effect=Effect.CREATE)
        return _read_grant(answer, asked, auth)
    except (Unclear, Rejected) as error:
        raise Transient(f"The platform's token service gave no usable answer. {error.message}", code=error.code) from error


def save_grant(connection: Connection, grant: Grant, *, fresh: bool = False) -> None:
    """Store tokens and expiry together. An endpoint that does not rotate sends no refresh token: the old one stays, unless the
    authorisation is a fresh one.
    """
    tokens = {ACCESS: grant.access_token} | ({REFRESH: grant.refresh_token} if grant.refresh_token or fresh else {})
    times = {"token_expires_at": grant.expires_at, "refresh_expires_at": grant.refresh_expires_at}
    if not grant.refresh_token and not fresh:
        del times["refresh_expires_at"]
    with transaction.atomic():
        set_secrets(connection, tokens)
        rows = Connection.objects.filter(pk=connection.pk)
        rows.update(**times)
        if grant.scopes is not None:
            ids = rows.values_list("ids", flat=True).get()
            connection.ids = {**ids, SCOPES: grant.scopes}
            rows.update(ids=connection.ids)
    for name, value in times.items():
        setattr(connection, name, value)


def missing_scopes(auth: object, ids: Mapping[str, str]) -> tuple[str, ...]:
    """The needed scopes that were not granted; () where the platform does not say or does not want them compared."""
    if not isinstance(auth, (OAuth2, ClientCredentials)) or auth.covers is None or SCOPES not in ids:
        return ()
    amount_to = auth.covers(frozenset(str(ids[SCOPES]).split()))
    return tuple(scope for scope in auth.scopes if scope not in amount_to)


def _classify(response: Response) -> SyncError | None:
    if response.status == 200:
        return None
    code = _error_code(response)
    if response.status in (400, 401, 403):  # invalid_grant comes as 400 or as 401
        return Unauthorised(f"The platform's token service refused ({code}).", code=code)
    return Transient(f"The platform's token service answered with status {response.status}.", code=code)


def _error_code(response: Response) -> str:
    """The endpoint's `error`, or "refused"; only a short plain word is taken, since it is shown."""
    try:
        code = parse_json(response.body, "token")["error"].text()
    except Rejected:
        return "refused"
    return code if len(code) <= 40 and code.replace("_", "").isalnum() and code.isascii() else "refused"


def _read_grant(response: Response, asked: datetime, auth: OAuth2 | ClientCredentials) -> Grant:
    token = response.json("token")
    scope = token.get("scope").value if auth.covers else None
    return Grant(
        access_token=_filled(token["access_token"].text()),
        refresh_token=token.get("refresh_token").text_or(),
        expires_at=_until(token.get("expires_in"), asked),
        refresh_expires_at=_until(token.get("refresh_token_expires_in"), asked),
        scopes=" ".join(scope.replace(",", " ").split()) if isinstance(scope, str) else None,
        answered=auth.answered(token) if isinstance(auth, OAuth2) and auth.answered else None,
    )


def _until(life: Tame, asked: datetime) -> datetime | None:
    return None if life.is_null else asked + timedelta(seconds=min(life.integer(), LONGEST_LIFE))


def _filled(text: str) -> str:
    if not text:
        raise Rejected("token.access_token: expected text, got nothing", code="malformed")
    return text


def _never_again(_seconds: float) -> NoReturn:
    """The kit would nap and try again; here a row lock is held, and the caller's own back-off is the better place."""
    raise Transient("The platform's token service could not be reached.", code="not_reached")
