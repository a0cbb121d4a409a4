"""The authorization-code flow: where the browser goes, what the code is exchanged for, and which account it is about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from audit.models import Outcome
from connectors.kit.contract import Candidate, OAuth2, Query
from connectors.kit.errors import NeedsAttention, Unauthorised
from credentials.accounts import PENDING, account_of, oauth_of
from credentials.grants import Grant, code_grant, fill, redirect_uri, save_grant
from credentials.models import Connection
from credentials.services import open_api
from credentials.single_flight import alone
from credentials.status import record_about
from credentials.tokens import forget_copies
from credentials.vault import forget, read_secrets, set_secrets

TIME_TO_CHOOSE = timedelta(minutes=15)


@dataclass(frozen=True)
class FreshToken:
    """connectors.kit.http.Tokens over one token that is not stored yet."""

    token: str = field(repr=False)

    def current(self) -> str:
        return self.token

    def renew(self, stale: str) -> str:
        raise Unauthorised("The platform refused the access that it had just given.", code="fresh_token_refused")


def authorize_url(connection: Connection, state: str) -> str:
    """Where the browser goes. Raises NeedsAttention when the app's client id or secret was not entered."""
    auth = _auth(connection)
    account = account_of(connection)
    if not account.secrets.get("client_id") or not account.secrets.get("client_secret"):
        raise NeedsAttention("Enter the client id and the client secret of your app first, and save the connection.", code="no_client")
    address = account.urls.get("authorize") or fill(auth.authorize_url, account)
    if not address:
        raise NeedsAttention("This connection begins at the platform: open or install the app there.", code="begins_there")
    if not address.startswith(("https://", "http://")) or any(character.isspace() for character in address):
        raise NeedsAttention('The address "authorize" of this connection is not a web address.', code="no_address")
    fields = {
        "response_type": "code",
        "client_id": account.secrets["client_id"],
        "redirect_uri": redirect_uri(),
        "scope": auth.separator.join((*auth.scopes, *auth.optional_scopes)),
        "state": state,
        **auth.authorize_params,
    }
    query = urlencode({name: value for name, value in fields.items() if value})
    return f"{address}{'&' if '?' in address else '?'}{query}" if query else address


def redeem(connection: Connection, query: Query, *, actor: str, redirect: str = "") -> tuple[Candidate, ...]:
    """Exchange the code of a callback's query; redirect is the address that received it, if not the usual one.

    () when the connection has its account now, else the accounts that the operator has to choose from. The working tokens are replaced
    only when the account is settled. Raises SyncError with a sentence; NeedsAttention when no account behind this sign-in can be used.
    """
    auth = _auth(connection)
    came = dict(query)
    carried = {name: came[name] for name in auth.callback_params if name in came}
    grant = code_grant(account_of(connection), auth, came.get("code", ""), carried, redirect or redirect_uri())
    if auth.candidates is None:
        named = _usable(connection, (grant.answered,))[0].ids if grant.answered else {}
        _accept(connection, grant, named, actor)
        return ()
    found = auth.candidates(open_api(connection, tokens=FreshToken(grant.access_token)))
    usable = _usable(connection, found)
    if len(usable) == 1:
        _accept(connection, grant, usable[0].ids, actor)
        return ()
    set_secrets(connection, {PENDING: _pack(grant)})
    return found


def pending_candidates(connection: Connection) -> tuple[Candidate, ...]:
    """The accounts behind the authorisation that waits for a choice, refused ones included. Raises NeedsAttention when none waits."""
    auth, grant = _auth(connection), _unpack(connection)
    if auth.candidates is None:
        return ()
    found = auth.candidates(open_api(connection, tokens=FreshToken(grant.access_token)))
    _usable(connection, found)
    return found


def choose(connection: Connection, key: str, *, actor: str) -> None:
    """Settle on one of the pending candidates, by its key. Raises NeedsAttention when it cannot be used."""
    found = pending_candidates(connection)
    chosen = next((candidate for candidate in _usable(connection, found) if candidate_key(candidate) == key), None)
    if chosen is None:
        refusal = next((candidate.refusal for candidate in found if candidate_key(candidate) == key), "")
        raise NeedsAttention(refusal or "That account is not among those that this sign-in reaches.", code="no_candidate")
    _accept(connection, _unpack(connection), chosen.ids, actor)


def candidate_key(candidate: Candidate) -> str:
    """A short name of the account for the form."""
    return hashlib.sha256(json.dumps(dict(candidate.ids), sort_keys=True).encode()).hexdigest()[:16]


def _auth(connection: Connection) -> OAuth2:
    auth = oauth_of(connection)
    if auth is None:
        raise NeedsAttention("This platform is connected with keys, not by signing in.", code="no_oauth")
    return auth


def _usable(connection: Connection, found: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Those that may be chosen: not refused, and the same account as before when the connection had one."""
    allowed = tuple(candidate for candidate in found if not candidate.refusal)
    if not allowed:
        refusals = " ".join(dict.fromkeys(candidate.refusal for candidate in found))
        raise NeedsAttention(refusals or "This sign-in reaches no account at all.", code="no_candidate")
    known = {**connection.settings, **connection.ids}
    same = tuple(candidate for candidate in allowed if _is_same(known, candidate.ids))
    if not same:
        raise NeedsAttention(
            f"This sign-in reaches other accounts ({', '.join(candidate.label for candidate in allowed)}) than the one that "
            f'"{connection.label}" is linked with. Sign in with the account from before, or make a new connection.',
            code="other_account",
        )
    return same


def _is_same(ids: Mapping[str, Any], candidate: Mapping[str, str]) -> bool:
    return all(str(ids[name]) == value for name, value in candidate.items() if ids.get(name))


def _accept(connection: Connection, grant: Grant, ids: Mapping[str, str], actor: str) -> None:
    with alone(connection):  # a refresh under way must not overwrite the new tokens
        save_grant(connection, grant, fresh=True)
        connection.ids = {**connection.ids, **ids}
        connection.save(update_fields=["ids"])
        forget(connection, PENDING)
    forget_copies()
    record_about(connection, "connection_authorised", Outcome.DONE, "Access was granted and stored.", actor, {"ids": dict(ids)})


def _pack(grant: Grant) -> str:
    times = [time.isoformat() if time else None for time in (grant.expires_at, grant.refresh_expires_at)]
    return json.dumps([grant.access_token, grant.refresh_token, *times, grant.scopes, datetime.now(UTC).isoformat()])


def _unpack(connection: Connection) -> Grant:
    stored = read_secrets(connection).get(PENDING)
    if stored:
        access, refresh, *times, scopes, since = json.loads(stored)
        if datetime.now(UTC) - datetime.fromisoformat(since) < TIME_TO_CHOOSE:
            expires_at, refresh_expires_at = (datetime.fromisoformat(time) if time else None for time in times)
            return Grant(access, refresh, expires_at, refresh_expires_at, scopes)
        forget(connection, PENDING)
    raise NeedsAttention('There is no sign-in that waits for a choice. Click "Connect" again.', code="nothing_pending")
