"""Two people who decide at the same moment about the same person, or about each other: the second one decides on what the first one did."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import transaction

from credentials.access import OWNER, VIEWER
from credentials.models import Invitation, Membership, Organization
from credentials.people.inviting import Refused, accept
from credentials.people.members import NotYours, change_roles, roles_of
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)
HEAD_START = 0.5  # seconds in which the second one comes as far as it is let


def at_the_same_moment(first: Callable[[], object], second: Callable[[], object]) -> BaseException | None:
    """first in a transaction that stays open while second begins; what became of second."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            second()
        except BaseException as problem:  # noqa: BLE001 - looked at by the test
            raised.append(problem)
        finally:
            database.close()

    thread = threading.Thread(target=work)
    with transaction.atomic():
        first()
        thread.start()
        time.sleep(HEAD_START)
    thread.join(30)
    assert not thread.is_alive()
    return raised[0] if raised else None


def invitation(organization: Organization, person: User, role: str) -> Invitation:
    row = make.invitation(organization, person.email)
    Invitation.objects.filter(pk=row.pk).update(roles=[role], digest=f"{organization.pk}-{role}")
    return Invitation.objects.get(pk=row.pk)


def now(person: User) -> list[str]:
    return roles_of(User.objects.get(pk=person.pk))


def test_two_invitations_at_once_do_not_give_the_roles_of_both_everywhere() -> None:
    here, there = make.OrganizationFactory(), make.OrganizationFactory()
    anna = make.person("anna", email="anna@example.com")
    modest, generous = invitation(here, anna, VIEWER), invitation(there, anna, OWNER)
    problem = at_the_same_moment(lambda: accept(modest, anna), lambda: accept(generous, User.objects.get(pk=anna.pk)))
    assert isinstance(problem, Refused)
    assert now(anna) == [VIEWER]
    assert [row.organization for row in anna.memberships.all()] == [here]
    assert Invitation.objects.get(pk=generous.pk).accepted_at is None


def test_nobody_gets_new_roles_while_they_come_in_elsewhere() -> None:
    here, there = make.OrganizationFactory(), make.OrganizationFactory()
    owner = make.person("owner", here, roles=(OWNER,))
    anna = make.person("anna", here, roles=(VIEWER,), email="anna@example.com")
    member, asked = Membership.objects.get(user=anna), invitation(there, anna, VIEWER)
    problem = at_the_same_moment(lambda: accept(asked, anna), lambda: change_roles(member, [OWNER], owner))
    assert isinstance(problem, NotYours)
    assert now(anna) == [VIEWER]


def test_two_owners_of_two_organizations_do_not_let_each_other_go() -> None:
    here, there = make.OrganizationFactory(), make.OrganizationFactory()
    one, other = (make.person(name, here, there, roles=(OWNER,)) for name in ("one", "other"))
    in_one, in_other = Membership.objects.get(user=other, organization=here), Membership.objects.get(user=one, organization=there)
    problem = at_the_same_moment(lambda: change_roles(in_one, [VIEWER], one), lambda: change_roles(in_other, [VIEWER], other))
    assert isinstance(problem, NotYours)
    assert (now(one), now(other)) == ([OWNER], [VIEWER])
