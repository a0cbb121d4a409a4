"""Whether what was found at the destination belongs to another record or another shop: several may write into the same books."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.kit.errors import Busy
from flows.models import ExternalLink
from flows.pipeline.workbench import Workbench
from flows.recipes.contract import Change

State = ExternalLink.State


def linked_elsewhere(bench: Workbench, change: Change, ids: Sequence[str]) -> frozenset[str]:
    """Which of these objects belong to another record: two shops with one numbering may write into the same books.

    What all sources share (clients, items) belongs to everybody.
    """
    if change.shared or not ids:
        return frozenset()
    theirs = ExternalLink.objects.filter(
        destination=bench.flow.destination, object_type=change.object_type.value, remote_id__in=ids, state=State.CONFIRMED
    )
    others = theirs.exclude(scope="").exclude(scope=bench.scope, key=change.key)
    return frozenset(others.values_list("remote_id", flat=True))


def refuse_doubtful_elsewhere(bench: Workbench, change: Change) -> None:
    """Raise Busy while another shop has an effect of this kind in doubt in the same books: what we found may be its work."""
    if change.shared:
        return
    theirs = ExternalLink.objects.filter(destination=bench.flow.destination, object_type=change.object_type.value, state=State.INTENDED)
    oldest = theirs.exclude(scope=bench.scope).select_related("source").order_by("intended_at").first()
    if oldest is not None:
        raise Busy(
            f"What was found may be the work of {oldest.source or 'another flow'}: whether its {oldest.object_type} {oldest.key} was "
            "created is still in doubt. Looking again when that is settled.",
            retry_after=5.0,
            code="other_in_doubt",
            since=oldest.intended_at,
        )
