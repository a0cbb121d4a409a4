"""Lets the test runner empty the audit tables between tests: their triggers refuse it, as they should in real life."""

from __future__ import annotations

from typing import Any

from django.db import connection

from audit import triggers


def allow_flush() -> None:
    """Wrap this database's flush so that the audit's triggers are away while it runs."""
    operations = type(connection.ops)
    original = operations.sql_flush

    def sql_flush(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
        statements = original(self, style, tables, **options)
        if triggers.RECORD not in tables:
            return statements
        vendor = self.connection.vendor
        return [*triggers.drop_statements(vendor), *statements, *triggers.install_statements(vendor)]

    operations.sql_flush = sql_flush  # type: ignore[method-assign]
