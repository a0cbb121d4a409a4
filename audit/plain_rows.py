"""Rows where they are many, without composing the same SQL anew each time: on a small machine that costs more than the database does.

Statements are made once from the models and kept as text; values pass through the fields' own converters, so both databases agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast

from django.db import connection as database
from django.db import transaction
from django.db.models import Field, Model

BATCH = 100
M = TypeVar("M", bound=Model)
Converter = Callable[[Any], Any]


def insert(rows: Sequence[M]) -> None:
    """Insert new rows of one model, a hundred to a statement, and set their primary keys."""
    for start in range(0, len(rows), BATCH):
        _insert_batch(rows[start : start + BATCH])


def _insert_batch(rows: Sequence[M]) -> None:
    model = type(rows[0])
    statement, fields = _insert(model, database.vendor)
    one = f"({', '.join(['%s'] * len(fields))})"
    values = [field.get_db_prep_save(getattr(row, field.attname), database) for row in rows for field in fields]
    with database.cursor() as cursor:
        cursor.execute(f"{statement} VALUES {', '.join([one] * len(rows))} RETURNING {_quoted(model._meta.pk)}", values)
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
            row._state.adding, row._state.db = False, database.alias


def upsert(row: Model, unique: tuple[str, ...], changed: tuple[str, ...]) -> None:
    """Insert a row, or bring these columns (attribute names) of the row with the same unique ones to its values."""
    statement, fields = _insert(type(row), database.vendor)
    values = [field.get_db_prep_save(getattr(row, field.attname), database) for field in fields]
    target = ", ".join(database.ops.quote_name(name) for name in unique)
    news = ", ".join(f"{database.ops.quote_name(name)} = excluded.{database.ops.quote_name(name)}" for name in changed)
    with database.cursor() as cursor:
        places = ", ".join(["%s"] * len(fields))
        cursor.execute(f"{statement} VALUES ({places}) ON CONFLICT ({target}) DO UPDATE SET {news}", values)


@dataclass(frozen=True, slots=True)
class Change:
    """An update: in which rows (attribute names and values) these columns come to which values. provided: a further condition in SQL,
    with its values.
    """

    model: type[Model]
    where: Mapping[str, Any]
    fields: Mapping[str, Any]
    provided: str = ""
    values: Sequence[Any] = ()


def update(change: Change) -> int:
    """Make the change; in how many rows."""
    statement, values = _changing(change)
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def update_with(change: Change, row: Model) -> bool:
    """Make the change and insert the row, together or not at all; False, and neither, where the change finds nothing.

    PostgreSQL does it in one statement: opening a transaction, two statements and its commit were four rounds, and a round costs both
    sides more than what is done in it.
    """
    if database.vendor != "postgresql":
        with transaction.atomic():
            if not update(change):
                return False
            insert([row])
            return True
    statement, values = _changing(change)
    into, one, fields = _insert_where(type(row), database.vendor)
    news = [field.get_db_prep_save(getattr(row, field.attname), database) for field in fields]
    both = f"WITH changed AS ({statement} RETURNING 1) {into} SELECT {one} WHERE EXISTS (SELECT 1 FROM changed)"  # noqa: S608
    with database.cursor() as cursor:
        cursor.execute(both, [*values, *news])
        return bool(cursor.rowcount)


def _changing(change: Change) -> tuple[str, list[Any]]:
    statement, fields = _update(change.model, tuple(change.fields), tuple(change.where), database.vendor)
    wanted = zip(fields, (*change.fields.values(), *change.where.values()), strict=True)
    values = [field.get_db_prep_save(value, database) for field, value in wanted]
    return (f"{statement} AND {change.provided}" if change.provided else statement), [*values, *change.values]


def columns(model: type[Model], alias: str) -> str:
    """All columns of a model for a SELECT, in the order that `instance` takes them."""
    return ", ".join(f"{alias}.{_quoted(field)}" for field in model._meta.concrete_fields)


def instance(model: type[M], values: Iterator[Any]) -> M:
    """The model's instance from the next values of a row, which are its `columns`."""
    converters = _converters(model, database.vendor)
    converted = [value if convert is None else convert(value) for convert, value in zip(converters, values, strict=False)]
    return model.from_db(database.alias, _names(model), converted)


def read(model: type[Model], names: tuple[str, ...], rest: str, values: Sequence[Any]) -> Iterator[list[Any]]:
    """These fields of the rows that the rest of the statement ("WHERE ... ORDER BY ...") names, as lists of what the fields hold."""
    statement, converters = _select(model, names, database.vendor)
    with database.cursor() as cursor:
        cursor.execute(f"{statement} {rest}", values)
        for found in cursor.fetchall():
            row = list(found)
            for position, convert in converters:
                row[position] = convert(row[position])
            yield row


@lru_cache
def _select(model: type[Model], names: tuple[str, ...], vendor: str) -> tuple[str, tuple[tuple[int, Converter], ...]]:
    fields = [model._meta.get_field(name) for name in names]
    table = database.ops.quote_name(model._meta.db_table)
    converters = [(at, convert) for at, field in enumerate(fields) if (convert := _converter(cast("Field[Any, Any]", field))) is not None]
    return f"SELECT {', '.join(map(_quoted, fields))} FROM {table}", tuple(converters)  # noqa: S608 - our own columns


@lru_cache
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@lru_cache
def _insert(model: type[Model], vendor: str) -> tuple[str, tuple[Field[Any, Any], ...]]:
    """The beginning of an INSERT of everything but the primary key; per database, because both spell things their own way."""
    fields = tuple(field for field in model._meta.concrete_fields if not field.primary_key)
    table = database.ops.quote_name(model._meta.db_table)
    return f"INSERT INTO {table} ({', '.join(map(_quoted, fields))})", fields


@lru_cache
def _insert_where(model: type[Model], vendor: str) -> tuple[str, str, tuple[Field[Any, Any], ...]]:
    """The same for an INSERT from a SELECT, in which values do not take their types from the columns. Without lengths: a cast cuts off
    what is too long, the column refuses it.
    """
    into, fields = _insert(model, vendor)
    return into, ", ".join(f"CAST(%s AS {str(field.db_type(database)).partition('(')[0]})" for field in fields), fields


@lru_cache
def _update(model: type[Model], changed: tuple[str, ...], where: tuple[str, ...], vendor: str) -> tuple[str, tuple[Field[Any, Any], ...]]:
    named = {field.attname: field for field in model._meta.concrete_fields}
    news = ", ".join(f"{_quoted(named[name])} = %s" for name in changed)
    which = " AND ".join(f"{_quoted(named[name])} = %s" for name in where)
    table = database.ops.quote_name(model._meta.db_table)
    return f"UPDATE {table} SET {news} WHERE {which}", tuple(named[name] for name in (*changed, *where))  # noqa: S608 - our own names


@lru_cache
def _converters(model: type[Model], vendor: str) -> tuple[Converter | None, ...]:
    return tuple(_converter(field) for field in model._meta.concrete_fields)


def _converter(field: Field[Any, Any]) -> Converter | None:
    """From what the database hands out to what the field holds; None where they are the same."""
    column = field.get_col(field.model._meta.db_table)
    steps = [*database.ops.get_db_converters(column), *field.get_db_converters(database)]
    if not steps:
        return None

    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, database)
        return value

    return convert


def _quoted(field: Any) -> str:
    return database.ops.quote_name(field.column)
