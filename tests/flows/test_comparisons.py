"""Comparisons as rows: what they keep, how they go on after a crash, how a refund's drift is repaired, and whom they are mailed to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from audit.models import AuditRecord
from connectors.kit.errors import Transient
from flows import asking
from flows import reconcile as comparing
from flows.comparisons import mailing, runs
from flows.comparisons.repairing import repair
from flows.comparisons.results import in_words, shown, sums_of
from flows.models import Comparison, ComparisonMail, SyncJob
from flows.reconcile import reconcile, reconcile_all
from flows.upkeep import prune_old
from tests.flows.conftest import Town


def compared(town: Town) -> Comparison:
    now = timezone.now() + timedelta(minutes=1)
    with town.untouched(town.shop, town.books):
        reconcile(town.orders, now - timedelta(days=1), now, asked_by="kim")
    return Comparison.objects.latest("pk")


def sides(comparison: Comparison) -> list[tuple[str, str, str, str, str]]:
    return [
        (one.row.kinds, one.sold, one.invoiced, one.captured, one.paid) for one in shown(comparison, list(comparison.differences.all()))
    ]


# ---- what is kept ------------------------------------------------------------------------------------------


def test_both_sides_of_each_difference_and_the_sums_of_all_are_kept(town: Town) -> None:
    town.book(town.order())
    town.order()
    drifted = town.order()
    town.book(drifted)
    town.change(drifted, shipping_lines=[{"method_title": "Courier", "total": "10.00"}])
    town.order(status="on-hold", set_paid=False)  # nothing of it should be in the books
    made = compared(town)
    assert (made.listed, made.compared, made.kinds) == (4, 4, {"missing": 1, "amount": 1})
    assert made.differing == 2
    assert sorted(sides(made)) == [
        ("amount", "31.53 CAD", "20.23 CAD", "31.53 CAD", "20.23 CAD"),
        ("missing", "20.23 CAD", "0.00 CAD", "20.23 CAD", "0.00 CAD"),
    ]
    (sums,) = sums_of(made)
    assert (sums.records, str(sums.sold), str(sums.invoiced), str(sums.difference)) == (3, "71.99 CAD", "40.46 CAD", "-31.53 CAD")
    assert (str(sums.captured), str(sums.paid), sums.exact) == ("71.99 CAD", "40.46 CAD", False)


def test_a_refund_that_no_webhook_told_of_is_repaired_and_shown_exact(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.refund(order, amount="5.00")
    made = compared(town)
    assert (made.differing, made.kinds) == (1, {"amount": 1, "payment": 1})
    assert in_words(made) == "1 compared, 1 differs: 1 amount differs, 1 payment differs."
    row = made.differences.get()
    assert (set(row.each_kind), row.number) == ({"amount", "payment"}, order["number"])
    assert repair(made, made.differences.all(), "kim") == 1
    assert [one.state for one in shown(made, list(made.differences.all()))] == ["queued"]
    town.work()
    assert {(one.state, one.sold, one.invoiced, one.paid) for one in shown(made, list(made.differences.all()))} == {
        ("exact", "15.23 CAD", "15.23 CAD", "15.23 CAD")
    }
    assert compared(town).kinds == {}
    assert AuditRecord.objects.get(action="repair differences").actor == "kim"
    assert SyncJob.objects.latest("pk").asked_by == "kim"


def test_a_draft_that_should_be_sent_is_a_difference_of_status(town: Town) -> None:
    order = town.order(set_paid=False, status="processing", payment_method="cod")
    town.book(order)
    table = town.books.sandbox.state.main.tables["invoices"]
    row = table.rows[town.invoice(order)["id"]]
    table.save(row["id"], {**row, "_base": 1})
    assert compared(town).kinds == {"status": 1}


# ---- how they are held -------------------------------------------------------------------------------------


def test_one_worker_at_a_time_and_another_after_a_crash(town: Town) -> None:
    town.order()
    now = timezone.now()
    made = runs.ask(town.orders, now - timedelta(days=1), now + timedelta(minutes=1), asked_by="kim")
    assert runs.take(made)
    runs.note(made, runs.Tally())
    assert runs.unfinished() == []
    assert not runs.take(Comparison.objects.get(pk=made.pk))
    Comparison.objects.update(held_until=now - timedelta(seconds=1))
    asking.walk_comparisons()
    with pytest.raises(runs.Stopped):
        runs.note(made, runs.Tally())  # the first worker wakes up again
    made.refresh_from_db()
    assert (made.compared, made.kinds, made.tries, made.differences.count()) == (1, {"missing": 1}, 2, 1)
    assert made.finished_at is not None


def test_what_kills_its_worker_is_given_up(town: Town) -> None:
    made = runs.ask(town.orders, timezone.now(), timezone.now(), asked_by="kim")
    Comparison.objects.update(tries=runs.TRIES)
    asking.walk_comparisons()
    made.refresh_from_db()
    assert in_words(made) == f"It could not be finished: {runs.GIVEN_UP}"


def test_a_person_stops_it_while_it_runs(town: Town) -> None:
    for _ in range(3):
        town.order()
    now = timezone.now()
    made = runs.ask(town.orders, now - timedelta(days=1), now + timedelta(minutes=1), asked_by="kim")
    assert comparing.run_comparison(made, lambda _done: runs.stop(made, "lee") and None) is None
    made.refresh_from_db()
    assert in_words(made) == "Stopped by lee after 0 of 3."
    assert not AuditRecord.objects.filter(action="reconcile").exists()


def test_old_ones_go_with_the_audit(town: Town) -> None:
    for days in (30, 10):
        made = runs.ask(town.orders, timezone.now(), timezone.now(), asked_by="kim")
        Comparison.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=days))
    prune_old(7, 20)
    assert [one.pk for one in Comparison.objects.all()] == [made.pk]


# ---- by mail -----------------------------------------------------------------------------------------------

MONDAY = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The mailing's own clock; the comparisons themselves keep the real one."""

    class Clock:
        now = staticmethod(timezone.now)

        def at(self, moment: datetime) -> None:
            monkeypatch.setattr(mailing.timezone, "now", lambda: moment)

    return Clock()


def subjects() -> list[str]:
    return [message.subject for message in mail.outbox]


def test_the_summary_of_a_day_is_mailed_once(town: Town, clock: Any, settings: Any) -> None:
    settings.PUBLIC_URL = "https://books.example.com"
    town.order()
    clock.at(MONDAY)
    mailing.choose(town.orders.organization_id, "day")
    mailing.mail_comparisons()
    assert subjects() == []  # from the next day on
    clock.at(MONDAY.replace(day=24, hour=3))
    mailing.mail_comparisons()
    assert subjects() == []  # the night's comparison comes first
    clock.at(MONDAY.replace(day=24))
    reconcile_all()
    night = Comparison.objects.get()
    wish = ComparisonMail.objects.select_related("organization").get()
    for _ in range(2):
        mailing.mail_comparisons()
    mailing._mail_once(wish, "2026-11-24", ["books@acme.test"], [night], mail.get_connection())  # a second beat, a moment late
    (message,) = mail.outbox
    assert (message.subject, message.to) == ("Tillbridge: Acme, reconciliation 2026-11-24: 1 record differs.", ["books@acme.test"])
    assert "CAD: should be 20.23 CAD, in the books 0.00 CAD, difference -20.23 CAD" in message.body
    assert f"https://books.example.com/admin/flows/comparison/{night.pk}/change/" in message.body
    assert Comparison.objects.count() == 1
    record = AuditRecord.objects.get(action="mail reconciliation")
    assert (record.outcome, record.organization_id) == ("done", town.orders.organization_id)


def test_a_week_is_mailed_on_its_monday_and_made_where_the_night_brought_none(town: Town, clock: Any) -> None:
    clock.at(MONDAY - timedelta(days=3))
    mailing.choose(town.orders.organization_id, "week")
    for day in (-2, -1):
        clock.at(MONDAY + timedelta(days=day))
        mailing.mail_comparisons()
    assert (subjects(), Comparison.objects.count()) == ([], 0)
    for day in (0, 1, 6):
        clock.at(MONDAY + timedelta(days=day))
        mailing.mail_comparisons()
    assert subjects() == ["Tillbridge: Acme, reconciliation 2026-W48: everything agrees."]
    assert Comparison.objects.get().asked_by == "reconcile"


def test_a_mail_server_that_is_away_loses_nothing(town: Town, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.at(MONDAY)
    mailing.choose(town.orders.organization_id, "day")
    clock.at(MONDAY + timedelta(days=1))
    backend = "django.core.mail.backends.locmem.EmailBackend.open"

    def refuse(_self: Any) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(backend, refuse)
        mailing.mail_comparisons()
    assert subjects() == []
    mailing.mail_comparisons()
    assert len(subjects()) == 1


def test_a_comparison_that_failed_is_told_in_the_summary(town: Town, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> None:
        raise Transient("The shop does not answer.")

    monkeypatch.setattr(comparing, "open_workbench", fail)
    clock.at(MONDAY)
    mailing.choose(town.orders.organization_id, "day")
    clock.at(MONDAY + timedelta(days=1))
    mailing.mail_comparisons()
    assert subjects() == ["Tillbridge: Acme, reconciliation 2026-11-24: 1 of 1 could not be compared."]
    assert "The shop does not answer." in mail.outbox[0].body


def test_nobody_is_mailed_who_did_not_ask(town: Town, clock: Any) -> None:
    clock.at(MONDAY)
    mailing.mail_comparisons()
    mailing.choose(town.orders.organization_id, "never")
    clock.at(MONDAY + timedelta(days=8))
    mailing.mail_comparisons()
    assert (subjects(), Comparison.objects.count()) == ([], 0)
