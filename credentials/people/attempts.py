"""How often a password or a code may be tried: per account and per address, counted in the database, so it holds over all processes."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_network

from django.conf import settings
from django.db.models import F
from django.http import HttpRequest

from credentials.buckets import Pace, RowBucket
from credentials.models import RateBucket

# Seconds between tries in the long run, and how many may come at once after a quiet time.
BY_ACCOUNT = Pace(every=60.0, burst=5)
BY_ADDRESS = Pace(every=10.0, burst=30)
CODES = Pace(every=60.0, burst=5)
MAILS = Pace(every=300.0, burst=3)
TOLD = Pace(every=900.0, burst=1)

_rows = RowBucket()


def take(kind: str, subject: str, pace: Pace) -> float:
    """Count a try before it is made, so that many at once are not more than allowed. Seconds to wait when it is one too many, else 0."""
    found = _rows.reserve(_key(kind, subject), pace, 0.0)
    return 0.0 if found.granted else found.wait


def give_back(kind: str, subject: str, pace: Pace) -> None:
    """The try was right: it does not count."""
    RateBucket.objects.filter(key=_key(kind, subject)).update(due=F("due") - pace.every)


def forgive(kind: str, subject: str) -> None:
    """Nor do those before it."""
    RateBucket.objects.filter(key=_key(kind, subject)).update(due=0)


def in_words(seconds: float) -> str:
    """How long to wait, for a person."""
    if seconds <= 60:
        whole = max(math.ceil(seconds), 1)
        return f"{whole} second{'s' if whole > 1 else ''}"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minutes"


def address_of(request: HttpRequest) -> str:
    """Where the browser is. Behind a trusted proxy it is the last address that the proxy added; what comes before it anybody can claim."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    return (forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", ""))[:45]


def forget_quiet(now: datetime) -> int:
    """Rows of what was quiet for a day say nothing any more: a stranger makes one with each name that is tried."""
    before = (now - timedelta(days=1)).timestamp()
    return RateBucket.objects.filter(due__lt=before, rest_until__lt=before).delete()[0]


def _place(subject: str) -> str:
    """Whoever has one address of IPv6 has a whole network of them. An address of IPv4 may be written as one of IPv6."""
    try:
        address = IPv6Address(subject)
        return str(address.ipv4_mapped or ip_network(f"{address}/64", strict=False))
    except ValueError:
        return subject


def _key(kind: str, subject: str) -> str:
    """Of one length whatever was typed, and no list of names that were tried."""
    return f"{kind}:{sha256(_place(subject).strip().lower().encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"
