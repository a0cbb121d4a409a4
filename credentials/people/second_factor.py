"""The second factor: an app on the phone that shows codes (TOTP), recovery codes for the day the phone is lost, and who needs one."""

from __future__ import annotations

import base64
import os
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlencode

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django_otp.oath import TOTP

from credentials.models import Authenticator, Organization, RecoveryCode
from credentials.people.told import tell_of

CODES = 10
STEPS_APART = 1  # clocks differ: a code counts half a minute before and after its own
ISSUER = "Tillbridge"


@dataclass(frozen=True, slots=True)
class Standing:
    """authenticator: the one in use, None when there is none; required: an organization of the person requires one."""

    authenticator: int | None
    required: bool


def standing_of(user: User) -> Standing:
    """In one query, because every page asks. Superusers see all organizations, so what one of them requires counts for them."""
    asking = Organization.objects.filter(require_second_factor=True)
    mine = asking if user.is_superuser else asking.filter(memberships__user_id=OuterRef("pk"))
    used = in_use().filter(user_id=OuterRef("pk"))
    row = User.objects.filter(pk=user.pk).annotate(app=Subquery(used.values("pk")[:1]), asked=Exists(mine))
    app, asked = row.values_list("app", "asked").get()
    return Standing(app, asked)


def in_use() -> QuerySet[Authenticator]:
    """Authenticators that count."""
    return Authenticator.objects.filter(confirmed_at__isnull=False)


def begin(user: User) -> Authenticator:
    """The authenticator that the person is setting up; the same until it is confirmed, so that a reload shows the same picture."""
    key = base64.b32encode(os.urandom(20)).decode()
    row, _ = Authenticator.objects.get_or_create(user=user, confirmed_at=None, defaults={"key": key})
    return row


def address_for_app(row: Authenticator) -> str:
    """What the QR picture says to the app."""
    query = urlencode({"secret": row.key, "issuer": ISSUER, "algorithm": "SHA1", "digits": 6, "period": 30})
    return f"otpauth://totp/{quote(f'{ISSUER}:{row.user.get_username()}')}?{query}"


def confirm(user: User, code: str) -> list[str] | None:
    """Put the new authenticator to use when the code is its own: new recovery codes, to be shown once; None when it is not."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        if row is None or in_use().filter(user=user).exists() or not _fits(row, code):
            return None
        row.confirmed_at = timezone.now()
        row.save(update_fields=["confirmed_at"])
        tell_of(user, "set up second factor", "A second factor was set up.")
        return _new_codes(user)


def renew_codes(user: User) -> list[str]:
    """Ten new recovery codes; those before are void."""
    with transaction.atomic():
        tell_of(user, "renew recovery codes", "New recovery codes were made; the old ones are void.")
        return _new_codes(user)


def check(user: User, code: str) -> bool:
    """Whether it is the code that the phone shows now, or an unused recovery code. Either counts once."""
    typed = "".join(code.split()).replace("-", "").upper()
    with transaction.atomic():
        row = in_use().select_for_update().filter(user=user).first()
        if row is None:
            return False
        if typed.isdecimal() and len(typed) == 6:
            return _fits(row, typed)
        used, _ = RecoveryCode.objects.filter(user=user, digest=_digest(user, typed)).delete()
        if used:
            left = RecoveryCode.objects.filter(user=user).count()
            tell_of(user, "use recovery code", f"A recovery code was used instead of the phone; {left} are left.")
        return bool(used)


def remove(user: User, actor: str = "") -> bool:
    """Nothing of it stays. False when there was none."""
    with transaction.atomic():
        used = in_use().filter(user=user).exists()
        Authenticator.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        if used:
            tell_of(user, "remove second factor", f"The second factor of {user.get_username()} was removed.", actor=actor)
        return used


def _fits(row: Authenticator, code: str) -> bool:
    """Also remembers the code's time step: no code counts twice, nor one older than the last."""
    typed = "".join(code.split())
    if not (typed.isdecimal() and typed.isascii() and len(typed) == 6):
        return False
    app = TOTP(base64.b32decode(str(row.key)))
    app.time = time.time()
    if not app.verify(int(typed), tolerance=STEPS_APART, min_t=row.last_step + 1):
        return False
    changed = Authenticator.objects.filter(Q(last_step__lt=app.t()), pk=row.pk).update(last_step=app.t())
    return bool(changed)


def _new_codes(user: User) -> list[str]:
    codes = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create([RecoveryCode(user=user, digest=_digest(user, code)) for code in codes])
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def _digest(user: User, code: str) -> str:
    """80 random bits need no slow hash; the person's number keeps equal codes of two people apart."""
    return sha256(f"{user.pk}:{code}".encode()).hexdigest()
