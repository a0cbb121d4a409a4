"""What a provisioning file says, as values: read strictly, secrets resolved, nothing looked up in the database yet."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from config.provision.alert_targets import AlertTargetEntry, read_alert_target
from config.provision.reading import ProvisionError, Table, resolve, unique

SECTIONS = ("organizations", "users", "connections", "flows", "alert_targets")


@dataclass(frozen=True)
class OrganizationEntry:
    table: Table
    name: str
    slug: str
    contacts: tuple[str, ...]


@dataclass(frozen=True)
class UserEntry:
    table: Table
    username: str
    email: str
    password: str | None = field(repr=False)
    superuser: bool
    organizations: tuple[str, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True)
class ConnectionEntry:
    table: Table
    organization: str
    label: str
    platform: str
    fields: Mapping[str, Any]
    settings: Table
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class FlowEntry:
    table: Table
    organization: str
    label: str
    recipe: str
    source: str
    destination: str
    fields: Mapping[str, Any]
    options: Table
    items: tuple[Table, ...]
    values: tuple[Table, ...]
    rules: tuple[Table, ...]


@dataclass(frozen=True)
class Document:
    """The whole file."""

    organizations: tuple[OrganizationEntry, ...]
    users: tuple[UserEntry, ...]
    connections: tuple[ConnectionEntry, ...]
    flows: tuple[FlowEntry, ...]
    alert_targets: tuple[AlertTargetEntry, ...]


def read_toml(text: str) -> dict[str, Any]:
    """The file's content; numbers with a point stay exact. Raises ProvisionError with the line."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ProvisionError(f"This is not TOML: {error}") from error


def read_document(content: Mapping[str, Any], environ: Mapping[str, str]) -> Document:
    """Check the shape of everything. Raises ProvisionError naming the key."""
    root = Table("", content)
    root.only(*SECTIONS)
    organizations, users, connections, flows, alert_targets = (root.tables(key) for key in SECTIONS)
    document = Document(
        tuple(_organization(table) for table in organizations),
        tuple(_user(table, environ) for table in users),
        tuple(_connection(table, environ) for table in connections),
        tuple(_flow(table) for table in flows),
        tuple(read_alert_target(table, environ) for table in alert_targets),
    )
    unique(organizations, lambda table: (table.text("slug"),), "organization")
    unique(users, lambda table: (table.text("username"),), "user")
    unique(connections, lambda table: (table.text("organization"), table.text("label")), "connection")
    unique(flows, lambda table: (table.text("organization"), table.text("label")), "flow")
    unique(alert_targets, lambda table: (table.text("organization"), table.text("label")), "alert target")
    return document


def _organization(table: Table) -> OrganizationEntry:
    table.only("name", "slug", "contacts")
    return OrganizationEntry(table, table.text("name"), table.text("slug"), table.texts("contacts"))


def _user(table: Table, environ: Mapping[str, str]) -> UserEntry:
    table.only("username", "email", "password", "superuser", "organizations", "roles")
    return UserEntry(
        table,
        table.text("username"),
        table.text("email", ""),
        resolve(table, "password", environ) if "password" in table.values else None,
        table.flag("superuser", False),
        table.texts("organizations"),
        table.texts("roles"),
    )


def _connection(table: Table, environ: Mapping[str, str]) -> ConnectionEntry:
    plain = ("base_url", "time_zone", "currency")
    table.only("organization", "label", "platform", "urls", "ids", "settings", "secrets", "reenable_subscriptions", *plain)
    fields: dict[str, Any] = {name: table.text(name, "") for name in plain if name in table.values}
    fields |= {name: table.table(name).all_texts() for name in ("urls", "ids") if name in table.values}
    if "reenable_subscriptions" in table.values:
        fields["reenable_subscriptions"] = table.flag("reenable_subscriptions", False)
    for name in ("base_url", *(f"urls.{name}" for name in fields.get("urls", {}))):
        _check_address(table, name, fields)
    secrets = table.table("secrets")
    return ConnectionEntry(
        table,
        table.text("organization"),
        table.text("label"),
        table.text("platform"),
        fields,
        table.table("settings"),
        {name: resolve(secrets, name, environ) for name in secrets.values},
    )


def _check_address(table: Table, name: str, fields: Mapping[str, Any]) -> None:
    value = fields["urls"][name.removeprefix("urls.")] if name.startswith("urls.") else fields.get(name, "")
    if value and not value.startswith(("https://", "http://")):
        table.refuse(name, "expected an address that starts with https:// (or http://)")


def _flow(table: Table) -> FlowEntry:
    plain = ("enabled", "poll_seconds")
    table.only("organization", "label", "recipe", "source", "destination", "options", "items", "values", "fields", *plain)
    fields: dict[str, Any] = {}
    if "enabled" in table.values:
        fields["enabled"] = table.flag("enabled", True)
    if "poll_seconds" in table.values:
        fields["poll_seconds"] = table.whole("poll_seconds", 0)
    return FlowEntry(
        table,
        table.text("organization"),
        table.text("label"),
        table.text("recipe"),
        table.text("source"),
        table.text("destination"),
        fields,
        table.table("options"),
        table.tables("items"),
        table.tables("values"),
        table.tables("fields"),
    )
