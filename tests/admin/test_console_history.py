"""Events, jobs, records, links, subscriptions, alerts: shown safely, replayed by hand, every act with a name."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import Alert, AuditRecord
from connectors.kit.errors import Transient
from flows.bulk.passing_on import pass_on
from flows.models import Flow, SyncJob
from tests import factories as make
from tests.admin.console_world import World, address


@pytest.fixture(autouse=True)
def _quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.replay.ring", lambda: None)
    monkeypatch.setattr("flows.bulk.passing_on.ring", lambda: None)


def test_a_body_is_text(world: World) -> None:
    event = world.rows["inboundevent"]
    page = world.client("support").get(address(event, "change", event.pk)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize("body", [b"\xff\xfe not json", b"[" * 100_000, b""])
def test_any_body_can_be_looked_at(world: World, body: bytes) -> None:
    event = world.rows["inboundevent"]
    type(event).objects.filter(pk=event.pk).update(body=body)
    assert world.client("support").get(address(event, "change", event.pk)).status_code == 200


def test_replaying_an_event(world: World) -> None:
    event = world.rows["inboundevent"]
    page = world.client("support").post(address(event, "press", event.pk, "replay"), follow=True).content.decode()
    assert "1 job(s) queued." in page
    job = SyncJob.objects.get(state="waiting")
    assert (job.source_id, job.event_id, job.asked_by, job.force) == ("727", event.pk, "support", True)
    assert AuditRecord.objects.get(action="replay event").actor == "support"


def test_retrying_a_job(world: World) -> None:
    job, client = world.rows["syncjob"], world.client("support")
    client.post(address(job, "press", job.pk, "replay"))  # a stopped job is retried, not replayed
    assert not SyncJob.objects.filter(state="waiting").exists()
    client.post(address(job, "press", job.pk, "retry"))
    assert SyncJob.objects.get(state="waiting").asked_by == "support"
    assert AuditRecord.objects.filter(action="replay job", actor="support").count() == 1


def test_settling_a_job_by_hand(world: World) -> None:
    job, client = world.rows["syncjob"], world.client("support")
    page = client.post(address(job, "press", job.pk, "settle"), follow=True).content.decode()
    assert "is taken off the list" in page
    job.refresh_from_db()
    assert job.state == "superseded"
    assert AuditRecord.objects.get(action="settle job").actor == "support"


def test_syncing_a_record_now(world: World) -> None:
    record = world.rows["syncrecord"]
    world.client("support").post(address(record, "press", record.pk, "sync"))
    job = SyncJob.objects.get(state="waiting")
    assert (job.source_id, job.priority, job.asked_by) == ("727", 0, "support")
    assert AuditRecord.objects.get(action="sync now").actor == "support"


@pytest.mark.parametrize("term", ["1001", "#1001", "727", "job"])
def test_jobs_are_found_by_number_and_id(world: World, term: str) -> None:
    job = world.rows["syncjob"]
    other = make.JobFactory(flow=world.rows["flow"], source_id="999")
    found = world.client("support").get(address(job, "changelist"), {"q": str(job.pk) if term == "job" else term})
    assert list(found.context["cl"].result_list) == [job]
    assert other.pk != job.pk
    assert "1001" in found.content.decode()


@pytest.mark.parametrize(
    ("query", "count"),
    [({"state": "attention"}, 1), ({"state__exact": "done"}, 1), ({"reason_code": "sku_unmapped"}, 1), ({"trigger": "poll"}, 0)],
)
def test_filters_of_jobs(world: World, query: dict[str, str], count: int) -> None:
    make.JobFactory(flow=world.rows["flow"], source_id="999")
    query = {"state__exact": query["state"]} if "state" in query else query
    found = world.client("support").get(address(SyncJob, "changelist"), query)
    assert len(found.context["cl"].result_list) == count


def test_the_timeline_of_a_job(world: World) -> None:
    job, organization = world.rows["syncjob"], world.rows["organization"]
    call = {"method": "POST", "url": "https://books.example/invoices", "status": 200, "ms": 41, "sent": '{"a": "<i>"}', "received": "ok"}
    make.audit_record(organization, job_id=job.pk, action="create invoice", target_id="90001", evidence={"calls": [call, "cut"]})
    make.audit_record(organization, job_id=job.pk, action="sync order", evidence={"redacted": "by request"})
    page = world.client("support").get(address(job, "change", job.pk))
    titles = [step.title for step in page.context["timeline"]]
    assert titles[0] == f"{job.flow.source} told us of a change: order.updated"
    assert titles[1] == "Queued because of a webhook"
    assert titles[-2:] == ["Create invoice 90001", "Sync order"]
    text = page.content.decode()
    for part in ("POST https://books.example/invoices", "200, 41 ms", "{&quot;a&quot;: &quot;&lt;i&gt;&quot;}", "order 1001", "12.50"):
        assert part in text
    assert "invoice 727" in text


def test_a_record_tells_of_all_its_jobs_and_what_cures_it(world: World) -> None:
    job, record, organization = world.rows["syncjob"], world.rows["syncrecord"], world.rows["organization"]
    later = make.JobFactory(flow=job.flow, source_id="727", state="attention", subject="sku:MUG-XL", asked_by="support")
    make.audit_record(organization, job_id=job.pk, action="create client", message="Client made.")
    make.audit_record(organization, job_id=later.pk, action="sync order", message="No item is mapped.")
    make.audit_record(organization, job_id=make.JobFactory(flow=job.flow, source_id="999").pk, message="Of another order.")
    page = world.client("bookkeeper").get(address(record, "change", record.pk))
    titles = [step.title for step in page.context["timeline"]]
    assert sorted(title for title in titles if "Queued" in title) == ["Queued because of a webhook", "Queued by support"]
    text = page.content.decode()
    for part in ("Client made.", "No item is mapped.", "Map MUG-XL", "invoice 727", "12.50 CAD"):
        assert part in text
    assert "Of another order." not in text
    assert "Map MUG-XL" not in world.client("support").get(address(record, "change", record.pk)).content.decode()


def test_evidence_is_for_those_who_may_read_the_audit(world: World) -> None:
    job, organization = world.rows["syncjob"], world.rows["organization"]
    make.audit_record(organization, job_id=job.pk, message="Invoice made.", evidence={"calls": [{"method": "GET", "url": "https://x"}]})
    page = world.client("bookkeeper").get(address(job, "change", job.pk)).content.decode()
    assert "Invoice made." in page
    assert "https://x" not in page
    assert "/admin/audit/auditrecord/" not in page


def test_links_lead_to_both_sides(world: World) -> None:
    link, flow = world.rows["externallink"], world.rows["flow"]
    assert isinstance(flow, Flow)
    page = world.client("support").get(address(link, "changelist")).content.decode()
    assert f'href="{flow.source.base_url}/wp-admin/post.php?post=727&amp;action=edit"' in page
    assert 'href="https://my.freshbooks.com/#/invoice/qX7rT-' in page


def test_an_address_that_is_no_web_address_is_no_link(world: World) -> None:
    flow = world.rows["flow"]
    assert isinstance(flow, Flow)
    type(flow.source).objects.filter(pk=flow.source_id).update(base_url="javascript:alert(1)")
    page = world.client("support").get(address(world.rows["externallink"], "changelist")).content.decode()
    assert 'href="javascript' not in page


def test_reenabling_a_subscription(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[Any, str]] = []
    monkeypatch.setattr("flows.admin.subscription.reenable", lambda row, person: called.append((row.pk, person)))
    row = world.rows["subscription"]
    page = world.client("support").post(address(row, "press", row.pk, "reenable"), follow=True).content.decode()
    assert called == [(row.pk, "support")]
    assert "is on again" in page
    assert "subscription-secret-canary" not in page


def test_a_refusal_of_the_platform_is_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_row: Any, _person: str) -> None:
        raise Transient("The shop does not answer.")

    monkeypatch.setattr("flows.admin.subscription.reenable", fail)
    row = world.rows["subscription"]
    page = world.client("support").post(address(row, "press", row.pk, "reenable"), follow=True).content.decode()
    assert "The shop does not answer." in page


def test_closing_an_alert(world: World) -> None:
    alert = world.rows["alert"]
    world.client("support").post(address(alert, "press", alert.pk, "close"))
    assert Alert.objects.get(pk=alert.pk).closed_at is not None
    record = AuditRecord.objects.get(action="close")
    assert (record.actor, record.organization_id) == ("support", world.rows["organization"].pk)
    assert Alert.objects.get(pk=world.theirs["alert"].pk).closed_at is None


def test_replaying_many_from_the_list(world: World) -> None:
    flow = world.rows["flow"]
    jobs = [make.JobFactory(flow=flow, source_id=str(800 + n)) for n in range(3)]
    picked = [job.pk for job in jobs] + [world.rows["syncjob"].pk]
    posted = {"action": "replay", "index": "0", "_selected_action": picked}
    client, url = world.client("support"), address(SyncJob, "changelist")
    assert "Replay 4 jobs" in client.post(url, posted).content.decode()
    assert not SyncJob.objects.filter(state="waiting").exists()
    client.post(url, {**posted, "sure": "yes"})
    pass_on()
    assert set(SyncJob.objects.filter(state="waiting").values_list("source_id", flat=True)) == {"727", "800", "801", "802"}
