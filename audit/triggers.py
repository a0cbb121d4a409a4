"""What makes the audit append-only in the database itself, on PostgreSQL and on SQLite.

A record may only get its seal; once sealed it may be redacted, if a record of that redaction stands (audit/erasing.py): its texts then
become fixed words and its evidence {"redacted": ...}. It goes only with a seal that was pruned. A seal may only be marked as pruned and
never goes. A migration that rebuilds one of these tables on SQLite drops its triggers: it must
call install again (`verify_audit` tells when they are missing).
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.digests import COVERED, ERASABLE, ERASED_RECORD, ERASURE

RECORD, SEAL = "audit_auditrecord", "audit_auditseal"
RECORD_COLUMNS = COVERED  # what a seal covers is what nobody may change
SEAL_COLUMNS = ["id", "previous", "digest", "chain", "first_record", "last_record", "count", "sealed_at"]
NAMES = ("audit_record_insert", "audit_record_update", "audit_record_delete", "audit_seal_update", "audit_seal_delete")
TRUNCATES = ("audit_record_truncate", "audit_seal_truncate")

REFUSAL = "the audit is append-only"


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers (and PostgreSQL's functions)."""
    _run(connection, install_statements(connection.vendor))


def drop(connection: BaseDatabaseWrapper) -> None:
    """Remove the triggers: for the reverse migration and for tests."""
    _run(connection, drop_statements(connection.vendor))


def drop_statements(vendor: str) -> list[str]:
    """The SQL that removes them."""
    if vendor != "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in NAMES]
    return [f"DROP TRIGGER IF EXISTS {name} ON {_table(name)}" for name in NAMES + TRUNCATES]


def install_statements(vendor: str) -> list[str]:
    """The SQL that creates them."""
    return _postgresql() if vendor == "postgresql" else _sqlite()


def missing(connection: BaseDatabaseWrapper) -> tuple[str, ...]:
    """The names of triggers that are not there or switched off."""
    wanted: tuple[str, ...]
    if connection.vendor == "postgresql":
        wanted, query = NAMES + TRUNCATES, "SELECT tgname FROM pg_trigger WHERE tgname LIKE %s AND tgenabled <> 'D'"
    else:
        wanted, query = NAMES, "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s"
    with connection.cursor() as cursor:
        cursor.execute(query, ["audit\\_%" if connection.vendor == "postgresql" else "audit_%"])
        found = {name for (name,) in cursor.fetchall()}
    return tuple(name for name in wanted if name not in found)


def _run(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _table(trigger: str) -> str:
    return RECORD if trigger.startswith("audit_record") else SEAL


def _sqlite() -> list[str]:
    same_record = _same_on_sqlite(RECORD_COLUMNS)
    erased = " AND ".join(
        (
            _same_on_sqlite([column for column in (*RECORD_COLUMNS, "seal_id") if column not in ERASABLE]),
            "OLD.seal_id IS NOT NULL",
            *(f"NEW.{column} IN (OLD.{column}, '{words}')" for column, words in ERASABLE.items()),
        )
    )
    recorded = _RECORDED.format(id="CAST(OLD.id AS TEXT)")
    same_seal = " AND ".join(f"NEW.{column} IS OLD.{column}" for column in SEAL_COLUMNS)
    blanked = "(json_type(NEW.evidence, '$.redacted') IS NOT NULL AND (SELECT count(*) FROM json_each(NEW.evidence)) = 1)"
    conditions = {
        "audit_record_insert": ("INSERT", "NEW.seal_id IS NOT NULL"),
        "audit_record_update": (
            "UPDATE",
            f"NOT ({same_record} AND (NEW.seal_id IS OLD.seal_id OR OLD.seal_id IS NULL) AND NEW.evidence IS OLD.evidence)"
            f" AND NOT ({erased} AND (NEW.evidence IS OLD.evidence OR {blanked}) AND {recorded})",
        ),
        "audit_record_delete": (
            "DELETE",
            "NOT EXISTS (SELECT 1 FROM audit_auditseal WHERE id = OLD.seal_id AND pruned_at IS NOT NULL)",
        ),
        "audit_seal_update": ("UPDATE", f"NOT ({same_seal} AND OLD.pruned_at IS NULL AND NEW.pruned_at IS NOT NULL)"),
        "audit_seal_delete": ("DELETE", "1"),
    }
    return [
        f"CREATE TRIGGER {name} BEFORE {event} ON {_table(name)} FOR EACH ROW WHEN {condition} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for name, (event, condition) in conditions.items()
    ]


def _same_on_sqlite(columns: Sequence[str]) -> str:
    return " AND ".join(f"NEW.{column} IS OLD.{column}" for column in columns)


# A look-up in the table itself: PostgreSQL takes it in the function of a trigger only, and it is asked for redactions only.
_RECORDED = f"EXISTS (SELECT 1 FROM {RECORD} WHERE action = '{ERASURE}' AND object_type = '{ERASED_RECORD}' AND source_id = {{id}})"  # noqa: S608


def _postgresql() -> list[str]:
    return [
        _function("audit_refuse", f"RAISE EXCEPTION '{REFUSAL}';"),
        _function(
            "audit_refuse_change",
            f"IF {_postgresql_erasure()} AND {_RECORDED.format(id='OLD.id::text')} THEN RETURN NEW; END IF; RAISE EXCEPTION '{REFUSAL}';",
        ),
        f"CREATE TRIGGER audit_record_update BEFORE UPDATE ON {RECORD} FOR EACH ROW WHEN ({_postgresql_record_change()})"
        " EXECUTE FUNCTION audit_refuse_change()",
        *(
            f"CREATE TRIGGER {name} BEFORE {event} ON {_table(name)} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION audit_refuse()"
            for name, event, condition in (
                ("audit_record_insert", "INSERT", "NEW.seal_id IS NOT NULL"),
                ("audit_seal_update", "UPDATE", _postgresql_seal_change()),
                ("audit_seal_delete", "DELETE", "true"),
            )
        ),
        _function(
            "audit_refuse_unpruned",
            "IF NOT EXISTS (SELECT 1 FROM audit_auditseal WHERE id = OLD.seal_id AND pruned_at IS NOT NULL)"
            " THEN RAISE EXCEPTION 'the audit is append-only'; END IF; RETURN OLD;",
        ),
        f"CREATE TRIGGER audit_record_delete BEFORE DELETE ON {RECORD} FOR EACH ROW EXECUTE FUNCTION audit_refuse_unpruned()",
        *(
            f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {_table(name)} FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
            for name in TRUNCATES
        ),
    ]


def _function(name: str, body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"


def _postgresql_record_change() -> str:
    return (
        f"NOT ({_unchanged(RECORD_COLUMNS)} AND (NEW.seal_id IS NOT DISTINCT FROM OLD.seal_id OR OLD.seal_id IS NULL)"
        " AND NEW.evidence = OLD.evidence)"
    )


def _postgresql_erasure() -> str:
    blanked = "(jsonb_typeof(NEW.evidence) = 'object' AND NEW.evidence ? 'redacted' AND NEW.evidence - 'redacted' = '{}'::jsonb)"
    others = [column for column in (*RECORD_COLUMNS, "seal_id") if column not in ERASABLE]
    words = " AND ".join(f"NEW.{column} IN (OLD.{column}, '{erased}')" for column, erased in ERASABLE.items())
    return f"(OLD.seal_id IS NOT NULL AND {_unchanged(others)} AND {words} AND (NEW.evidence = OLD.evidence OR {blanked}))"


def _postgresql_seal_change() -> str:
    return f"NOT ({_unchanged(SEAL_COLUMNS)} AND OLD.pruned_at IS NULL AND NEW.pruned_at IS NOT NULL)"


def _unchanged(columns: Sequence[str]) -> str:
    new, old = (", ".join(f"{row}.{column}" for column in columns) for row in ("NEW", "OLD"))
    return f"(({new}) IS NOT DISTINCT FROM ({old}))"
