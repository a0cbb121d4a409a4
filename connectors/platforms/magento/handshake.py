"""Activating the integration from Magento's own page: it posts its keys, and we exchange them for lasting ones."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from connectors.kit.account import Account
from connectors.kit.contract import Activated
from connectors.kit.errors import Rejected, SyncError, Unauthorised
from connectors.kit.http import Api, Effect, Plumbing, Response
from connectors.platforms.magento.answers import classify
from connectors.platforms.magento.api import store_url
from connectors.platforms.magento.auth import SignedCall

_POSTED = ("oauth_consumer_key", "oauth_consumer_secret", "store_base_url", "oauth_verifier")


def read_activation(body: bytes) -> Activated:
    """What Magento posted, unsigned: unproven until an exchange with the very shop has worked."""
    fields = _fields(body)
    missing = [name for name in _POSTED if not fields.get(name)]
    if missing:
        raise Rejected(f"callback: {', '.join(missing)} missing", code="malformed")
    secrets = {"consumer_key": fields["oauth_consumer_key"], "consumer_secret": fields["oauth_consumer_secret"]}
    return Activated(fields["store_base_url"], fields["oauth_consumer_key"], secrets, fields["oauth_verifier"])


def exchange(account: Account, verifier: str, plumbing: Plumbing) -> Mapping[str, str]:
    """Request token, then access token; both hang off the shop's address, not off /rest (observed). The consumer's key is good for
    five minutes.
    """
    consumer = account.secrets.get("consumer_key", ""), account.secrets.get("consumer_secret", "")
    request = _token(account, plumbing, SignedCall(consumer), "/oauth/token/request")
    access = _token(account, plumbing, SignedCall(consumer, request, verifier), "/oauth/token/access")
    return {"consumer_key": consumer[0], "consumer_secret": consumer[1], "access_token": access[0], "access_token_secret": access[1]}


def _token(account: Account, plumbing: Plumbing, auth: SignedCall, path: str) -> tuple[str, str]:
    api = Api(account, store_url(account).removesuffix("/index.php"), _judge, plumbing, auth=auth)
    fields = _fields(api.call("POST", path, effect=Effect.CREATE).body)
    if not fields.get("oauth_token") or not fields.get("oauth_token_secret"):
        raise Unauthorised("The shop answered the activation with something else than a token. Click Activate in Magento again.")
    return fields["oauth_token"], fields["oauth_token_secret"]


def _judge(response: Response) -> SyncError | None:
    """Answers here are forms; a refusal says oauth_problem=..."""
    if response.status < 300:
        return None
    problem = _fields(response.body).get("oauth_problem", "")
    if problem:
        return Unauthorised(f"The shop refused the activation. Click Activate in Magento again. The shop says: {problem[:200]}")
    return classify(response)


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return {}
