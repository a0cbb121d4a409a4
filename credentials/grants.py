"""Talks to token endpoints: an authorization code or a refresh token goes in, a grant comes out and is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from django.conf import settings
from django.db import transaction

from connectors.kit.contract import Account
from connectors.kit.errors import Rejected, SyncError, Transient, Unauthorised, Unclear
from connectors.kit.http import Api, Effect, Plumbing, Response
from connectors.kit.tame import parse_json
from credentials.models import Connection
from credentials.vault import set_secrets

ACCESS, REFRESH = "access_token", "refresh_token"
CALLBACK_PATH = "/connect/callback/"
TIMEOUT = (2.0, 8.0)  # a lock is held while we wait, so ten seconds in all


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token endpoint answered; expires_at by our clock, None when it did not say."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None


def redirect_uri() -> str:
    """Where platforms send the browser back: https outside of tests, never with a query (FreshBooks' rule)."""
    return f"{settings.PUBLIC_URL}{CALLBACK_PATH}"


def request_grant(account: Account, token_url: str, fields: Mapping[str, str], now: datetime | None = None) -> Grant:
    """One form post, never repeated: codes and refresh tokens are single-use.

    Raises Unauthorised (code as the endpoint named it: "invalid_grant", "invalid_client"), or Transient when there was no usable
    answer; the grant may then be used up.
    """
    asked = now or datetime.now(UTC)
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
    try:
        answer = api.call("POST", f"/{path}", form={**fields, **client, "redirect_uri": redirect_uri()}, effect=Effect.CREATE)
        return _read_grant(answer, asked)
    except (Unclear, Rejected) as error:
        raise Transient(f"The platform's token service gave no usable answer. {error.message}", code=error.code) from error


def save_grant(connection: Connection, grant: Grant) -> None:
    """Store both tokens and the expiry together. An endpoint that does not rotate sends no refresh token: the old one stays."""
    tokens = {ACCESS: grant.access_token} | ({REFRESH: grant.refresh_token} if grant.refresh_token else {})
    with transaction.atomic():
        set_secrets(connection, tokens)
        Connection.objects.filter(pk=connection.pk).update(token_expires_at=grant.expires_at)
    connection.token_expires_at = grant.expires_at


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


def _read_grant(response: Response, asked: datetime) -> Grant:
    token = response.json("token")
    life = token.get("expires_in")
    return Grant(
        access_token=_filled(token["access_token"].text()),
        refresh_token=token.get("refresh_token").text_or(),
        expires_at=None if life.is_null else asked + timedelta(seconds=min(life.integer(), 10 * 365 * 86400)),
    )


def _filled(text: str) -> str:
    if not text:
        raise Rejected("token.access_token: expected text, got nothing", code="malformed")
    return text


def _never_again(_seconds: float) -> NoReturn:
    """The kit would nap and try again; here a row lock is held, and the caller's own back-off is the better place."""
    raise Transient("The platform's token service could not be reached.", code="not_reached")
