"""A forgotten password: a link by mail that works once. Whether an account exists is never told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.http import HttpRequest
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from credentials.people.attempts import BY_ADDRESS, MAILS, address_of, take
from credentials.people.sign_ins import end_others
from credentials.people.told import tell_of

log = logging.getLogger(__name__)


def ask_for_reset(request: HttpRequest, email: str, send: Callable[[int], object]) -> float:
    """Have a link mailed to whoever has this address; send takes the person's id and lets a worker do it, so that an answer takes
    as long with an account as without. Seconds to wait when it was asked for too often, else 0.
    """
    wait = take("reset-address", address_of(request), BY_ADDRESS) or take("reset", email, MAILS)
    if not wait:
        for person in people_with(email):
            send(person.pk)
    return wait


def password_changed(request: HttpRequest) -> None:
    """The person changed it: the other browsers are logged out."""
    if isinstance(request.user, User):
        ended = end_others(request.user, request.session.session_key)
        tell_of(request.user, "change password", f"The password was changed; {ended} other browser(s) were logged out.")


def people_with(email: str) -> list[User]:
    """Those who may be mailed: active, and with a password of their own."""
    found = User.objects.filter(email__iexact=email.strip(), is_active=True).order_by("pk")[:5]
    return [person for person in found if person.has_usable_password()]


def mail_reset(user_id: int) -> None:
    """The worker's side."""
    person = User.objects.get(pk=user_id)
    place = [urlsafe_base64_encode(force_bytes(person.pk)), default_token_generator.make_token(person)]
    text = (
        f"Somebody, probably you, asked for a new password of {person.get_username()} in Tillbridge.\n\n"
        f"Choose it here. The link works once, for {settings.PASSWORD_RESET_TIMEOUT // 3600} hour(s):\n"
        f"{settings.PUBLIC_URL}{reverse('password_reset_confirm', args=place)}\n\n"
        "You are then logged out of every browser, and your API tokens end.\n\n"
        "If it was not you, do nothing: your password stays as it is."
    )
    try:
        send_mail("Tillbridge: a new password", text, None, [person.email])
    except (OSError, SMTPException) as problem:
        log.warning("The link for a new password could not be mailed (%s).", type(problem).__name__)
        return
    tell_of(person, "ask for new password", "A link for a new password was mailed.")
