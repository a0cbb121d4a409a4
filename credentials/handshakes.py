"""States of hand-shakes: unguessable, stored as hashes, bound to the browser's session, good once and for ten minutes."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from credentials.models import Authorisation, Connection

OAUTH, HANDOVER, INSTALL = "oauth", "handover", "install"
LIFE = timedelta(minutes=10)
KEPT = timedelta(days=7)  # so long the console can show that a hand-shake was begun


def begin(request: HttpRequest, connection: Connection, kind: str) -> str:
    """A new state for this browser to leave with."""
    now = timezone.now()
    Authorisation.objects.filter(created_at__lt=now - KEPT).delete()
    state = secrets.token_urlsafe(32)
    Authorisation.objects.create(
        state_hash=_hash(state), session_hash=session_hash(request), connection=connection, kind=kind, expires_at=now + LIFE
    )
    return state


def peek(state: str, kind: str) -> Connection | None:
    """The connection that a state was made for, without using the state up: to prove an answer before anything is believed."""
    found = Authorisation.objects.filter(state_hash=_hash(state), kind=kind).select_related("connection").first()
    return found.connection if found else None


def claim(state: str, kind: str, *, request: HttpRequest | None, platform: str = "") -> Authorisation | None:
    """The hand-shake of a state that came back, used up by this call; None unless it is ours, fresh, unused and of this session.

    request is None where a shop's server calls and no browser; then the platform must be the one that the state was made for.
    """
    fresh = Authorisation.objects.filter(state_hash=_hash(state), kind=kind, used_at=None, expires_at__gt=timezone.now())
    if request is not None:
        fresh = fresh.filter(session_hash=session_hash(request))
    if platform:
        fresh = fresh.filter(connection__platform=platform)
    found = fresh.select_related("connection").first()
    if found is None:
        return None
    used = Authorisation.objects.filter(pk=found.pk, used_at=None).update(used_at=timezone.now())
    return found if used else None  # of two that come at once, one wins


def arrived(request: HttpRequest, connection: Connection, kind: str) -> bool:
    """Whether the newest hand-shake that this browser began for the connection was answered."""
    mine = Authorisation.objects.filter(connection=connection, kind=kind, session_hash=session_hash(request))
    newest = mine.order_by("-id").first()
    return newest is not None and newest.used_at is not None


def session_hash(request: HttpRequest) -> str:
    """Names the browser's session and the person in it, without being usable as a session."""
    return _hash(f"{request.session.session_key}:{request.user.pk}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
