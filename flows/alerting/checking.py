"""Whether alerts can go to an address at all: asked by the console's form and by provisioning files. "" means that nothing is wrong."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from connectors.kit.errors import NeedsAttention
from connectors.kit.network import check_url

SHORTEST_SECRET = 16


def wrong_with_mail(address: str) -> str:
    """One e-mail address."""
    try:
        validate_email(address)
    except ValidationError:
        return f"{address} is no e-mail address."
    return ""


def wrong_with_web(address: str) -> str:
    """Where Slack's messages or a webhook's are posted to."""
    private = bool(settings.ALLOW_PRIVATE_STORES)
    try:
        check_url(address, private)
    except NeedsAttention as problem:
        return f"It cannot be called: {problem.message.removeprefix('The address was not called: ').split('. ')[0]}."
    return "" if private or address.startswith("https://") else "Alerts go over https only."


def wrong_with_secret(secret: str) -> str:
    """What signs a webhook's messages."""
    return "" if len(secret) >= SHORTEST_SECRET else f"At least {SHORTEST_SECRET} characters, so that nobody guesses it."
