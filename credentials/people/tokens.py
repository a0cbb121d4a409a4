"""Tokens of the API: made, recognised, taken back. A token never does more than its person may do at that moment."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from credentials.access import visible_organizations
from credentials.models import ApiToken, Organization
from credentials.people.second_factor import standing_of
from credentials.people.told import tell

PREFIX = "tbk_"  # audit/redaction.py blanks whatever begins so
NOTED_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    """What a token may be used for at all."""

    READ = "read"
    MAPPINGS = "mappings"
    OPERATE = "operate"


IN_WORDS = {
    Scope.READ: "Read flows, jobs, records, links, mappings and the audit",
    Scope.MAPPINGS: "Change mappings",
    Scope.OPERATE: "Plan, retry and replay",
}


class NoEntry(Exception):
    """A token is not accepted; the message says why. It names nothing that only its owner should know."""


def make_token(user: User, organization: Organization, name: str, scopes: Sequence[str], days: int) -> tuple[ApiToken, str]:
    """A new token, and its text, which nobody will see again."""
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        row = ApiToken.objects.create(
            user=user,
            organization=organization,
            name=name,
            hint=text[:10],
            digest=_digest(text),
            scopes=[scope.value for scope in Scope if scope in scopes],
            expires_at=timezone.now() + timedelta(days=days),
        )
        until = f"{row.expires_at:%Y-%m-%d}"
        _tell(row, user.get_username(), "make API token", f"Made for {', '.join(row.scopes)}, good until {until}.")
    return row, text


def revoke(row: ApiToken, actor: str) -> bool:
    """It is not accepted any more. False when that was so already."""
    with transaction.atomic():
        if not ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now()):
            return False
        _tell(row, actor, "revoke API token", "It is not accepted any more.")
        return True


def recognise(text: str) -> ApiToken:
    """The token of this text, with its person and organization. Raises NoEntry."""
    row = ApiToken.objects.filter(digest=_digest(text)).select_related("user", "organization").first()
    now = timezone.now()
    if row is None or row.revoked_at is not None:
        raise NoEntry("This token is not known, or was revoked. Make a new one on your account's page in the console.")
    if row.expires_at <= now:
        raise NoEntry("This token has expired. Make a new one on your account's page in the console.")
    if not (row.user.is_active and row.user.is_staff) or not visible_organizations(row.user).filter(pk=row.organization_id).exists():
        raise NoEntry("The person whose token this is has no access any more.")
    standing = standing_of(row.user)
    if standing.required and standing.authenticator is None:
        raise NoEntry("The organization requires a second factor. Log in to the console and set it up; the token works again then.")
    stale = Q(used_at=None) | Q(used_at__lt=now - NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=row.pk).update(used_at=now)
    return row


def signature_of(row: ApiToken) -> str:
    """Who acts, for audit records and jobs: the person and the token, in at most 150 characters."""
    return f"{row.user.get_username()[:75]} (token {row.name})"


def _tell(row: ApiToken, actor: str, action: str, message: str) -> None:
    tell([row.organization_id], actor, action, row.user.get_username(), f'API token "{row.name}" of {row.user.get_username()}: {message}')


def _digest(text: str) -> str:
    """256 random bits need no slow hash."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
