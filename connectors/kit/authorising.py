"""How a connection is authorised: the ways that a platform may offer, as data and functions. Storing, locking and the browser are ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from connectors.kit.account import Account
    from connectors.kit.http import Api, Plumbing
    from connectors.kit.tame import Tame

Query = Sequence[tuple[str, str]]  # the parameters of an address as they came: decoded, in order, repeats kept


@dataclass(frozen=True, slots=True)
class Whose:
    """Which connection something from the platform is about: the one with this base_url, or the one whose ids or settings hold all of
    these values ({"store_hash": "abc"}); one of the two is enough (a sandbox has another base_url). One that names nothing fits none.
    """

    base_url: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def names_someone(self) -> bool:
        return bool(self.base_url or any(self.ids.values()))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One account that an authorisation gives access to; refusal is a sentence when it cannot be used."""

    label: str
    ids: Mapping[str, str]
    refusal: str = ""


@dataclass(frozen=True)
class Entrance:
    """Browsers that come from the platform and not from us: GET /connect/<platform>/install/ (register this address as app address,
    or as the address that receives the code where the platform sends one at once) and GET /connect/<platform>/uninstall/.

    whose(query): which connection the hit is about; pure, nothing is proven yet, raises Rejected. verify(query, account, now) then
    proves it with that connection's secrets: raises BadSignature (a signature, a shop's pattern, a time), or returns None where the
    platform signs nothing. A hit with a `code` needs a person's click before the code is used: it carries no state of ours.
    uninstall(query, account, now): proves that the app was removed, as verify does; None where the platform has no such call.
    """

    whose: Callable[[Query], Whose]
    verify: Callable[[Query, Account, datetime], None]
    uninstall: Callable[[Query, Account, datetime], None] | None = None


@dataclass(frozen=True)
class OAuth2:
    """Authorization code flow. The app's own pair are the secrets client_id and client_secret, which the form asks for by itself.

    authorize_url, token_url: the real platform's; "{base}" in them is the connection's base_url without trailing slash
    ("{base}/admin/oauth/authorize"), "{client_id}" the app's. A connection may override them by name (urls "authorize", "token").
    authorize_url "" where a connection can only be begun at the platform (then there is an entrance).
    scopes: all are asked for and needed; optional_scopes are asked for only. separator joins them.
    authorize_params, token_params, refresh_params: fields on top of the standard ones ({"expiring": "1"}); "" leaves a standard one out
    ({"response_type": ""}). callback_params: names of callback parameters that are sent on with the code ("context").
    verify(query, account, now): proves the callback's parameters before the state is looked at; raises BadSignature.
    answered(token answer): the account that the answer itself names, if it does. candidates(api): the accounts behind a fresh token, to
    choose from when there are several.
    covers(granted): everything that granted scopes amount to ("write_x" brings "read_x"); None: granted scopes are not compared.
    Which were granted stands in account.ids["scopes"], separated by blanks.
    repeats_refresh: the platform documents that the same refresh token may be sent again when an answer was lost.
    Token answers may lack expires_in (does not expire) and refresh_token (a 401 then means: authorise again).
    """

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    candidates: Callable[[Api], tuple[Candidate, ...]] | None = None
    optional_scopes: tuple[str, ...] = ()
    separator: str = " "
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    token_params: Mapping[str, str] = field(default_factory=dict)
    refresh_params: Mapping[str, str] = field(default_factory=dict)
    callback_params: tuple[str, ...] = ()
    verify: Callable[[Query, Account, datetime], None] | None = None
    answered: Callable[[Tame], Candidate] | None = None
    covers: Callable[[frozenset[str]], frozenset[str]] | None = None
    repeats_refresh: bool = False
    entrance: Entrance | None = None
    kind: Literal["oauth2"] = "oauth2"


@dataclass(frozen=True)
class ClientCredentials:
    """A token for client_id and client_secret alone, fetched again ahead of its expiry and on a 401 (one fetch, however many workers).

    The form asks for the pair by itself. token_url, scopes, separator, token_params, covers as in OAuth2; no scopes: none are sent.
    """

    token_url: str
    scopes: tuple[str, ...] = ()
    separator: str = " "
    token_params: Mapping[str, str] = field(default_factory=dict)
    covers: Callable[[frozenset[str]], frozenset[str]] | None = None
    kind: Literal["client_credentials"] = "client_credentials"


@dataclass(frozen=True)
class Keys:
    """Keys that the operator types in (they are Settings with secret=True).

    token: the name of the one that is sent as it is; plumbing.tokens then hands it out as for the other ways, so that the connector
    needs one Bearer only. "" where the connector signs with account.secrets.
    """

    token: str = ""
    kind: Literal["keys"] = "keys"


@dataclass(frozen=True, slots=True)
class Activated:
    """What a shop posted to begin an activation: its own idea of its address, the consumer's key, secrets to sign the exchange with."""

    base_url: str
    consumer_key: str
    secrets: Mapping[str, str] = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Activation:
    """OAuth 1.0a, begun in the shop: it posts consumer credentials to /connect/<platform>/activate/<token>/, then sends its
    administrator's browser to /connect/<platform>/identity/<token>/ (both stand on the connection's page, to be entered in the shop).

    read(body): the post, which nobody signed; raises Rejected. Its base_url must be the connection's. exchange(account, verifier,
    plumbing): request token, then access token, signed by the connector with account.secrets (those of the post are among them); returns
    all secrets to keep, by the names of the connector's secret settings, so that typing them in works as well. consumer_param,
    return_param: what the identity hit calls the consumer's key and the address in the shop that the browser goes back to.
    """

    read: Callable[[bytes], Activated]
    exchange: Callable[[Account, str, Plumbing], Mapping[str, str]]
    consumer_param: str = "oauth_consumer_key"
    return_param: str = "success_call_back"
    kind: Literal["activation"] = "activation"


Auth = OAuth2 | ClientCredentials | Keys | Activation


@dataclass(frozen=True)
class Handover:
    """The shop hands its keys over: start(base_url, app_name, state, return_url, callback_url) is where the browser goes;
    read(body) gives (state, secrets) from the shop's callback or raises Rejected.
    """

    start: Callable[[str, str, str, str, str], str]
    read: Callable[[bytes], tuple[str, Mapping[str, str]]]
