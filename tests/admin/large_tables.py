"""Fills the console's world up to the size of a busy installation after years, in about a minute, by copying its own rows in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Model

from audit import triggers
from audit.models import AuditRecord, AuditSeal
from flows.models import ExternalLink, InboundEvent, ItemMapping, SyncJob, SyncRecord
from tests import factories as make
from tests.admin.console_world import World

JOBS, RECORDS, MAPPINGS, EVENTS, AUDITED = 100_000, 100_000, 50_000, 50_000, 1_000_000
LARGE = (SyncJob, SyncRecord, ExternalLink, InboundEvent, ItemMapping, AuditRecord)
FLOWS = 4

STATE = "CASE WHEN n % 50 = 0 THEN 'attention' WHEN n % 199 = 0 THEN 'waiting' WHEN n % 997 = 0 THEN 'dead' ELSE 'done' END"
OUTCOME = "CASE WHEN n % 50 = 0 THEN 'attention' WHEN n % 997 = 0 THEN 'failed' ELSE 'done' END"


def fill(world: World) -> None:
    """The rows of the first organization, which four flows share. Triggers of the audit are away meanwhile."""
    flow = world.rows["flow"]
    flows = [flow.pk, *(make.FlowFactory(organization=world.rows["organization"], source=flow.source).pk for _ in range(FLOWS - 1))]
    spread = f"(ARRAY{flows})[1 + n % {FLOWS}]"
    number = "(100000 + n)::text"
    ago = "now() - n * interval '15 minutes'"
    same = {"flow_id": spread, "source_id": number}
    sku = "CASE WHEN n % 50 = 0 THEN 'sku:S-' || n % 300 ELSE '' END"
    stuck = {"reason_code": "CASE WHEN n % 50 = 0 THEN 'sku_unmapped' ELSE '' END", "subject": sku}
    due = {"created_at": ago, "not_before": ago, "event_id": "NULL"}
    copy(world.rows["syncjob"], JOBS, {**same, **stuck, **due, "state": STATE})
    copy(world.rows["syncrecord"], RECORDS, {**same, "number": number, "outcome": OUTCOME, "updated_at": ago, "job_id": "NULL"})
    copy(world.rows["externallink"], RECORDS, {"key": number, "remote_id": "(900000 + n)::text"})
    copy(world.rows["inboundevent"], EVENTS, {"dedupe_key": "'d' || n", "source_id": number, "received_at": ago})
    copy(world.rows["itemmapping"], MAPPINGS, {"flow_id": spread, "sku": "'S-' || n", "item_name": "'Item ' || n"})
    _fill_audit(world)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _fill_audit(world: World) -> None:
    triggers.drop(connection)
    copy(world.rows["auditseal"], AUDITED // 500, {"previous": "md5(n::text)", "first_record": "n * 500", "last_record": "n * 500 + 499"})
    first = AuditSeal.objects.order_by("id").values_list("pk", flat=True)[1]
    with indexes_built_at_the_end(AuditRecord):
        copy(world.rows["auditrecord"], AUDITED, _audited(world, first))
    triggers.install(connection)


def _audited(world: World, first: int) -> dict[str, str]:
    """first: the seal of the first five hundred."""
    mine, theirs = world.rows["organization"].pk, world.theirs["organization"].pk
    return {
        "organization_id": f"CASE WHEN n % 200 = 0 THEN {theirs} ELSE {mine} END",
        "actor": "CASE n % 1000 WHEN 0 THEN 'owner' WHEN 1 THEN 'bookkeeper' ELSE 'worker' END",
        "at": f"now() - ({AUDITED} - n) * interval '30 seconds'",
        "outcome": OUTCOME,
        "connection_id": f"{world.rows['connection'].pk}",
        "source_id": "(100000 + n / 10)::text",
        "target_id": "(900000 + n / 10)::text",
        "job_id": "n / 10",
        "seal_id": f"{first} + (n - 1) / 500",
    }


@contextmanager
def indexes_built_at_the_end(model: type[Model]) -> Iterator[None]:
    """While the table is filled it has only the indexes of its constraints: sorted once, the others cost a fraction."""
    table = model._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = %s "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            [table],
        )
        for name, _ in (found := cursor.fetchall()):
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        connection.check_constraints()
        for _, definition in found:
            cursor.execute(definition)


def copy(row: Model, count: int, changes: Mapping[str, str]) -> None:
    """So many copies of the row, with these columns as SQL expressions of n."""
    columns = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    quoted = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(changes.get(column, f's."{column}"') for column in columns)
    assert set(changes) <= set(columns)
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({quoted}) SELECT {values} FROM "{table}" s, generate_series(1, {count}) n WHERE s.id = {row.pk}'
        )


def empty() -> None:
    """Every table but those that migrating filled; truncated, so that nothing is left for other tests to wade through."""
    kept = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions", "django_migrations"}
    triggers.drop(connection)
    with connection.cursor() as cursor:
        tables = [table for table in connection.introspection.table_names(cursor) if table not in kept]
        cursor.execute(f"TRUNCATE {', '.join(tables)}")
    triggers.install(connection)
