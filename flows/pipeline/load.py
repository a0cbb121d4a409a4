"""The only code that writes to another system: intent before effect, search before create, adopt instead of twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Writes
from connectors.kit.errors import Conflict, NeedsAttention, RateLimited, Refused, SyncError, Transient, Unauthorised, Unclear
from connectors.kit.http import Api, Effect
from flows.crash_points import point
from flows.jobs.claim import LeaseLost
from flows.pipeline import confirmations, elsewhere, intents
from flows.pipeline.record import Step, record_step
from flows.pipeline.refusals import for_a_person
from flows.pipeline.view import Sight
from flows.pipeline.workbench import Workbench, calling
from flows.recipes.contract import Change

CERTAINLY_NOT = (Refused, NeedsAttention, RateLimited, Unauthorised, Conflict)  # answers that say that nothing was changed


def load(bench: Workbench, sight: Sight, change: Change) -> bool:
    """Make one change. Afterwards the link is confirmed, the audit written and the answer remembered in the sight.

    True when the rest of the plan must be thought over: something of this very record existed already and was adopted.
    """
    adopted = False
    step = Step(bench, change)
    try:
        if change.verb == "create":
            adopted = _create(bench, sight, change, step)
        elif change.verb == "adopt":
            adopted = _adopt(bench, sight, change, step)
            intents.wake_the_way_back(bench)
        elif change.verb == "update":
            _update(bench, sight, change, step)
        elif change.verb == "remember":
            record_step(step, confirmation=confirmations.remember(bench, change))
        else:
            _act(bench, sight, change, step)
    except SyncError as raised:
        problem = for_a_person(bench.flow.destination.label, change, raised)
        _learn(bench, change, problem)
        record_step(step, problem=problem)
        if _client_was_deleted(bench, change, problem):
            raise Transient(f"{problem.message} The client is restored first.", code="client_deleted") from raised
        if problem is raised:
            raise
        raise problem from raised
    sight.forget_links(change.object_type)
    return adopted and not change.shared


def _writes(bench: Workbench, object_type: ObjectType) -> Writes[Any]:
    return bench.destination.connector.writes[object_type]


def settle_time(bench: Workbench, writes: Writes[Any]) -> timedelta:
    """The longest time until a created object is findable: the connection's own setting, else the connector's."""
    seconds = bench.flow.destination.settings.get("settle_seconds")
    return timedelta(seconds=float(seconds)) if seconds not in (None, "") else writes.settle


# ---- create ------------------------------------------------------------------------------------------------


def _create(bench: Workbench, sight: Sight, change: Change, step: Step) -> bool:
    """Whether it was adopted, or confirmed by another job meanwhile."""
    writes = _writes(bench, change.object_type)
    value = _filled(bench, change)
    point("before_intent")
    intent = intents.intend(bench, change, settle_time(bench, writes))
    if intent is None:
        return True  # confirmed by another job in the meantime: the next plan sees it
    point("after_intent")
    found = _searched(bench, writes, change, value, intent) if change.find_first or intent.in_doubt else None
    if found is None:
        found, adopted = _created(bench, writes, change, value, intent)
    else:
        adopted = True
    point("before_confirm")
    remote_id = _confirmed(step, intent, found, adopted=adopted)
    point("after_confirm")
    if intent.in_doubt:
        intents.wake_the_way_back(bench)
    sight.remember(change.object_type, remote_id, found, adopted=adopted)
    return adopted


def _adopt(bench: Workbench, sight: Sight, change: Change, step: Step) -> bool:
    """Settle a doubt without creating anything: what carries our marker is ours from now on, else nothing was done then."""
    writes = _writes(bench, change.object_type)
    intent = intents.intend(bench, change, settle_time(bench, writes))
    if intent is None:
        return True
    found = _searched(bench, writes, change, change.value, intent)
    if found is None:
        record_step(step, confirmation=confirmations.disown(bench, intent.link))
        return True
    sight.remember(change.object_type, _confirmed(step, intent, found, adopted=True), found, adopted=True)
    return True


def _confirmed(step: Step, intent: intents.Intent, found: Any, *, adopted: bool) -> str:
    """What was created or found is ours from now on; its id there."""
    bench, change, remote_id = step.bench, step.change, remote_id_of(found)
    confirmation = confirmations.confirm(bench, intent.link, change, remote_id, fingerprint_of(found), adopted)
    record_step(step, adopted=adopted, remote_id=remote_id, answered=found, confirmation=confirmation)
    bench.confirmed[change.object_type, change.key] = remote_id
    return remote_id


def _created(bench: Workbench, writes: Writes[Any], change: Change, value: Any, intent: intents.Intent) -> tuple[Any, bool]:
    """Create it, or adopt what turns out to exist. Leaves the link in doubt when the answer is unclear."""
    link = intent.link
    try:
        with calling(bench.destination) as api:
            point("before_call")
            created = writes.create(_creating(bench, api, intent), value)
            point("after_call")
            return created, False
    except Conflict:
        found = _searched(bench, writes, change, value, intent)
        if found is None:
            intents.withdraw(link)
            raise NeedsAttention(
                f"{bench.flow.destination.label} says that this exists already, but it cannot be found there: {change.title}. "
                "Perhaps something deleted still holds the number. Look for it there by hand, or set another prefix in the flow's "
                "options, then retry.",
                code="conflict_unfound",
            ) from None
        return found, True
    except Unclear:
        intents.doubt(link, settle_time(bench, writes))
        raise
    except SyncError:
        intents.withdraw(link)  # answered: nothing was created
        raise


def _creating(bench: Workbench, api: Api, intent: intents.Intent) -> Api:
    """The API with the intent behind the create: it is asked before each call that changes something, ahead of the fence."""
    fence = api.plumbing.before_call

    def before_call(effect: Effect) -> Callable[[], None] | None:
        if effect is not Effect.READ:
            intents.begin_create(intent)
        return fence(effect)

    return replace(api, operation=intents.operation(bench, intent), plumbing=replace(api.plumbing, before_call=before_call))


def _searched(bench: Workbench, writes: Writes[Any], change: Change, value: Any, intent: intents.Intent) -> Any | None:
    """Search before the create; when that fails, nothing was created and a fresh intent is void again."""
    try:
        found = _found(bench, writes, change, value)
        if found is not None and not intent.in_doubt:
            elsewhere.refuse_doubtful_elsewhere(bench, change)
        return found
    except SyncError:
        if not intent.in_doubt:
            intents.withdraw(intent.link)
        raise


def _found(bench: Workbench, writes: Writes[Any], change: Change, value: Any) -> Any | None:
    """What carries our marker already. Somebody else's object is never adopted; several are a person's decision."""
    with calling(bench.destination) as api:
        candidates = writes.find(api, value)
    taken = elsewhere.linked_elsewhere(bench, change, [found.id for found in candidates if getattr(found, "id", "")])
    ours = [found for found in candidates if writes.owns(found, value) and getattr(found, "id", "") not in taken]
    if candidates and not ours:
        raise NeedsAttention(
            f"{change.title}: something with the same number exists in {bench.flow.destination.label} and belongs to something else. "
            "Change its number there or set another prefix in the flow's options, then retry.",
            code="number_taken",
        )
    if len(ours) > 1 and change.several == "attention":
        raise NeedsAttention(
            f"{change.title}: {len(ours)} matches exist in {bench.flow.destination.label}. Merge or delete the wrong ones there, "
            "then retry.",
            code="several_found",
        )
    return ours[0] if ours else None


def _filled(bench: Workbench, change: Change) -> Any:
    """The value with the ids that other links know by now."""
    ids = {name: intents.remote_id(bench, object_type, key) for name, (object_type, key) in change.fill}
    return replace(change.value, **ids) if ids else change.value


def _target(bench: Workbench, change: Change) -> str:
    """What an update or action goes to; an earlier change of the same plan may have created it."""
    return change.target_id or intents.remote_id(bench, change.object_type, change.key)


# ---- update and act ----------------------------------------------------------------------------------------


def _update(bench: Workbench, sight: Sight, change: Change, step: Step) -> None:
    writes = _writes(bench, change.object_type)
    if writes.update is None:
        raise NeedsAttention(f"{bench.flow.destination.label} cannot change a {change.object_type.value}.", code="no_update")
    value, target = _filled(bench, change), _target(bench, change)
    before = intents.begin_rewrite(bench, change)
    try:
        with calling(bench.destination) as api:
            point("before_update")
            answered = writes.update(api, target, value)
            point("after_update")
    except SyncError as problem:
        if isinstance(problem, CERTAINLY_NOT) or problem.code == "not_reached":
            intents.not_rewritten(bench, change, before)
        raise
    _answered(step, target, answered, confirmations.rewritten(bench, change, fingerprint_of(answered)))
    sight.remember(change.object_type, target, answered)


def _answered(step: Step, target: str, answered: object, confirmation: confirmations.Confirmation) -> None:
    """Keep the answer to a write, or say that it came too late."""
    try:
        record_step(step, remote_id=target, answered=answered, confirmation=confirmation)
    except LeaseLost:
        intents.overtaken(step.bench, step.change)
        raise


def _act(bench: Workbench, sight: Sight, change: Change, step: Step) -> None:
    action = _writes(bench, change.object_type).actions.get(change.action)
    if action is None:
        raise NeedsAttention(
            f"{bench.flow.destination.label} cannot {change.action.replace('_', ' ')} a {change.object_type.value}.", code="no_action"
        )
    target = _target(bench, change)
    with calling(bench.destination) as api:
        point("before_act")
        answered = action(api, target)
        point("after_act")
    _answered(step, target, answered, confirmations.acted(bench, change, fingerprint_of(answered)))
    sight.remember(change.object_type, target, answered)


# ---- small things ------------------------------------------------------------------------------------------


def remote_id_of(value: Any) -> str:
    """What the destination calls it; a status or note on an order goes by the order."""
    return str(getattr(value, "id", "") or getattr(value, "order_id", ""))


def fingerprint_of(value: Any) -> str:
    return str(getattr(value, "fingerprint", ""))


def _client_was_deleted(bench: Workbench, change: Change, problem: SyncError) -> bool:
    """Nothing is written for a client that a person deleted. Its link is void from now on, so that the next plan restores it."""
    if not isinstance(problem, Refused) or problem.code != "reference_missing":
        return False
    if change.object_type is ObjectType.CUSTOMER and change.verb == "update":
        return intents.void_client(bench, change.target_id)
    return intents.void_client(bench, getattr(change.value, "customer_id", ""))


def _learn(bench: Workbench, change: Change, problem: SyncError) -> None:
    """A refused negative line is remembered for the connection: it is not tried again."""
    lines = getattr(change.value, "lines", ())
    if isinstance(problem, Refused) and any(line.unit_price.amount < 0 for line in lines):
        connection = bench.flow.destination
        connection.learned = {**connection.learned, "negative_lines": "refused"}
        connection.save(update_fields=["learned"])
