"""People and companies, and where they live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; country is ISO 3166-1 alpha-2, region the shop's own code ("ON", "CA")."""

    given_name: str = ""
    family_name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""


NO_ADDRESS = Address()


@dataclass(frozen=True, slots=True)
class Customer:
    """A buyer. id is "" for a guest; email is as typed (matching casefolds it), "" when unknown."""

    id: str = ""
    email: str = ""
    given_name: str = ""
    family_name: str = ""
    company: str = ""
    phone: str = ""
    billing: Address = NO_ADDRESS
    shipping: Address = NO_ADDRESS
    tax_number: str = ""
    currency: str = ""
    note: str = ""
    updated_at: datetime | None = None

    @property
    def email_key(self) -> str:
        """The e-mail as used for matching: trimmed and casefolded."""
        return self.email.strip().casefold()

    @property
    def name(self) -> str:
        """What to call the customer: company, else full name, else e-mail."""
        return self.company or f"{self.given_name} {self.family_name}".strip() or self.email
