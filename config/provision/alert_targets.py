"""Who is told of alerts, as a provisioning file says it: read strictly, addresses and secrets never told again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from config.provision.reading import Table, nearest, resolve
from config.provision.rows import Step, bring
from credentials.models import Organization
from flows.alerting.checking import wrong_with_mail, wrong_with_secret, wrong_with_web
from flows.models import AlertTarget

Kind, When = AlertTarget.Kind, AlertTarget.When
WHEN = ("errors", "warnings")
FLAGS = ("tell_end", "enabled")


@dataclass(frozen=True)
class AlertTargetEntry:
    """fields: what the file names of the row."""

    table: Table
    organization: str
    label: str
    kind: str
    fields: Mapping[str, Any] = field(repr=False)


def read_alert_target(table: Table, environ: Mapping[str, str]) -> AlertTargetEntry:
    """The shape, and whether addresses and secrets can be used."""
    table.only("organization", "label", "kind", "addresses", "address", "secret", *WHEN, *FLAGS, "digest_hour")
    kind = _one_of(table, "kind", Kind.values)
    fields: dict[str, Any] = {name: _one_of(table, name, When.values) for name in WHEN if name in table.values}
    fields |= {name: table.flag(name, True) for name in FLAGS if name in table.values}
    if "digest_hour" in table.values:
        fields["digest_hour"] = table.whole("digest_hour", 7)
        if fields["digest_hour"] > 23:
            table.refuse("digest_hour", "an hour of the day is 0 to 23")
    fields |= _mailed(table) if kind == Kind.EMAIL else _posted(table, kind, environ)
    return AlertTargetEntry(table, table.text("organization"), table.text("label"), kind, fields)


def _one_of(table: Table, key: str, known: Collection[str]) -> str:
    value = table.text(key)
    if value not in known:
        table.refuse(key, f"expected one of {', '.join(known)}. {nearest(value, known)}")
    return value


def _mailed(table: Table) -> dict[str, str]:
    """No addresses: the organization's contacts."""
    for name in ("address", "secret"):
        if name in table.values:
            table.refuse(name, "is for slack and webhook; e-mail has addresses, a list")
    addresses = table.texts("addresses")
    for index, address in enumerate(addresses):
        if problem := wrong_with_mail(address):
            table.refuse(f"addresses[{index}]", problem)
    return {"address": ", ".join(addresses)} if "addresses" in table.values else {}


def _posted(table: Table, kind: str, environ: Mapping[str, str]) -> dict[str, str]:
    if "addresses" in table.values:
        table.refuse("addresses", f"is for e-mail; {kind} has one address")
    fields = {"address": resolve(table, "address", environ)}
    if problem := wrong_with_web(fields["address"]):
        table.refuse("address", problem)
    if kind != Kind.WEBHOOK:
        if "secret" in table.values:
            table.refuse("secret", "is for webhook, whose messages are signed")
        return fields
    fields["secret"] = resolve(table, "secret", environ)
    if problem := wrong_with_secret(fields["secret"]):
        table.refuse("secret", problem)
    return fields


def apply_alert_target(entry: AlertTargetEntry, organization: Organization) -> Step:
    """Alerts that were open before it was there are not told."""
    keys = {"organization": organization, "label": entry.label}
    held = AlertTarget.objects.filter(**keys).first()
    if held is not None and held.kind != entry.kind:
        entry.table.refuse("kind", f"this target is already one of kind {held.kind}; give the new one another label")
    fields = {**entry.fields, "kind": entry.kind, **({} if held else {"since": timezone.now()})}
    _target, verb, details = bring(AlertTarget, entry.table, keys, fields)
    return Step(verb, "alert target", f"{entry.label!r} of {organization.slug}", details)
