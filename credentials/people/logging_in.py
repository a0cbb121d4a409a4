"""Logging in: counted per account and per address, the same answer whether or not there is such an account, and written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from audit.models import Outcome
from credentials.people.attempts import BY_ACCOUNT, BY_ADDRESS, CODES, TOLD, address_of, forgive, give_back, in_words, take
from credentials.people.second_factor import check
from credentials.people.sign_ins import browser_of
from credentials.people.told import tell, tell_of

T = TypeVar("T")
ACCOUNT, ADDRESS, CODE = "login", "login-address", "code"


def given_name(typed: str) -> str:
    """People who were invited log in with their e-mail address, in whatever case they type it."""
    return typed.lower() if "@" in typed and not User.objects.filter(username=typed).exists() else typed


def checked_login(request: HttpRequest, name: str, clean: Callable[[], T]) -> T:
    """Try the password by clean(), which raises ValidationError when it is wrong. Raises the same for one try too many."""
    address = address_of(request)
    wait = take(ADDRESS, address, BY_ADDRESS) or take(ACCOUNT, name, BY_ACCOUNT)
    if wait:
        _tell(name, address, f"Too many tries to log in as {name}; none is looked at for {in_words(wait)}.", once=True)
        raise ValidationError(too_many(wait), code="too_many")
    try:
        cleaned = clean()
    except ValidationError:
        _tell(name, address, f"A try to log in as {name} failed.")
        raise
    give_back(ADDRESS, address, BY_ADDRESS)
    forgive(ACCOUNT, name)
    person = User.objects.filter(username=name).first()
    if person is not None:
        tell_of(person, "log in", f"Logged in from {address}, {browser_of(request.headers.get('User-Agent', ''))}.")
    return cleaned


def checked_code(request: HttpRequest, user: User, code: str) -> str:
    """Why the code does not count, "" when it does."""
    wait = take(CODE, str(user.pk), CODES)
    if wait:
        return too_many(wait)
    if not check(user, code):
        tell_of(user, "give second factor", f"A wrong code was given from {address_of(request)}.", outcome=Outcome.FAILED)
        return "That is not the code that your phone shows now, or it was used already. Wait for the next one and type that."
    forgive(CODE, str(user.pk))
    tell_of(user, "give second factor", f"The second factor was given from {address_of(request)}.")
    return ""


def too_many(wait: float) -> str:
    """When to try again."""
    return f"There were too many tries. Try again in {in_words(wait)}."


def _tell(name: str, address: str, message: str, *, once: bool = False) -> None:
    """ "Too many" only once in a while, or a flood would fill the audit. A name that nobody has is left out: it may be a password."""
    if once and take("told", name, TOLD):
        return
    person = User.objects.filter(username=name).first()
    if person is not None:
        tell_of(person, "log in", f"{message} From {address}.", outcome=Outcome.FAILED)
    else:
        tell(
            [None], "somebody", "log in", "", f"Somebody tried to log in to an account that does not exist. From {address}.", Outcome.FAILED
        )
