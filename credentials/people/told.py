"""Audit records about people: one for each organization that the person works for, so that each owner sees them."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User

from audit.models import Outcome
from audit.services import AuditEntry, write_many
from credentials.models import Membership


def tell_of(person: User, action: str, message: str, *, actor: str = "", outcome: str = Outcome.DONE) -> None:
    """Write it down in the person's own name, or in the name of who did it."""
    mine = Membership.objects.filter(user_id=person.pk).order_by("organization_id").values_list("organization_id", flat=True)
    tell(list(mine) or [None], actor or person.get_username(), action, person.get_username(), message, outcome)


def tell(organizations: Iterable[int | None], actor: str, action: str, about: str, message: str, outcome: str = Outcome.DONE) -> None:
    """One record for each of these organizations; None is the installation itself."""
    write_many(
        AuditEntry(
            actor=actor, action=action, outcome=outcome, organization_id=number, object_type="person", source_id=about, message=message
        )
        for number in organizations
    )
