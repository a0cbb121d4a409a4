"""Re-encrypts everything under the newest key, in batches, and counts rows per key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.db import transaction
from django.db.models import BinaryField, ExpressionWrapper, F, Model

from credentials.fields import Ciphertext, EncryptedTextField, fernets

BATCH = 200


@dataclass(frozen=True, slots=True)
class Rotated:
    """One encrypted column. per_key[n] rows were under entry n of FERNET_KEYS; unreadable ones are under none and were left alone."""

    column: str
    per_key: tuple[int, ...]
    rotated: int
    unreadable: int


def rotate(*, write: bool = True) -> Iterator[Rotated]:
    """Column by column. Stop it wherever you like and start again: rows under the newest key are passed over.

    With write off it only counts.
    """
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield _rotate_column(model, field.attname, write)


def _rotate_column(model: type[Model], name: str, write: bool) -> Rotated:
    keys, found, rotated, last = fernets(), Counter[int](), 0, 0
    while batch := _batch(model, name, last, keys, write):
        found.update(position for _, position in batch)
        rotated += sum(position > 0 for _, position in batch) if write else 0
        last = batch[-1][0]
    return Rotated(f"{model._meta.label}.{name}", tuple(found[n] for n in range(len(keys))), rotated, found[-1])


@transaction.atomic
def _batch(model: type[Model], name: str, last: int, keys: tuple[Fernet, ...], write: bool) -> list[tuple[int, int]]:
    """(primary key, position of the encryption key) of the next rows, locked so that a newer secret is never overwritten."""
    rows = model._default_manager.filter(pk__gt=last, **{f"{name}__isnull": False}).order_by("pk")
    raw = rows.annotate(_token=ExpressionWrapper(F(name), output_field=BinaryField())).values_list("pk", "_token")
    done = []
    for pk, stored in raw.select_for_update()[:BATCH] if write else raw[:BATCH]:
        token = bytes(stored)
        position = _position(keys, token)
        if write and position > 0:
            model._default_manager.filter(pk=pk).update(**{name: Ciphertext(MultiFernet(keys).rotate(token))})
        done.append((pk, position))
    return done


def _position(keys: tuple[Fernet, ...], token: bytes) -> int:
    """Which key opens it; -1 when none does."""
    for position, key in enumerate(keys):
        try:
            key.decrypt(token)
        except InvalidToken:
            continue
        return position
    return -1
