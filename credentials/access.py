"""Who sees what: people see their organizations; superusers see all. What they may do there comes from their groups (roles)."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.models import User as DjangoUser
from django.db.models import Model, QuerySet

from credentials.models import Connection, Organization

VIEWER, BOOKKEEPER, SUPPORT, OWNER = "viewer", "bookkeeper", "support", "owner"
ROLES = (VIEWER, BOOKKEEPER, SUPPORT, OWNER)

User = DjangoUser | AnonymousUser
M = TypeVar("M", bound=Model)


def visible_organizations(user: User) -> QuerySet[Organization]:
    """The organizations that the user works for; all for superusers, none for strangers and for those who were switched off."""
    if not user.is_active or not user.is_authenticated:
        return Organization.objects.none()
    if user.is_superuser:
        return Organization.objects.all()
    return Organization.objects.filter(memberships__user_id=user.pk)


def limit_to(user: User, queryset: QuerySet[M], path: str = "organization") -> QuerySet[M]:
    """Only the rows of the user's organizations. path leads to the organization or to its id ("flow__organization",
    "organization_id", "pk").
    """
    if user.is_active and user.is_superuser:
        return queryset
    conditions: dict[str, Any] = {f"{path}__in": visible_organizations(user).order_by().values("pk")}
    return queryset.filter(**conditions)


def may_manage(user: User, connection: Connection) -> bool:
    """Whether the user may connect and authorise it: an owner of its organization, or a superuser."""
    sees = visible_organizations(user).filter(pk=connection.organization_id).exists()
    return sees and user.has_perm("credentials.change_connection")
