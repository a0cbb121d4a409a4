"""Asking somebody by mail to work for an organization, and what happens when they open the link."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from credentials.access import ROLES
from credentials.models import Invitation, Membership, Organization
from credentials.people.ending import MAY_INVITE
from credentials.people.members import at_this_moment, roles_of, set_roles
from credentials.people.told import tell

LIFE = timedelta(days=7)
OTHER_ROLES = (
    "Your account has other roles where it works already, and roles hold everywhere. "
    "Ask for an invitation with the same roles, or to another e-mail address."
)


class Refused(Exception):
    """An invitation cannot be sent or accepted; the message says why and what to do."""


def invite(organization: Organization, email: str, roles: Sequence[str], by: User) -> Invitation:
    """Mail a link that is good for a week, once. An open invitation of the same address is replaced. Raises Refused."""
    address, token = email.strip().lower(), secrets.token_urlsafe(32)
    if Membership.objects.filter(organization=organization, user__email__iexact=address).exists():
        raise Refused(f"{address} works for {organization} already.")
    with transaction.atomic():
        Invitation.objects.filter(organization=organization, email=address, accepted_at=None).delete()
        row = Invitation.objects.create(
            organization=organization,
            email=address,
            roles=[role for role in ROLES if role in set(roles)],
            digest=_digest(token),
            invited_by=by.get_username(),
            expires_at=timezone.now() + LIFE,
        )
        _tell(row, by, "invite", f"{address} was invited to work for {organization} as {', '.join(row.roles)}.")
        _mail(row, token)  # an invitation that cannot be mailed is none
    return row


def withdraw(row: Invitation, by: User) -> None:
    """The link is void from now on."""
    with transaction.atomic():
        _tell(row, by, "withdraw invitation", f"The invitation of {row.email} was withdrawn.")
        row.delete()


def find(token: str) -> Invitation | None:
    """The open invitation of a link, as long as whoever sent it may invite."""
    rows = Invitation.objects.filter(digest=_digest(token), accepted_at=None, expires_at__gt=timezone.now())
    row = rows.select_related("organization").first()
    return row if row is not None and _may_still_invite(row) else None


def _may_still_invite(row: Invitation) -> bool:
    sender = User.objects.filter(username=row.invited_by).first()
    if sender is None or not sender.has_perm(MAY_INVITE):  # also when the account was switched off
        return False
    return sender.is_superuser or sender.memberships.filter(organization_id=row.organization_id).exists()


def account_for(row: Invitation) -> User | None:
    """The account that belongs to the invited address already."""
    return User.objects.filter(Q(email__iexact=row.email) | Q(username__iexact=row.email)).order_by("-is_active", "pk").first()


def accept(row: Invitation, person: User) -> None:
    """Let the person in. Raises Refused when the invitation is used up, or names other roles than those that they have elsewhere."""
    with transaction.atomic():
        if not Invitation.objects.filter(pk=row.pk, accepted_at=None).update(accepted_at=timezone.now()):
            raise Refused("This invitation was used already.")
        if not at_this_moment(person).is_superuser:
            if person.memberships.exists() and roles_of(person) != row.roles:
                raise Refused(OTHER_ROLES)
            set_roles(person, row.roles)
        Membership.objects.get_or_create(user=person, organization=row.organization)
        _tell(row, person, "accept invitation", f"{person.get_username()} works for {row.organization} from now on.")


def join(row: Invitation, name: str, password: str) -> User:
    """Make an account for the invited address and let it in. Raises Refused."""
    with transaction.atomic():
        if account_for(row) is not None:
            raise Refused("There is an account with this address already. Log in with it first, then open the link again.")
        first, _, last = name.strip().partition(" ")
        person = User.objects.create_user(row.email, row.email, password, is_staff=True, first_name=first[:150], last_name=last[:150])
        accept(row, person)
    return person


def _tell(row: Invitation, by: User, action: str, message: str) -> None:
    tell([row.organization_id], by.get_username(), action, row.email, message)


def _mail(row: Invitation, token: str) -> None:
    address = settings.PUBLIC_URL + reverse("account:join", args=[token])
    text = (
        f"{row.invited_by} invites you to work for {row.organization} in Tillbridge.\n\n"
        f"Open this link to accept. It is good for one week, and once:\n{address}\n\n"
        "If you do not know what this is about, do nothing."
    )
    try:
        send_mail(" ".join(f"Tillbridge: {row.organization} invites you".split()), text, None, [row.email])
    except (OSError, SMTPException) as problem:
        raise Refused(f"The mail could not be sent ({type(problem).__name__}), so nobody was invited. Try again later.") from None


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
