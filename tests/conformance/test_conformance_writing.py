"""Writing to a platform's own sandbox: found once written, adopted after a lost answer, never doubled."""

import pytest
from conformance_world import sample

from connectors.kit.errors import SyncError, Transient, Unclear


def kinds(world):
    return list(world.connector.writes.items())


def changing(fault):
    """The fault for every method that changes something."""
    return [{**fault, "method": method, "times": -1} for method in ("POST", "PUT", "PATCH")]


def test_nothing_is_found_before_it_is_written_and_one_thing_after(world):
    for kind, writes in kinds(world):
        wanted = sample(world, kind)
        assert writes.find(world.api, wanted) == (), kind
        made = writes.create(world.api, wanted)
        found = writes.find(world.api, wanted)
        assert len(found) == 1, kind
        assert type(found[0]) is type(wanted)
        if hasattr(made, "id"):
            assert made.id
            assert found[0].id == made.id
        assert writes.owns(found[0], wanted), kind


def test_what_was_written_can_be_got(world):
    for kind, writes in kinds(world):
        if writes.get is None:
            continue
        made = writes.create(world.api, sample(world, kind))
        key = getattr(made, "id", "") or made.order_id
        again = writes.get(world.api, key)
        assert (getattr(again, "id", "") or again.order_id) == key


def test_a_write_that_never_arrived_is_not_there(world):
    for kind, writes in kinds(world):
        wanted = sample(world, kind)
        world.faults(*changing({"kind": "drop_before"}))
        with pytest.raises((Unclear, Transient)):
            writes.create(world.api, wanted)
        world.faults()
        assert writes.find(world.api, wanted) == (), kind


@pytest.mark.parametrize("fault", [{"kind": "drop_after"}], ids=["answer-lost"])
def test_a_write_whose_answer_is_lost_is_in_doubt_and_found_once(world, fault):
    for kind, writes in kinds(world):
        wanted = sample(world, kind)
        world.faults(*changing(fault))
        with pytest.raises((Unclear, Transient)) as caught:
            writes.create(world.api, wanted)
        world.faults()
        assert len(writes.find(world.api, wanted)) == 1, kind
        if isinstance(caught.value, Transient):
            # Then it may simply be written again, and that must not double it.
            writes.create(world.api, wanted)
            assert len(writes.find(world.api, wanted)) == 1, kind


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_leaves_a_write_in_doubt(world, status):
    for kind, writes in kinds(world):
        wanted = sample(world, kind)
        world.faults(*changing({"kind": "html", "status": status}))
        with pytest.raises((Unclear, Transient)):
            writes.create(world.api, wanted)
        world.faults()
        assert writes.find(world.api, wanted) == (), kind


def test_a_fault_while_searching_never_looks_like_nothing_found(world):
    for kind, writes in kinds(world):
        wanted = sample(world, kind)
        writes.create(world.api, wanted)
        for fault in ({"kind": "status", "status": 500}, {"kind": "html", "status": 200}, {"kind": "status", "status": 401}):
            world.faults({**fault, "times": -1})
            with pytest.raises(SyncError):
                writes.find(world.api, wanted)
            world.faults()
