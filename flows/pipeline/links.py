"""What our link rows say about the record at hand, and about what it shares with others. Plain SQL, because every plan asks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection as database

from connectors.canonical.identity import ObjectType
from flows.models import ExternalLink
from flows.pipeline.workbench import Workbench
from flows.recipes.looks import Link, LinkOf, Look

_COLUMNS = "object_type, key, remote_id, content_hash, fingerprint, void, state"
_SCOPE = f"SELECT {_COLUMNS} FROM flows_externallink WHERE destination_id = %s AND scope = %s AND"  # noqa: S608
_OWN = f"{_SCOPE} key = %s UNION ALL {_SCOPE} {{below}} ORDER BY key"  # "or" would read the whole scope
_NAMED = (
    f"SELECT {_COLUMNS} FROM flows_externallink WHERE destination_id = %s AND scope IN (%s, '') AND state = 'confirmed' "  # noqa: S608
    "AND (object_type, key) IN ({places}) ORDER BY id DESC"
)


@dataclass(frozen=True, slots=True)
class Held:
    """A link row: the link, and whether it is only intended so far."""

    link: Link
    intended: bool


def links_of_record(bench: Workbench) -> tuple[Held, ...]:
    """All links of the record at hand (its key, or "key:part"), by key."""
    below, bounds = _below(f"{bench.source_id}:")
    scope = [bench.flow.destination_id, bench.scope]
    return _read(_OWN.format(below=below), [*scope, bench.source_id, *scope, *bounds])


def is_void(bench: Workbench) -> bool:
    """Whether what stands for the record at the destination was voided by us."""
    return any(held.link.void and held.link.key == bench.source_id and not held.intended for held in links_of_record(bench))


def links_named(bench: Workbench, looks: Collection[LinkOf]) -> dict[Look, Link | None]:
    """The confirmed link of each; its own scope's or what all sources share, the older one where both are there."""
    names = [part for look in looks for part in (look.object_type.value, look.key)]
    statement = _NAMED.format(places=", ".join(["(%s, %s)"] * len(looks)))
    found = {
        LinkOf(held.link.object_type, held.link.key): held.link
        for held in _read(statement, [bench.flow.destination_id, bench.scope, *names])
    }  # fmt: skip
    return {look: found.get(look) for look in looks}


def _read(statement: str, values: list[Any]) -> tuple[Held, ...]:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return tuple(
            Held(Link(ObjectType(kind), key, remote_id, content_hash, fingerprint, bool(void)), state == ExternalLink.State.INTENDED)
            for kind, key, remote_id, content_hash, fingerprint, void, state in cursor.fetchall()
        )


def _below(prefix: str) -> tuple[str, list[Any]]:
    """The condition for keys that begin like this, in the form that each database has an index for."""
    if database.vendor == "postgresql":
        return "key LIKE %s", [prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"]
    return "(key >= %s AND key < %s)", [prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)]
