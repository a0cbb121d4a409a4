"""The e-mail addresses that an organization wants to be written to."""

from __future__ import annotations

from credentials.models import Organization


def contacts_of(organization_id: int) -> list[str]:
    """Those on the organization's page."""
    return addresses_in(Organization.objects.filter(pk=organization_id).values_list("contacts", flat=True).first() or "")


def addresses_in(text: str) -> list[str]:
    """The addresses in a text with one to a line, or with commas between them."""
    return [line.strip() for line in text.replace(",", "\n").splitlines() if "@" in line]
