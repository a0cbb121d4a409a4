"""Webhooks and schedules in the console: one page per organization, every act asked for, done by those who may, written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from audit.models import AuditRecord
from connectors.kit.errors import Transient
from flows.admin import listening
from flows.models import Backfill, Flow, PollDay, SyncJob
from tests import factories as make
from tests.admin.console_world import PEOPLE, World, address
from tests.admin.test_console_pages import assert_clean
from tests.admin.test_console_queries import queries
from tests.factories import NOON

SURE = {"sure": "yes"}


@pytest.fixture(autouse=True)
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What the broker and the platform were asked for."""
    found: list[tuple[str, Any]] = []
    monkeypatch.setattr("flows.asking._send", lambda task, *arguments: found.append((task, arguments)) or True)
    for name in ("reenable", "recreate"):
        _, *words = listening_acts()[name]
        monkeypatch.setitem(listening_acts(), name, (lambda row, person, name=name: found.append((name, (row.pk, person))), *words))
    return found


def listening_acts() -> dict[str, Any]:
    return listening._ACTS  # type: ignore[return-value]


def page_of(world: World, rows: str = "rows") -> str:
    return reverse("admin:flows_subscription_listening", args=[getattr(world, rows)["organization"].pk])


def acts(world: World, rows: str = "rows") -> dict[str, tuple[str, set[str]]]:
    """Each address that does something, and who may."""
    here = getattr(world, rows)
    own = lambda name, row: reverse(f"admin:flows_subscription_{name}", args=[here[row].pk])  # noqa: E731
    return {
        "reenable": (own("listening_reenable", "subscription"), {"support", "owner"}),
        "recreate": (own("listening_recreate", "subscription"), {"support", "owner"}),
        "gap": (own("gap", "connection"), {"bookkeeper", "owner"}),
        "poll": (own("poll", "flow"), {"bookkeeper", "owner"}),
        "rhythm": (own("rhythm", "flow"), {"owner"}),
        "cancel": (address(Backfill, "cancel", here["backfill"].pk), {"bookkeeper", "owner"}),
    }


# ---- what is seen ------------------------------------------------------------------------------------------


def test_the_page_tells_webhooks_polls_and_gaps_in_words(world: World) -> None:
    hook, flow = world.rows["subscription"], world.rows["flow"]
    assert isinstance(flow, Flow)
    type(hook)._default_manager.filter(pk=hook.pk).update(disabled_at=NOON, delivered_at=NOON - timedelta(hours=1))
    for hours in (1, 30):
        make.EventFactory(connection=flow.source, topic=hook.topic, received_at=timezone.now() - timedelta(hours=hours))
    PollDay.objects.create(flow=flow, day=timezone.now().date(), found=9, unheard=4)
    page = " ".join(world.client("owner").get(page_of(world)).content.decode().split())
    for text in ("The platform switched it off since 2026-11-02 12:00 UTC after failed deliveries. Nothing is delivered.",
                 "What changed since 2026-11-02 10:50 UTC may not have been told of.", "2026-11-02 11:00",
                 '<td class="number" data-of="In 24 hours">1</td><td class="number" data-of="In 7 days">2</td>', "every 5 minutes",
                 "4 of 9 found in 7 days", "Fill the gap now",
                 "Re-enable", "Recreate", "Run now"):  # fmt: skip
        assert text in page, text
    assert str(world.theirs["connection"]) not in page


def test_nothing_inline(world: World) -> None:
    client = world.client("owner")
    for url in (page_of(world), address(Backfill, "change", world.rows["backfill"].pk), acts(world)["recreate"][0], acts(world)["gap"][0]):
        assert_clean(client, url)


def test_home_and_connections_lead_to_it(world: World) -> None:
    client, connection = world.client("support"), world.rows["connection"]
    assert reverse("admin:flows_subscription_everything") in client.get(reverse("admin:index")).content.decode()
    assert page_of(world) in client.get(address(connection, "change", connection.pk)).content.decode()
    assert client.get(reverse("admin:flows_subscription_everything")).url == page_of(world)


def test_who_only_reads_sees_no_button(world: World) -> None:
    reader, client = make.person("reader", world.rows["organization"]), Client()
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_subscription", "view_backfill", "view_flow"]))
    client.force_login(reader)
    page = client.get(page_of(world)).content.decode()
    assert "every 5 minutes" in page
    inside = page.partition('id="content"')[2]
    for _, (url, _people) in acts(world).items():
        assert url not in inside
        assert client.post(url, SURE).status_code == 403
    progress = client.get(address(Backfill, "change", world.rows["backfill"].pk)).content.decode()
    assert acts(world)["cancel"][0] not in progress
    assert not AuditRecord.objects.filter(actor="reader").exists()


def test_as_many_queries_for_twenty_of_each_as_for_one(world: World) -> None:
    client, organization = world.client("owner"), world.rows["organization"]
    queries(client, page_of(world))
    few = queries(client, page_of(world))
    for _ in range(20):
        flow = make.FlowFactory(organization=organization)
        make.SubscriptionFactory(connection=flow.source)
        make.CursorFactory(flow=flow)
        make.BackfillFactory(flow=flow)
        PollDay.objects.create(flow=flow, day=timezone.now().date(), found=1)
    many = queries(client, page_of(world))
    assert len(few) == len(many) <= 30, "\n".join(many)


# ---- who may do what ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", PEOPLE)
def test_every_act_is_for_those_who_may_in_their_own_organization(world: World, person: str, called: list[Any]) -> None:
    client = world.client(person)
    assert client.get(page_of(world)).status_code == {"anonymous": 302, "stranger": 404, "neighbour": 404}.get(person, 200)
    before = (Backfill.objects.count(), AuditRecord.objects.count())
    for name, (url, people) in acts(world).items():
        asked = client.post(url, {})
        allowed = person in people or person == "root"
        if not allowed:
            status = {"anonymous": 302, "stranger": 404, "neighbour": 404}.get(person, 403)
            assert (asked.status_code, client.post(url, SURE).status_code) == (status, status), (name, person)
        elif name not in ("poll", "rhythm"):
            assert asked.status_code == 200, name
            assert 'name="sure"' in asked.content.decode()
    if person not in ("root", "neighbour"):
        for name, (url, _) in acts(world, "theirs").items():
            assert client.post(url, SURE).status_code == (302 if person == "anonymous" else 404), name
    if person in ("anonymous", "stranger", "neighbour"):
        assert (called, Backfill.objects.count(), AuditRecord.objects.count()) == ([], *before)
    assert not [name for name, _ in called if name in ("reenable", "recreate")]


# ---- what is done ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reenable", "recreate"])
def test_a_webhook_is_mended_after_a_question(world: World, name: str, called: list[Any]) -> None:
    client, (url, _) = world.client("support"), acts(world)[name]
    question = client.get(url).content.decode()
    assert "is then read again." in question
    assert called == []
    answer = client.post(url, SURE)
    assert answer.url == page_of(world)
    assert called == [(name, (world.rows["subscription"].pk, "support"))]


def test_a_platform_that_refuses_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> None:
        raise Transient("The shop does not answer.")

    monkeypatch.setitem(listening_acts(), "recreate", (fail, "Register it anew", "It is."))
    page = world.client("support").post(acts(world)["recreate"][0], SURE, follow=True).content.decode()
    assert "The shop does not answer." in page
    record = AuditRecord.objects.get(action="recreate subscription")
    assert (record.actor, record.outcome) == ("support", "failed")


def test_the_gap_is_read_and_its_progress_shown(world: World) -> None:
    hook = world.rows["subscription"]
    type(hook)._default_manager.filter(pk=hook.pk).update(delivered_at=NOON)
    client, (url, _) = world.client("bookkeeper"), acts(world)["gap"]
    assert "since 2026-11-02 11:50 UTC" in client.get(url).content.decode()
    answer = client.post(url, SURE)
    made = Backfill.objects.get(asked_by="bookkeeper")
    assert answer.url == address(Backfill, "change", made.pk)
    assert made.since == NOON - timedelta(minutes=10)
    assert AuditRecord.objects.get(action="fill webhook gap").actor == "bookkeeper"
    page = client.get(answer.url).content.decode()
    assert "reading the list" in page
    assert 'id="live" data-live' in page


def test_a_poll_is_run_now(world: World, called: list[Any]) -> None:
    client, (url, _), flow = world.client("bookkeeper"), acts(world)["poll"], world.rows["flow"]
    assert client.get(url).status_code == 405
    assert "looks for changes now" in client.post(url, follow=True).content.decode()
    assert called == [("poll", (flow.pk,))]
    Flow.objects.update(enabled=False)
    assert "is switched off." in client.post(url, follow=True).content.decode()
    assert len(called) == 1
    assert set(AuditRecord.objects.filter(action="look for changes now").values_list("actor", "outcome")) == {
        ("bookkeeper", "done"),
        ("bookkeeper", "failed"),
    }


@pytest.mark.parametrize(
    ("posted", "seconds", "words"),
    [
        ({"number": "2", "unit": "60"}, 120, "every 2 minutes"),
        ({"number": "1", "unit": "3600"}, 3600, "every hour"),
        ({"number": "", "unit": "0"}, 0, "never"),
    ],
)
def test_how_often_a_flow_looks(world: World, posted: dict[str, str], seconds: int, words: str) -> None:
    client, (url, _), flow = world.client("owner"), acts(world)["rhythm"], world.rows["flow"]
    page = client.post(url, posted, follow=True).content.decode()
    assert f"looks for changes {words} from now on (before: every 5 minutes)." in page
    assert Flow.objects.get(pk=flow.pk).poll_seconds == seconds
    entries = PeriodicTask.objects.filter(name=f"poll flow {flow.pk}")
    assert [entry.interval.every for entry in entries] == ([seconds] if seconds else [])
    assert AuditRecord.objects.get(action="change poll schedule").actor == "owner"


@pytest.mark.parametrize(
    "posted", [{"number": "5", "unit": "1"}, {"number": "2", "unit": "x"}, {"unit": "60"}, {"number": "25", "unit": "3600"}]
)
def test_a_rhythm_that_cannot_be_is_refused(world: World, posted: dict[str, str]) -> None:
    client, (url, _), flow = world.client("owner"), acts(world)["rhythm"], world.rows["flow"]
    client.post(url, posted)
    assert Flow.objects.get(pk=flow.pk).poll_seconds == 300
    assert not AuditRecord.objects.filter(action="change poll schedule").exists()


def test_a_backfill_is_watched_and_cancelled(world: World) -> None:
    backfill, client = world.rows["backfill"], world.client("bookkeeper")
    Backfill.objects.filter(pk=backfill.pk).update(found=4, finished_at=timezone.now())
    flow = world.rows["flow"]
    for source_id, state in (("1", "done"), ("2", "nothing"), ("3", "attention"), ("4", "waiting")):
        make.JobFactory(flow=flow, source_id=source_id, state=state, backfill=backfill, event=None, trigger="backfill", priority=3)
    url = address(Backfill, "change", backfill.pk)
    page = client.get(url).content.decode()
    assert "3 of 4 looked at" in page
    assert 'value="3"' in page
    page = client.post(acts(world)["cancel"][0], SURE, follow=True).content.decode()
    assert "cancelled</span> by bookkeeper" in page
    assert "Left out, because they waited for it alone: 1." in page
    assert SyncJob.objects.get(source_id="4").state == "superseded"
    assert AuditRecord.objects.get(action="cancel backfill").actor == "bookkeeper"
    assert "It was over already." in client.post(acts(world)["cancel"][0], SURE, follow=True).content.decode()
