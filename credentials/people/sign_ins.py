"""Where a person is logged in: noted while they use the console, listed, and ended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from credentials.models import SignIn
from credentials.people.attempts import address_of
from credentials.people.told import tell_of

NOTED = "noted"  # in the session: its key and when it was last noted
EVERY = 60.0  # seconds; more often would be a write for each click

_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"))


def note_again(request: HttpRequest) -> None:
    """A browser that was noted is still in use; at most one write a minute."""
    known, at = request.session.get(NOTED, ("", 0.0))
    if known and (known != request.session.session_key or time.time() - at >= EVERY):
        note(request, known)


def note(request: HttpRequest, known: str = "") -> None:
    """This browser is logged in; known is the key that its session had before, as long as the password or the code was not given."""
    key, now = request.session.session_key or "", time.time()
    if not isinstance(request.user, User) or not key:
        return
    if known and known != key:
        SignIn.objects.filter(session_key=known).delete()
    told = {"address": address_of(request), "browser": browser_of(request.headers.get("User-Agent", "")), "used_at": timezone.now()}
    SignIn.objects.update_or_create(session_key=key, defaults={"user_id": request.user.pk, **told})
    request.session[NOTED] = (key, now)


def sign_ins_of(user: User) -> list[SignIn]:
    """Where the person is logged in now, the last used first. Rows of sessions that ended by themselves are cleared away."""
    rows = list(SignIn.objects.filter(user=user).order_by("-used_at"))
    keys = [row.session_key for row in rows]
    alive = set(Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list("session_key", flat=True))
    SignIn.objects.filter(user=user, session_key__in=[key for key in keys if key not in alive]).delete()
    return [row for row in rows if row.session_key in alive]


def forget_ended(now: datetime) -> int:
    """Sessions that ended by themselves, and what was noted of them. How many browsers were noted in vain."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    quiet = SignIn.objects.filter(used_at__lt=now - timedelta(days=1))
    return quiet.exclude(session_key__in=Session.objects.values("session_key")).delete()[0]


def end(user: User, rows: Iterable[SignIn], actor: str = "") -> int:
    """Log the person out there. How many browsers it were."""
    ended = [row for row in rows if row.user_id == user.pk]
    for row in ended:
        _store(row.session_key).delete()
        row.delete()
    if ended:
        where = "; ".join(f"{row.browser} at {row.address or 'an unknown address'}" for row in ended[:10])
        tell_of(user, "end sessions", f"{user.get_username()} was logged out of {len(ended)} browser(s): {where}.", actor=actor)
    return len(ended)


def end_others(user: User, kept: str | None, actor: str = "") -> int:
    """Log the person out everywhere but in the browser with this session."""
    return end(user, [row for row in sign_ins_of(user) if row.session_key != kept], actor)


def browser_of(agent: str) -> str:
    """What it says it is, in words: "Firefox on Linux"."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return " on ".join(part for part in (browser or "Unknown browser", system) if part)


def _store(key: str) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)
