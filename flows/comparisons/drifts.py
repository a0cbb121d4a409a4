"""What differs in one record: asked of the same plan as a sync, said in kinds that people know."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import DatabaseError
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice
from connectors.kit.errors import SyncError
from flows.holding import is_held
from flows.models import ExternalLink
from flows.pipeline.workbench import Workbench, calling
from flows.preview import VANISHED, Preview, preview_whole
from flows.recipes.contract import Change
from flows.sides import UNKNOWN, Sides

logger = logging.getLogger(__name__)
BY_A_PERSON = ("double", "extra")  # no sync mends these
Said = tuple[str, str]  # one kind of difference, and it in words


@dataclass(frozen=True, slots=True)
class Drift:
    """All that differs in one record. kinds: of missing, double, amount, payment, status, fee, note, extra, attention, unreadable.

    age_days: since the source last changed.
    """

    kinds: tuple[str, ...]
    source_id: str
    number: str
    sentence: str
    age_days: int | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One record looked at: how it differs, if it does, and what both sides come to."""

    drift: Drift | None
    sides: Sides


def compare(bench: Workbench, source_id: str, looked: set[str]) -> Compared | None:
    """What differs; None for what was looked at already, itself or the whole that it is part of. What a person chose to leave alone
    differs in nothing.
    """
    try:
        found = preview_whole(bench, source_id, looked)
        if found is None:
            return None
        source_id, seen = found
        if is_held(bench.flow, source_id):
            return Compared(None, UNKNOWN)
        posted = _posted(bench, source_id)
        said = _strongest(_planned(seen, posted)) + _doubles(bench, posted)
    except SyncError as problem:
        return Compared(Drift(("unreadable",), source_id, source_id, problem.message), UNKNOWN)
    except DatabaseError:
        raise  # the comparison is taken up again
    except Exception as problem:  # one record shows it; the others, other flows and the mail go on
        logger.exception("comparing %s failed on a defect", source_id)
        defect = f"Tillbridge itself failed on this ({type(problem).__name__}: {problem}). Please report it."
        return Compared(Drift(("unreadable",), source_id, source_id, defect), UNKNOWN)
    return Compared(_together(source_id, seen, said) if said else None, _sides(seen, posted))


def _together(source_id: str, seen: Preview, said: list[Said]) -> Drift:
    """A refund changes the amount and what is paid: one record, one line, one repair."""
    sentence = " ".join(text if text.endswith((".", "!", "?")) else f"{text};" for _, text in said).rstrip(";")
    age = None if seen.changed_at is None else max(0, (timezone.now() - seen.changed_at).days)
    return Drift(tuple(dict.fromkeys(kind for kind, _ in said)), source_id, seen.number, sentence, age)


_KINDS = {
    ("create", ObjectType.INVOICE): "missing",
    ("update", ObjectType.INVOICE): "amount",
    ("act", ObjectType.INVOICE): "status",
    ("create", ObjectType.PAYMENT): "payment",
    ("adopt", ObjectType.PAYMENT): "payment",
    ("update", ObjectType.PAYMENT): "payment",
    ("act", ObjectType.PAYMENT): "payment",
    ("create", ObjectType.CREDIT): "amount",
    ("create", ObjectType.EXPENSE): "fee",
    ("create", ObjectType.INVOICE_NOTE): "note",
    ("update", ObjectType.ORDER): "status",
    ("act", ObjectType.ORDER): "status",
}


def _kind(change: Change) -> str:
    """ "" for what calls nobody."""
    if change.verb == "remember":
        return ""
    return _KINDS.get((change.verb, change.object_type), "missing" if change.verb == "create" else "amount")


def _left_out(seen: Preview) -> bool:
    """Whether nothing of it should be in the books."""
    return (seen.sentence.startswith("Nothing to do: ") and bool(seen.code)) or seen.code == VANISHED


def _planned(seen: Preview, posted: Invoice | bool | None) -> list[Said]:
    """What a sync would change, what would stop it, and what stands although it should not."""
    said = [(_kind(change), change.title) for change in seen.plan.changes if _kind(change)]
    if seen.sentence.startswith("Stopped") and seen.code != VANISHED:
        said.append(("attention", seen.sentence))
    if _left_out(seen) and posted:
        said.append(("extra", f"It is in the books, though: {seen.sentence}"))
    return said


def _strongest(said: list[Said]) -> list[Said]:
    """A missing invoice also lacks its payments: one line says it."""
    missing = [one for one in said if one[0] == "missing"]
    return missing[-1:] or said


def _posted(bench: Workbench, source_id: str) -> Invoice | bool | None:
    """The invoice that stands for it; True where one does that cannot be read, None where none does."""
    link = ExternalLink.objects.filter(
        destination=bench.flow.destination,
        scope=bench.scope,
        object_type=ObjectType.INVOICE.value,
        key=source_id,
        state=ExternalLink.State.CONFIRMED,
        void=False,
    ).first()
    writes = bench.destination.connector.writes.get(ObjectType.INVOICE)
    if link is None:
        return None
    if writes is None or writes.get is None:
        return True
    with calling(bench.destination) as api:
        ours = writes.get(api, link.remote_id)
    return ours if isinstance(ours, Invoice) else True


def _doubles(bench: Workbench, posted: Invoice | bool | None) -> list[Said]:
    """More than one invoice that carries this order's marker."""
    if not isinstance(posted, Invoice):
        return []
    writes = bench.destination.connector.writes[ObjectType.INVOICE]
    with calling(bench.destination) as api:
        twins = [found for found in writes.find(api, posted) if found.id != posted.id and writes.owns(found, posted)]
    return [("double", f"{len(twins) + 1} invoices carry this number.")] if twins else []


def _sides(seen: Preview, posted: Invoice | bool | None) -> Sides:
    """What is left out counts only where something stands for it all the same."""
    invoice = posted if isinstance(posted, Invoice) else None
    if not _left_out(seen):
        return seen.sides.shown(invoice)
    return UNKNOWN if invoice is None else UNKNOWN.shown(invoice).owed_nothing()
