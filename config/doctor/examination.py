"""All checks of the doctor in order, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from config.doctor.accounts import check_connections, check_subscriptions
from config.doctor.finding import Finding, ill
from config.doctor.keys import check_keys
from config.doctor.machine import check_broker, check_database, check_migrations, check_settings, check_sweep

CHECKS: dict[str, Callable[[], Iterable[Finding]]] = {
    "settings": check_settings,
    "database": check_database,
    "migrations": check_migrations,
    "broker": check_broker,
    "sweep": check_sweep,
    "keys": check_keys,
    "connections": check_connections,
    "subscriptions": check_subscriptions,
}


def examine(only: Collection[str] = ()) -> Iterator[tuple[str, Finding]]:
    """(check, finding) pairs, each as soon as it is known; a check that breaks is itself a finding, and the others go on."""
    for name, check in CHECKS.items():
        if only and name not in only:
            continue
        try:
            for finding in check():
                yield name, finding
        except Exception as error:  # noqa: BLE001 - the doctor is run when things are broken in ways nobody foresaw
            yield name, ill(f"The check itself failed ({type(error).__name__}: {error}).")


def as_json(name: str, finding: Finding) -> dict[str, Any]:
    return {"check": name, "subject": finding.subject, "ok": finding.ok, "message": finding.message}
