"""Brings one row to what the file says, and tells what that took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from config.provision.reading import ProvisionError, Table

Row = TypeVar("Row", bound=models.Model)
Verb = Literal["created", "changed", "left"]


@dataclass(frozen=True)
class Step:
    """What became of one entry of the file; details are names of what changed, never values."""

    verb: Verb
    what: str
    name: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.verb:>8}  {self.what} {self.name}" + (f" ({', '.join(self.details)})" if self.details else "")


def bring(model: type[Row], table: Table, keys: Mapping[str, Any], fields: Mapping[str, Any]) -> tuple[Row, Verb, tuple[str, ...]]:
    """Create the row with these keys, or set the fields that differ. Raises ProvisionError when the model refuses a value."""
    row = model._default_manager.filter(**keys).first()
    if row is None:
        row = model(**keys, **fields)
        _check(row, table)
        row.save(force_insert=True)
        return row, "created", ()
    differing = tuple(name for name, value in fields.items() if getattr(row, name) != value)
    if not differing:
        return row, "left", ()
    for name in differing:
        setattr(row, name, fields[name])
    _check(row, table)
    row.save(update_fields=differing)
    return row, "changed", differing


def _check(row: models.Model, table: Table) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        name, problems = next(iter(error.message_dict.items()))
        place = table.at(name) if name in table.values else table.path
        raise ProvisionError(f"{place}: {' '.join(problems)}") from error
