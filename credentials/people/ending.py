"""What ends together with somebody's access: their tokens of the API, and the invitations of theirs that are still open."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet

from credentials.models import ApiToken, Invitation, Organization
from credentials.people.tokens import revoke
from credentials.people.told import tell

MAY_INVITE = "credentials.add_invitation"


def tokens_in_use(person: User, organization: Organization | None = None) -> QuerySet[ApiToken]:
    """Those that were not revoked: for one organization, or for all."""
    rows = ApiToken.objects.filter(user=person, revoked_at=None).select_related("user")
    return rows if organization is None else rows.filter(organization=organization)


def open_invitations(person: User, organization: Organization | None = None) -> QuerySet[Invitation]:
    """What the person sent and nobody has accepted: to one organization, or to all."""
    rows = Invitation.objects.filter(invited_by=person.get_username(), accepted_at=None)
    return rows if organization is None else rows.filter(organization=organization)


def end_tokens(person: User, actor: str, organization: Organization | None = None) -> int:
    """None of them is accepted any more. How many it were."""
    return sum(revoke(row, actor) for row in tokens_in_use(person, organization))


def end_invitations(person: User, actor: str, organization: Organization | None = None) -> int:
    """Nobody comes in any more by the word of somebody who may not invite. How many it were."""
    rows = list(open_invitations(person, organization))
    for row in rows:
        message = f"The invitation of {row.email} was withdrawn: {row.invited_by}, who sent it, may not invite any more."
        tell([row.organization_id], actor, "withdraw invitation", row.email, message)
        row.delete()
    return len(rows)


def end_what_only_owners_may(person: User, actor: str) -> None:
    """Who may not invite any more leaves no open invitation anywhere."""
    if not User.objects.get(pk=person.pk).has_perm(MAY_INVITE):  # the person at hand remembers what they were allowed
        end_invitations(person, actor)


def end_access(person: User, organization: Organization, actor: str) -> None:
    """The person does not work for the organization any more."""
    end_tokens(person, actor, organization)
    end_invitations(person, actor, organization)
