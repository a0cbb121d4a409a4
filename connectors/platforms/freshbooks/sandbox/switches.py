"""What can be switched in the FreshBooks sandbox, at its start by options and later by the admin action `switch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

DEFAULT_SCOPES = " ".join(
    ["user:profile:read"]
    + [
        f"user:{thing}:{action}"
        for thing in (
            "clients",
            "invoices",
            "payments",
            "billable_items",
            "taxes",
            "credit_notes",
            "other_income",
            "expenses",
            "journal_entries",
        )
        for action in ("read", "write")
    ]
)


@dataclass
class Switches:
    """One attribute per switch; where the vendor's documentation is silent, the default is our choice and can be turned.

    rounding: tax rounded once per tax of the invoice ("bucket") or on each line ("line"). negative_lines: "accept" or "refuse".
    errors: "classic" or "new" shape of accounting errors; errors_as_200 answers them with HTTP 200. gates: plural names of resources that
    answer 200 with errno 12001. identity: see sandbox_identity. rate_limit: {"per_second", "burst"?, "retry_after"?: seconds}.
    redirects: "loopback" lets http pass for loopback hosts, "https" never does; redirect_uris: the registered ones, none = any.
    collide_numbers: so many next invoices without a number answer 409. extra_total: rows that lists count but never show.
    unverify_after: so many deliveries lost in a row unverify a callback (0: never). retry_pauses: seconds before each further attempt.
    system: value of the optional `system` field of webhooks. resend_verifier: "new" or "same".
    """

    seed: int = 1
    currency: str = "USD"
    rounding: str = "bucket"
    negative_lines: str = "accept"
    tax_places: int = 3
    number_length: int = 50
    collide_numbers: int = 0
    errors: str = "classic"
    errors_as_200: bool = False
    gates: list[str] = field(default_factory=list)
    extra_total: int = 0
    identity: str = "owner"
    client_id: str = "sandbox-app"
    client_secret: str = "sandbox-app-secret"  # noqa: S105 - opens only the sandbox
    default_scopes: str = DEFAULT_SCOPES
    enforce_scopes: bool = True
    redirects: str = "loopback"
    redirect_uris: list[str] = field(default_factory=list)
    auto_consent: bool = False
    token_lifetime: int = 43200
    invalid_grant_status: int = 400
    rate_limit: dict[str, Any] = field(default_factory=dict)
    field_order: str = "random"
    system: str = ""
    resend_verifier: str = "new"
    unverify_after: int = 0
    retry_pauses: list[float] = field(default_factory=lambda: [1.0, 4.0])

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Set the named switches; KeyError for a name that is none."""
        known = {each.name for each in fields(self)}
        for name in wanted:
            if name not in known:
                raise KeyError(f"{name}; switches are {', '.join(sorted(known))}")
        for name, value in wanted.items():
            setattr(self, name, value)
