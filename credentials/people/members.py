"""Who works for an organization, in which roles: changed and ended by its owners, within what is theirs to decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import QuerySet

from credentials.access import OWNER, ROLES, visible_organizations
from credentials.models import Membership, Organization
from credentials.people.ending import end_access, end_what_only_owners_may
from credentials.people.sign_ins import end_others
from credentials.people.told import tell


class NotYours(Exception):
    """Someone asked for a change that is not theirs to make; the message says what to do."""


def roles_of(user: User) -> list[str]:
    """In the order in which we name them."""
    mine = {group.name for group in user.groups.all()}
    return [role for role in ROLES if role in mine]


def may_look_after(owner: User, person: User) -> bool:
    """Roles hold in all of a person's organizations, so only who owns all of them decides; superusers decide always."""
    if owner.is_superuser:
        return True
    if person.is_superuser:
        return False
    return not person.memberships.exclude(organization__in=visible_organizations(owner).order_by().values("pk")).exists()


def look_after(owner: User, person: User) -> None:
    """Raises NotYours with what to do instead."""
    if not may_look_after(owner, person):
        raise NotYours(
            f"{person.get_username()} also works for others, and roles hold everywhere. Ask whoever runs this installation to change it."
        )


def change_roles(member: Membership, roles: Iterable[str], by: User) -> bool:
    """Give the member exactly these roles. False when they are the present ones. Raises NotYours."""
    after = [role for role in ROLES if role in set(roles)]
    with transaction.atomic():
        person = at_this_moment(member.user)
        before = roles_of(person)
        if before == after:
            return False
        look_after(by, person)
        if OWNER in before and OWNER not in after:
            mine = list(person.memberships.select_related("organization"))
            _lock(one.organization_id for one in mine)
            for one in mine:
                _keep_an_owner(one, by)
        set_roles(person, after)
        end_what_only_owners_may(person, by.get_username())
        message = f"The roles of {person.get_username()} are {_words(after)} now; they were {_words(before)}."
        places = person.memberships.order_by("organization_id").values_list("organization_id", flat=True)
        tell(list(places), by.get_username(), "change roles", person.get_username(), message)
    return True


def remove_member(member: Membership, by: User) -> None:
    """End it: nothing of the organization is visible any more; tokens for it end, and so do invitations. Raises NotYours for the last
    owner.
    """
    organization = member.organization
    with transaction.atomic():
        person = at_this_moment(member.user)
        _lock([organization.pk])
        _keep_an_owner(member, by)
        end_access(person, organization, by.get_username())
        member.delete()
        message = f"{person.get_username()} does not work for {organization} any more."
        tell([organization.pk], by.get_username(), "remove member", person.get_username(), message)
        if not person.is_superuser and not person.memberships.exists():
            set_roles(person, ())  # so that a later invitation alone says what they may do
            end_others(person, None, by.get_username())


def set_roles(person: User, roles: Sequence[str]) -> None:
    """Groups that are no roles of ours stay as they are."""
    person.groups.remove(*Group.objects.filter(name__in=ROLES))
    person.groups.add(*Group.objects.filter(name__in=roles))


def at_this_moment(person: User) -> User:
    """The person as they are now, and nobody else decides about them before this transaction ends: somebody who comes in at one
    organization while another one changes their roles would have both, everywhere.
    """
    return User.objects.select_for_update().get(pk=person.pk)


def _lock(organizations: Iterable[int]) -> None:
    """Two owners that let each other go at the same moment would leave nobody. Always in the same order, so that none waits for ever."""
    list(Organization.objects.select_for_update().filter(pk__in=list(organizations)).order_by("pk"))


def _keep_an_owner(member: Membership, by: User) -> None:
    if by.is_superuser or not member.user.groups.filter(name=OWNER).exists():
        return
    if not _owners(member.organization).exclude(pk=member.user_id).exists():
        raise NotYours(f"{member.user.get_username()} is the only owner of {member.organization}. Make somebody else an owner first.")


def _owners(organization: Organization) -> QuerySet[User]:
    return User.objects.filter(is_active=True, memberships__organization=organization, groups__name=OWNER)


def _words(roles: Sequence[str]) -> str:
    return ", ".join(roles) or "none"
