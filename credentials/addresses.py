"""Our addresses that a person enters at the platform, so that its browsers and servers find this connection."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac

from connectors.kit.contract import Activation, OAuth2
from credentials.accounts import way_of
from credentials.grants import redirect_uri
from credentials.models import Connection


def addresses_there(connection: Connection) -> dict[str, str]:
    """By what platforms call them; {} where the way of authorising needs none."""
    auth, platform = way_of(connection), connection.platform
    if isinstance(auth, Activation):
        place = [platform, activation_token(connection)]
        return {"Callback URL": _ours("activate", place), "Identity link URL": _ours("activation-identity", place)}
    if not isinstance(auth, OAuth2):
        return {}
    found = {"Redirect URL": redirect_uri()}
    if auth.entrance is not None:
        found["App URL"] = _ours("install", [platform])
        if auth.entrance.uninstall is not None:
            found["Uninstall URL"] = _ours("uninstall", [platform])
    return found


def activation_token(connection: Connection) -> str:
    """Unguessable, the same as long as SECRET_KEY is, and not the one of the inbox, which webhooks show around."""
    return salted_hmac("credentials.activation", str(connection.inbox_token), algorithm="sha256").hexdigest()[:48]


def _ours(name: str, place: list[str]) -> str:
    return str(settings.PUBLIC_URL) + reverse(name, args=place)
