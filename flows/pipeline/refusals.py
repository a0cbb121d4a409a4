"""Refusals of a write that no retry helps with, in words for the person who has to settle them."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.errors import Conflict, NeedsAttention, Refused, SyncError
from flows.recipes.contract import Change

VAGUE = "conflict"  # such an answer may also mean that somebody is at work on the object just now


def for_a_person(there: str, change: Change, problem: SyncError) -> SyncError:
    """The problem, or what a person has to do about it. there: what the destination is called."""
    return _taken_off(change, _taken_by_another(there, change, problem))


def _taken_by_another(there: str, change: Change, problem: SyncError) -> SyncError:
    """What stands already cannot take a number or an address that something else holds: no retry helps, a person has to choose."""
    if not isinstance(problem, Conflict) or problem.code == VAGUE:
        return problem
    prefix = ", or set another prefix in the flow's options" if change.object_type is ObjectType.INVOICE else ""
    return NeedsAttention(
        f"{change.title}: not done. {problem.message} Look in {there} for what holds it and change or delete that{prefix}, then retry.",
        code=problem.code,
    )


def _taken_off(change: Change, problem: SyncError) -> SyncError:
    """A payment that was taken off, and that has no room to come back over what it was before it is lowered."""
    deleted = isinstance(problem, Refused) and problem.code == "reference_missing"
    if not deleted or change.object_type is not ObjectType.PAYMENT or change.verb != "update":
        return problem
    return NeedsAttention(
        f"{change.title}: not done, it was taken off before and cannot come back over less by itself. Record {change.value.amount} on its "
        "invoice by hand, then retry.",
        code="payment_voided",
    )
