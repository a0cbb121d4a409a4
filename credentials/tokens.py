"""Access tokens that are always valid: renewed ahead of expiry, by one worker, and stored before anyone uses them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from connectors.kit.contract import ClientCredentials, Keys, OAuth2
from connectors.kit.errors import SyncError, Unauthorised
from connectors.kit.http import Tokens
from connectors.kit.plumbing import ONLY_TOKEN
from credentials.accounts import account_with, way_of
from credentials.grants import ACCESS, REFRESH, Grant, client_grant, refresh_grant, save_grant
from credentials.models import Connection, Secret
from credentials.single_flight import alone
from credentials.status import mark_reauthorise
from credentials.vault import read_secrets, unpack

REMEMBERED = 5.0  # seconds that a process trusts its copy without asking the database
LARGEST_MARGIN = timedelta(minutes=10)
UNDISTURBED = timedelta(seconds=30)  # after a failed refresh the old token is used so long before the next try

_copies: dict[str, tuple[float, Held]] = {}


@dataclass(frozen=True, slots=True)
class Held:
    """The stored token; from refresh_at on it is renewed, at expires_at it is dead. None: it does not expire."""

    token: str = field(repr=False)
    expires_at: datetime | None = None
    refresh_at: datetime | None = None

    def is_dead(self, now: datetime) -> bool:
        return not self.token or (self.expires_at is not None and now >= self.expires_at)

    def is_due(self, now: datetime) -> bool:
        return not self.token or (self.refresh_at is not None and now >= self.refresh_at)


@dataclass(frozen=True)
class StoredTokens:
    """The tokens of one connection, as connectors.kit.http.Tokens. Neither method may be called inside a transaction."""

    connection: Connection

    def current(self) -> str:
        """A token that is valid now. When a refresh ahead of time fails for the moment, the old one as long as it lives."""
        held, now = self._copy(), datetime.now(UTC)
        if not held.is_due(now):
            return held.token
        try:
            return self.renew(held.token)
        except Unauthorised:
            raise
        except SyncError:
            if held.is_dead(now):
                raise
            self._keep(replace(held, refresh_at=now + UNDISTURBED))
            return held.token

    def renew(self, stale: str) -> str:
        """Another token than the stale one. Raises Unauthorised (and marks the connection) when only a person can help, Transient
        when the token service did not answer.
        """
        _copies.pop(self._key, None)
        try:
            with alone(self.connection):
                held = self._stored()
                if held.token == stale or held.is_dead(datetime.now(UTC)):
                    self._refresh()
        except Unauthorised as refusal:
            return self._after_refusal(stale, refusal)
        return self._keep(self._stored()).token

    def stored(self) -> str:
        """The token as it is stored, however old; "" without one."""
        return self._stored().token

    def _refresh(self) -> None:
        save_grant(self.connection, self._granted())

    def _granted(self) -> Grant:
        auth, secrets = way_of(self.connection), read_secrets(self.connection)
        account = account_with(self.connection, secrets)
        if isinstance(auth, ClientCredentials):
            return client_grant(account, auth)
        if isinstance(auth, OAuth2) and secrets.get(REFRESH):
            return refresh_grant(account, auth, secrets[REFRESH])
        raise Unauthorised("The platform never gave us a refresh token.", code="no_refresh_token")

    def _after_refusal(self, stale: str, refusal: Unauthorised) -> str:
        """Someone may have connected again meanwhile: look once more before calling a person."""
        held = self._stored()
        if held.token != stale and not held.is_dead(datetime.now(UTC)):
            return self._keep(held).token
        mark_reauthorise(self.connection, refusal.message)
        raise refusal

    @property
    def _key(self) -> str:
        return str(self.connection.key)

    def _copy(self) -> Held:
        until, held = _copies.get(self._key, (0.0, Held("")))
        return held if time.monotonic() < until else self._keep(self._stored())

    def _keep(self, held: Held) -> Held:
        if held.token:
            _copies[self._key] = (time.monotonic() + REMEMBERED, held)
        return held

    def _stored(self) -> Held:
        row = Secret.objects.filter(connection=self.connection, name=ACCESS)
        found = row.values_list("value", "updated_at", "connection__token_expires_at").first()
        if found is None:
            return Held("")
        value, issued_at, expires_at = found
        token = unpack(self.connection, ACCESS, value)
        if expires_at is None:
            return Held(token)
        return Held(token, expires_at, expires_at - min(LARGEST_MARGIN, (expires_at - issued_at) / 10))


@dataclass(frozen=True)
class TypedToken:
    """connectors.kit.http.Tokens over a token that a person typed in: there is no other to be had."""

    connection: Connection
    name: str

    def current(self) -> str:
        value = Secret.objects.filter(connection=self.connection, name=self.name).values_list("value", flat=True).first()
        return "" if value is None else unpack(self.connection, self.name, value)

    def renew(self, stale: str) -> str:
        """Whatever was entered meanwhile. Raises Unauthorised, with which the platform's own words go on to the caller."""
        token = self.current()
        if token == stale:
            raise Unauthorised("The platform refused the key that was typed in.", code=ONLY_TOKEN)
        return token


def tokens_of(connection: Connection) -> Tokens | None:
    """What the connection's way of authorising hands out; None where the connector signs with keys by itself."""
    auth = way_of(connection)
    if isinstance(auth, (OAuth2, ClientCredentials)):
        return StoredTokens(connection)
    return TypedToken(connection, auth.token) if isinstance(auth, Keys) and auth.token else None


def forget_copies() -> None:
    """Drop what this process remembers; the next call asks the database."""
    _copies.clear()
