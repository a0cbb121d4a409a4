"""A sheet of mappings applied: first looked at without writing anything, then all of it or nothing, and what waited goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from tablib import Dataset

from audit.models import Outcome
from audit.services import AuditEntry, write_many
from connectors.kit.errors import Rejected
from flows.mapping.sheets.resources import CHANGED, NEW, SAME, WRONG, Line, MappingResource
from flows.models import Flow
from flows.releasing import mappings_saved

A_RECORD = 100  # changes in one audit record


@dataclass(frozen=True)
class Sheet:
    """What a file comes to. rows: the mappings that were written, with whether each is new; released: jobs that go on."""

    lines: tuple[Line, ...]
    rows: tuple[tuple[Any, bool], ...] = ()
    released: int = 0

    def of(self, verb: str) -> list[Line]:
        """The lines that come to this."""
        return [line for line in self.lines if line.verb == verb]

    @property
    def new(self) -> list[Line]:
        return self.of(NEW)

    @property
    def changed(self) -> list[Line]:
        return self.of(CHANGED)

    @property
    def same(self) -> list[Line]:
        return self.of(SAME)

    @property
    def wrong(self) -> list[Line]:
        return self.of(WRONG)

    @property
    def can_be_applied(self) -> bool:
        return not self.wrong and bool(self.new or self.changed)


def look_at(kind: type[MappingResource], dataset: Dataset, flows: Sequence[Flow]) -> Sheet:
    """What applying it would do. Raises Rejected for a sheet without the columns that it needs."""
    resource = kind(flows)
    _import(resource, dataset, dry_run=True)
    return Sheet(tuple(resource.lines))


def apply(kind: type[MappingResource], dataset: Dataset, flows: Sequence[Flow], name: str, by: str) -> Sheet:
    """All of it in one transaction; nothing of it when any line is wrong. name: the file's, for the audit."""
    resource = kind(flows, by)
    with transaction.atomic():
        _import(resource, dataset, dry_run=False)
        if any(line.verb == WRONG for line in resource.lines):
            transaction.set_rollback(True)
            return Sheet(tuple(resource.lines))
        rows = [row for row, _, _ in resource.changes]
        released = mappings_saved(rows, by)
        _record(resource, name, by, released)
    return Sheet(tuple(resource.lines), tuple((row, new) for row, new, _ in resource.changes), released)


def _import(resource: MappingResource, dataset: Dataset, *, dry_run: bool) -> None:
    missing = [column for column in resource.needed if column not in (dataset.headers or ())]
    if missing:
        wanted = ", ".join(resource.needed)
        raise Rejected(f"The first line names no column {', '.join(missing)}. It needs: {wanted}.", code="no_column")
    result = resource.import_data(dataset, dry_run=dry_run, use_transactions=not dry_run, rollback_on_validation_errors=True)
    if result.base_errors:
        raise Rejected(f"The file could not be taken: {result.base_errors[0].error}", code="bad_file")


def _record(resource: MappingResource, name: str, by: str, released: int) -> None:
    """What changed, in the person's name: up to a hundred mappings of a flow in one record."""
    by_flow: dict[int, list[tuple[Any, bool, str]]] = {}
    for change in resource.changes:
        by_flow.setdefault(change[0].flow_id, []).append(change)
    what = str(resource._meta.model._meta.verbose_name_plural)
    entries = []
    for changes in by_flow.values():
        for start in range(0, len(changes), A_RECORD):
            some = changes[start : start + A_RECORD]
            flow = some[0][0].flow
            new = sum(1 for _, is_new, _ in some if is_new)
            said = [f"{row} (was: {was})" if was else str(row) for row, _, was in some]
            entries.append(
                AuditEntry(
                    actor=by,
                    action=f"import {what}",
                    outcome=Outcome.DONE,
                    organization_id=flow.organization_id,
                    flow_id=flow.pk,
                    object_type=str(resource._meta.model._meta.model_name),
                    message=f"{name}: {new} added, {len(some) - new} changed in {flow}. {released} waiting job(s) go on.",
                    evidence={"mappings": said},
                )
            )
    write_many(entries)
