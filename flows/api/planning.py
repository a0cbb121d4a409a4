"""A plan as the API tells it."""

from __future__ import annotations

from typing import Any

from flows.finding import source_id_of
from flows.models import Flow
from flows.preview import preview
from flows.recipes.proof import TieOut


def planned(flow: Flow, text: str) -> dict[str, Any]:
    """Plan the record with this number or id. Reads both sides, writes nothing. Raises SyncError when a side does not answer."""
    found = preview(flow, source_id_of(flow, text))
    changes = [{"verb": change.does, "object_type": change.object_type.value, "title": change.title} for change in found.plan.changes]
    proof = _proof(found.plan.tie_out) if found.plan.tie_out else None
    told = {"number": found.number, "sentence": found.sentence, "code": found.code}
    return {**told, "changes": changes, "notes": list(found.plan.said), "proof": proof}


def _proof(tie_out: TieOut) -> dict[str, Any]:
    names = {"total": "source_total", "refunded": "refunded", "invoiced": "invoiced", "captured": "captured", "paid": "paid"}
    return {"exact": tie_out.exact, **{name: str(getattr(tie_out, known)) for name, known in names.items()}}
