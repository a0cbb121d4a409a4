"""Who sees what, and what the three roles may do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.management import call_command

from audit.models import AuditRecord
from audit.services import write
from credentials.access import ROLES, limit_to, may_manage, visible_organizations
from credentials.models import Connection, Membership, Organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def organizations() -> list[Organization]:
    found = [Organization.objects.create(name=name, slug=name) for name in ("one", "two", "three")]
    for organization in found:
        Connection.objects.create(organization=organization, platform="shopette", label="Shop")
        write(actor="worker", action="x", outcome="noted", organization_id=organization.pk)
    return found


def member(organization: Organization, *roles: str, name: str = "ada") -> User:
    user = User.objects.create_user(name)
    Membership.objects.create(user=user, organization=organization)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def test_people_see_their_organizations(organizations: list[Organization]) -> None:
    ada = member(organizations[0])
    Membership.objects.create(user=ada, organization=organizations[2])
    assert set(visible_organizations(ada)) == {organizations[0], organizations[2]}
    assert {c.organization_id for c in limit_to(ada, Connection.objects.all())} == {organizations[0].pk, organizations[2].pk}
    assert limit_to(ada, AuditRecord.objects.all(), "organization_id").count() == 2
    assert limit_to(ada, Organization.objects.all(), "pk").count() == 2
    assert limit_to(ada, Membership.objects.all(), "organization").count() == 2


def test_strangers_and_switched_off_people_see_nothing(organizations: list[Organization]) -> None:
    gone = member(organizations[0], name="gone")
    gone.is_active = False
    root = User.objects.create_superuser("root")
    root.is_active = False
    for user in (AnonymousUser(), User.objects.create_user("new"), gone, root):
        assert not visible_organizations(user).exists()
        assert not limit_to(user, Connection.objects.all()).exists()


def test_superusers_see_all(organizations: list[Organization]) -> None:
    root = User.objects.create_superuser("root")
    assert visible_organizations(root).count() == 3
    assert limit_to(root, AuditRecord.objects.all(), "organization_id").count() == 3


def test_only_owners_manage_and_only_their_own(organizations: list[Organization]) -> None:
    shops = {shop.organization_id: shop for shop in Connection.objects.all()}
    owner = member(organizations[0], "owner", name="owner")
    other = member(organizations[0], "bookkeeper", "support", name="other")
    assert may_manage(owner, shops[organizations[0].pk])
    assert not may_manage(owner, shops[organizations[1].pk])
    assert not may_manage(other, shops[organizations[0].pk])


def permissions_of(role: str) -> set[str]:
    found = Permission.objects.filter(group__name=role).values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in found}


def test_the_roles_and_no_secret_in_any() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)
    viewer, bookkeeper, support, owner = (permissions_of(role) for role in ROLES)
    assert all(name.split(".")[1].startswith("view_") for name in viewer)  # changes nothing
    assert {name for name in bookkeeper | support if name.split(".")[1].startswith("view_")} <= viewer  # and sees all that they see
    assert {"flows.change_itemmapping", "flows.plan_flow", "flows.backfill_flow", "flows.view_syncjob"} <= bookkeeper
    assert not bookkeeper & {"flows.replay_syncjob", "audit.view_auditrecord", "credentials.change_connection", "flows.change_flow"}
    assert {"flows.replay_syncjob", "flows.reenable_subscription", "audit.view_auditrecord"} <= support
    assert not support & {"flows.change_itemmapping", "credentials.change_connection", "auth.change_user"}
    assert bookkeeper | support < owner
    assert {"credentials.add_connection", "credentials.add_membership", "auth.change_user"} <= owner
    for role in (viewer, bookkeeper, support, owner):
        assert not {name for name in role if "secret" in name or "authorisation" in name}
        assert not {name for name in role if name.split(".")[1].split("_")[0] not in ("view", "export", "verify") and "_audit" in name}


def test_each_permission_is_one_that_a_model_declares() -> None:
    """Those that the migration made and no model has would be dead weight; Django would never offer them."""
    from django.apps import apps

    declared = {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        for codename in [f"{verb}_{model._meta.model_name}" for verb in model._meta.default_permissions]
        + [codename for codename, _ in model._meta.permissions]
    }
    assert permissions_of("owner") <= declared


def test_no_permission_exists_twice() -> None:
    call_command("migrate", verbosity=0)
    rows = Permission.objects.values_list("content_type_id", "codename")
    assert len(rows) == len(set(rows))
