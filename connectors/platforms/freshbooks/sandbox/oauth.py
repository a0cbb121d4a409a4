"""OAuth of the FreshBooks sandbox: codes that live five minutes and work once, refresh tokens that work once, revocation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

from connectors.kit.sandbox import Answer, Call, MalformedBody
from connectors.platforms.freshbooks.sandbox.identity import IDENTITY_ID, accounting_roles, show_me
from connectors.platforms.freshbooks.sandbox.state import World

CODE_LIFETIME = 300
SEED_ACCESS_TOKEN = "sandbox-access-token"  # noqa: S105 - opens only the sandbox
SEED_REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105 - opens only the sandbox


@dataclass(frozen=True)
class Code:
    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    expires_at: float


@dataclass(frozen=True)
class Grant:
    """A pair of tokens. An access token outlives its refresh: whether it does live is not documented."""

    access_token: str
    refresh_token: str
    scopes: frozenset[str]
    created_at: float
    expires_at: float


class OAuthError(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.answer = Answer.of({"error": error, "error_description": description}, status)


class Grants:
    """Codes and tokens that are good at the moment."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.codes: dict[str, Code] = {}
        self.access: dict[str, Grant] = {}
        self.refresh: dict[str, Grant] = {}
        self._keep(self._grant(frozenset(world.switches.default_scopes.split()), SEED_ACCESS_TOKEN, SEED_REFRESH_TOKEN))

    def _grant(self, scopes: frozenset[str], access_token: str = "", refresh_token: str = "") -> Grant:
        now = self.world.clock()
        expires = now + self.world.switches.token_lifetime
        return Grant(access_token or self._jwt(scopes, now, expires), refresh_token or self._hex(), scopes, int(now), expires)

    def _hex(self) -> str:
        return f"{self.world.random.getrandbits(256):064x}"

    def _jwt(self, scopes: frozenset[str], now: float, expires: float) -> str:
        claims = {"sub": str(IDENTITY_ID), "iat": int(now), "exp": int(expires), "scope": " ".join(sorted(scopes)), "jti": self._hex()[:32]}
        head = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "HS256", "typ": "JWT"}, claims)
        )
        key = self.world.switches.client_secret.encode()
        return f"{head}.{base64.urlsafe_b64encode(hmac.new(key, head.encode(), hashlib.sha256).digest()).decode().rstrip('=')}"

    def _keep(self, grant: Grant) -> Grant:
        self.access[grant.access_token] = grant
        self.refresh[grant.refresh_token] = grant
        return grant

    def issue_code(self, client_id: str, redirect_uri: str, scope: str) -> str:
        """Consent was given: a code of 64 hex digits. user:profile:read belongs to every app."""
        scopes = frozenset((scope or self.world.switches.default_scopes).split()) | {"user:profile:read"}
        code = self._hex()
        self.codes[code] = Code(client_id, redirect_uri, scopes, self.world.clock() + CODE_LIFETIME)
        return code

    def _refuse_grant(self, description: str) -> OAuthError:
        return OAuthError(self.world.switches.invalid_grant_status, "invalid_grant", description)

    def exchange(self, fields: Mapping[str, str]) -> Grant:
        """Tokens for a code or a refresh token; both are used up by it."""
        switches = self.world.switches
        if (fields.get("client_id"), fields.get("client_secret")) != (switches.client_id, switches.client_secret):
            raise OAuthError(401, "invalid_client", "Client authentication failed due to unknown client or wrong secret.")
        kind = fields.get("grant_type")
        if kind == "authorization_code":
            return self._keep(self._grant(self._use_code(fields)))
        if kind == "refresh_token":
            return self._rotate(fields.get("refresh_token", ""))
        raise OAuthError(400, "unsupported_grant_type", "The grant type is not supported.")

    def _use_code(self, fields: Mapping[str, str]) -> frozenset[str]:
        code = self.codes.pop(fields.get("code", ""), None)
        if code is None or code.expires_at < self.world.clock():
            raise self._refuse_grant("The authorization code is invalid, expired or was used before.")
        if code.redirect_uri != fields.get("redirect_uri"):
            raise self._refuse_grant("The redirect URI does not match the one of the authorization.")
        return code.scopes

    def _rotate(self, refresh_token: str) -> Grant:
        old = self.refresh.pop(refresh_token, None)
        if old is None:
            raise self._refuse_grant("The refresh token is invalid, revoked or was used before.")
        return self._keep(self._grant(old.scopes))

    def revoke(self, token: str) -> None:
        """Both tokens of the pair die, whichever one is named."""
        grant = self.access.get(token) or self.refresh.get(token)
        if grant:
            self.access.pop(grant.access_token, None)
            self.refresh.pop(grant.refresh_token, None)

    def of_call(self, call: Call) -> Grant | None:
        """The grant of the bearer token, None when there is none or it has expired."""
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        grant = self.access.get(token.strip()) if kind.lower() == "bearer" else None
        return grant if grant and self.world.clock() < grant.expires_at else None

    def role_in(self, account: str) -> str | None:
        return accounting_roles(self.world.switches.identity).get(account)


def read_fields(call: Call) -> dict[str, str]:
    """The fields of a token call: JSON, form or multipart, all of which are taken. Raises MalformedBody."""
    content_type = call.headers.get("content-type", "")
    if "json" in content_type:
        body = call.json()
        if not isinstance(body, dict):
            raise MalformedBody("not an object")
        return {str(name): str(value) for name, value in body.items()}
    if content_type.startswith("multipart/form-data"):
        message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + call.body)
        parts = [part for part in message.walk() if not part.is_multipart()]
        return {str(part.get_param("name", header="content-disposition")): _content(part) for part in parts}
    return call.form()


def _content(part: Any) -> str:
    return (part.get_payload(decode=True) or b"").decode("utf-8", "replace").strip()


def _checked(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        try:
            return handler(call)
        except OAuthError as error:
            return error.answer
        except MalformedBody:
            return Answer.of({"error": "invalid_request", "error_description": "The request body could not be parsed."}, 400)

    return answer


def token_endpoint(grants: Grants) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        grant = grants.exchange(read_fields(call))
        return Answer.of(
            {
                "access_token": grant.access_token,
                "token_type": "Bearer",
                "expires_in": grants.world.switches.token_lifetime,
                "refresh_token": grant.refresh_token,
                "scope": " ".join(sorted(grant.scopes)),
                "created_at": grant.created_at,
            }
        )

    return _checked(answer)


def revoke_endpoint(grants: Grants) -> Callable[[Call], Answer]:
    """Takes the token of the body, else the bearer; answers an empty object (undocumented)."""

    def answer(call: Call) -> Answer:
        bearer = call.headers.get("authorization", "").partition(" ")[2].strip()
        grants.revoke(read_fields(call).get("token") or bearer)
        return Answer.of({})

    return _checked(answer)


def me_endpoint(grants: Grants) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        if grants.of_call(call) is None:
            raise OAuthError(401, "unauthenticated", "This action requires authentication to continue.")
        return Answer.of({"response": show_me(grants.world)})

    return _checked(answer)
