"""One broken connection, secret or handshake is told and held by itself; everybody else's work goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Alert, AuditRecord
from credentials.models import Connection, Secret
from flows import sweep
from flows.inbox import receive
from flows.leases import periodic
from flows.models import Backfill, Flow, InboundEvent, PeriodicLease, Subscription, SyncCursor
from flows.polling import poll_flow, start_backfill, walk_backfills
from flows.reconcile import reconcile_all
from flows.subscriptions import check_all, confirm_handshakes
from flows.watchdog import look
from tests.flows.conftest import Town, connect
from tests.flows.inbox_caller import Door, from_books, handshake, post

CONFIRMATIONS = "events/callbacks"


# ---- handshakes --------------------------------------------------------------------------------------------


def unverified(town: Town) -> Subscription:
    books = town.orders.destination
    return Subscription.objects.create(connection=books, topic="payment", remote_id="9", status="unverified", secret="x" * 20)


def confirming(town: Town, times: int = 6) -> int:
    """Sweep so often; how many confirmations reached the books."""
    town.books.sandbox.command("forget", {})
    for _ in range(times):
        confirm_handshakes()
    return sum(n for name, n in town.calls(town.books).items() if name.startswith("PUT") and CONFIRMATIONS in name)


def broken(town: Town, status: int) -> None:
    fault = {"kind": "status", "status": status, "path": CONFIRMATIONS, "times": -1}
    town.ask(town.books, "faults", faults=[fault])


def test_a_confirmation_that_fails_is_tried_again_a_minute_later(town: Town) -> None:
    row = unverified(town)
    broken(town, 404)
    began = timezone.now()
    assert confirming(town) == 1
    row.refresh_from_db()
    assert row.retry_at is not None
    assert timedelta(seconds=60) <= row.retry_at - began < timedelta(seconds=70)
    assert (str(row.secret), row.status) == ("x" * 20, "unverified")
    assert AuditRecord.objects.filter(action="confirm subscription", outcome="waiting").count() == 1
    Subscription.objects.update(retry_at=timezone.now())
    assert confirming(town) == 1


def test_a_refused_token_marks_the_connection_and_ends_the_confirmations(town: Town) -> None:
    unverified(town)
    broken(town, 401)
    confirming(town)
    town.orders.destination.refresh_from_db()
    assert town.orders.destination.status == "reauthorise"
    assert AuditRecord.objects.filter(action="confirm subscription").count() == 1
    Subscription.objects.update(retry_at=None)
    assert confirming(town) == 0


@pytest.mark.parametrize("status", ["paused", "reauthorise"])
def test_nothing_is_confirmed_for_a_connection_that_is_not_active(town: Town, status: str) -> None:
    unverified(town)
    Connection.objects.filter(pk=town.orders.destination_id).update(status=status)
    assert confirming(town) == 0
    assert not AuditRecord.objects.filter(action="confirm subscription").exists()


def test_a_secret_that_anybody_may_have_sent_signs_nothing(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.inbox.views.ring", lambda: None)
    monkeypatch.setattr(receive, "_complained", {})
    books = flow.destination
    Subscription.objects.create(connection=books, topic="client", status="wanted")
    Subscription.objects.create(connection=books, topic="payment", status="active", remote_id="5", secret="genuine-secret")
    door = Door(books, "genuine-secret")
    assert post(door.path, handshake("424242", "attacker")).status_code == 200
    assert str(Subscription.objects.get(topic="pending:424242").secret) == "attacker"
    receive._senders.clear()
    assert post(door.path, from_books("attacker", "payment.update", "1")).status_code == 401
    assert InboundEvent.objects.count() == 0
    assert post(door.path, door.good()).status_code == 200
    assert InboundEvent.objects.count() == 1


# ---- polling that does not work ----------------------------------------------------------------------------


def poll_alerts(town: Town) -> list[tuple[str, bool]]:
    return [(alert.message, alert.closed_at is None) for alert in Alert.objects.filter(cause=f"poll:{town.orders.pk}")]


def test_changes_that_cannot_be_listed_are_told_once_until_they_can(town: Town) -> None:
    town.ask(town.shop, "faults", faults=[{"kind": "status", "status": 404, "times": -1}])
    assert [poll_flow(town.orders.pk) for _ in range(3)] == [0, 0, 0]
    ((message, is_open),) = poll_alerts(town)
    assert is_open
    assert message.startswith(f"orders: changes at {town.orders.source.label} cannot be listed: ")
    assert SyncCursor.objects.get().polled_at is None
    town.ask(town.shop, "faults", faults=[])
    poll_flow(town.orders.pk)
    assert poll_alerts(town) == [(message, False)]


@pytest.mark.parametrize(("minutes", "told"), [(14, 0), (16, 1)])
def test_a_short_outage_needs_nobody(town: Town, minutes: int, told: int) -> None:
    now = timezone.now()
    SyncCursor.objects.create(flow=town.orders, watermark=now, polled_at=now - timedelta(minutes=minutes))
    town.ask(town.shop, "faults", faults=[{"kind": "html", "status": 503, "times": -1}])
    assert poll_flow(town.orders.pk) == 0
    assert len(poll_alerts(town)) == told


# ---- one secret that cannot be used ------------------------------------------------------------------------


@pytest.fixture
def neighbour(town: Town) -> Flow:
    """A flow that comes before the good one in every list, of a shop with a secret that was moved there from another row."""
    bad = connect(town.shop, "woocommerce", town.orders.organization)
    flow = Flow.objects.create(
        organization=town.orders.organization, label="a bad one", source=bad, destination=town.orders.destination, recipe="order_to_invoice"
    )
    stolen = Secret.objects.get(connection=town.orders.source, name="consumer_key").value
    Secret.objects.filter(connection=bad, name="consumer_key").update(value=stolen)
    return flow


def told() -> list[str]:
    return sorted(Alert.objects.filter(closed_at=None).values_list("cause", flat=True))


def test_it_stops_no_other_backfill(town: Town, neighbour: Flow) -> None:
    order, now = town.order(), timezone.now()
    start_backfill(neighbour, now - timedelta(days=1), now + timedelta(minutes=1))
    start_backfill(town.orders, now - timedelta(days=1), now + timedelta(minutes=1))
    assert walk_backfills() == 1
    assert {row.flow.label: row.finished_at is not None for row in Backfill.objects.all()} == {"a bad one": False, "orders": True}
    assert told() == [f"reauthorise:{neighbour.source_id}"]
    town.work()
    assert town.invoice(order)["paid"] == "20.23"


def test_it_stops_no_other_reconciliation(town: Town, neighbour: Flow) -> None:
    reconcile_all()
    assert list(AuditRecord.objects.filter(action="reconcile").values_list("flow_id", "outcome")) == [(town.orders.pk, "done")]
    assert told() == [f"reauthorise:{neighbour.source_id}", f"reconcile:{neighbour.pk}"]
    alert = Alert.objects.get(cause=f"reconcile:{neighbour.pk}")
    assert alert.message.startswith("a bad one could not be compared last night: ")


def test_it_stops_no_other_subscription(town: Town, neighbour: Flow) -> None:
    good = connect(town.shop, "woocommerce", town.orders.organization)  # after the bad one in whatever order
    Flow.objects.create(
        organization=good.organization, label="good", source=good, destination=town.orders.destination, recipe="order_to_invoice"
    )
    check_all()
    active = {(row.connection_id, row.status) for row in Subscription.objects.filter(connection__platform="woocommerce")}
    assert active == {(town.orders.source_id, "active"), (good.pk, "active")}
    assert told() == [f"reauthorise:{neighbour.source_id}"]


@pytest.mark.parametrize("side", ["source", "destination"])
def test_it_stops_no_other_job_and_is_told_once(town: Town, side: str) -> None:
    """A destination is looked at by jobs only: nobody else would ever tell."""
    second = connect(town.books, "freshbooks", town.orders.organization)
    flow = Flow.objects.create(
        organization=second.organization, label="second", source=town.orders.source, destination=second, recipe="order_to_invoice"
    )
    bad = second if side == "destination" else town.orders.source
    moved = Secret.objects.get(connection=town.orders.destination, name="access_token").value
    name = "access_token" if side == "destination" else "consumer_key"
    Secret.objects.filter(connection=bad, name=name).update(value=moved)
    order = town.order()
    job = town.run(flow, str(order["id"]))
    assert (job.state, job.reason_code, job.attempts) == ("waiting", "secret_unusable", 0)
    bad.refresh_from_db()
    assert bad.status == "reauthorise"
    assert told() == [f"reauthorise:{bad.pk}"]
    if side == "destination":
        assert town.book(order).state == "done"


# ---- periodic work that fails ------------------------------------------------------------------------------


def ran_at(name: str) -> object:
    return PeriodicLease.objects.get(name=name).ran_at


@pytest.mark.django_db
def test_work_that_raised_has_not_run_and_gives_its_lease_back() -> None:
    def work() -> None:
        with periodic("test", 60) as ours:
            assert ours
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert ran_at("test") is None
    with periodic("test", 60) as ours:
        assert ours
    assert ran_at("test") is not None


def test_the_watchdog_tells_of_a_sweep_that_never_gets_through(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sweep, "ring", lambda: None)
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "confirm_handshakes", fails)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                sweep.sweep()
    assert look() is False
    (alert,) = Alert.objects.filter(cause="sweep")
    assert (alert.organization_id, alert.closed_at) == (flow.organization_id, None)
    sweep.sweep()
    assert look() is True
    assert not Alert.objects.filter(cause="sweep", closed_at=None).exists()
