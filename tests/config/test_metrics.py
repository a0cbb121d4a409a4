"""/metrics: guarded, cheap, and the same whichever process counted."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from connectors.kit.http import Exchange
from counting import tally
from counting.models import Count
from counting.tally import count, flush, observe
from credentials.services import open_api
from flows.jobs.finish import Ending
from flows.jobs.measuring import measure_end
from flows.models import Flow, SyncJob
from tests import factories as make

TOKEN = "a-token-of-tests"


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> None:
    tally.forget()
    settings.METRICS_TOKEN = TOKEN


def scrape(token: str = TOKEN) -> dict[str, float]:
    """Each sample by its name and labels, as Prometheus would read it."""
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {f"{s.name}{{{','.join(f'{k}={v}' for k, v in sorted(s.labels.items()))}}}": s.value for f in families for s in f.samples}


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xe9"])
def test_without_the_token_there_is_nothing(given: str) -> None:
    answer = Client().get("/metrics", headers={"Authorization": given} if given else {})
    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.django_db
def test_without_a_token_in_the_settings_there_is_no_page(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    for given in ("Bearer ", "Bearer x", ""):
        assert Client().get("/metrics", headers={"Authorization": given}).status_code == 404


@pytest.mark.django_db
def test_how_things_stand() -> None:
    now = timezone.now()
    flow = make.FlowFactory(label='Orders "of" Acme')
    make.JobFactory(flow=flow, state="waiting", not_before=now - timedelta(seconds=90))
    make.JobFactory(flow=flow, state="waiting", not_before=now + timedelta(days=1))
    for _ in range(2):
        make.JobFactory(flow=flow, state="dead")
    make.JobFactory(flow=flow, state="attention")
    make.EventFactory(connection=flow.source, state="received", received_at=now - timedelta(seconds=30))
    make.AlertFactory(organization_id=flow.organization_id, severity="warning")
    make.audit_record(flow.organization, at=now - timedelta(seconds=20))
    found = scrape()
    assert found[f"tillbridge_jobs_due{{flow={flow.pk}}}"] == 1
    assert 89 < found[f"tillbridge_jobs_due_age_seconds{{flow={flow.pk}}}"] < 100
    assert found[f"tillbridge_jobs_stopped{{flow={flow.pk},state=dead}}"] == 2
    assert found[f"tillbridge_jobs_stopped{{flow={flow.pk},state=attention}}"] == 1
    assert found["tillbridge_inbox_waiting{}"] == 1
    assert 29 < found["tillbridge_inbox_waiting_age_seconds{}"] < 40
    assert found[f"tillbridge_alerts_open{{organization={flow.organization_id},severity=warning}}"] == 1
    assert found["tillbridge_audit_unsealed{}"] == 1
    assert 19 < found["tillbridge_audit_unsealed_age_seconds{}"] < 30
    assert found["tillbridge_sweep_age_seconds{}"] == -1
    names = [name for name in found if name.startswith("tillbridge_flow_enabled")]
    assert ['label=Orders "of" Acme' in name for name in names] == [True]


@pytest.mark.django_db
def test_jobs_and_their_latency() -> None:
    job = make.JobFactory(created_at=timezone.now() - timedelta(seconds=3))
    measure_end(job, Ending(SyncJob.State.WAITING))
    measure_end(job, Ending(SyncJob.State.DONE))
    found, flow = scrape(), job.flow_id
    assert found[f"tillbridge_jobs_ended_total{{flow={flow},state=done}}"] == 1
    assert found[f"tillbridge_jobs_put_off_total{{flow={flow}}}"] == 1
    assert found[f"tillbridge_job_seconds_bucket{{flow={flow},le=2.0}}"] == 0
    assert found[f"tillbridge_job_seconds_bucket{{flow={flow},le=5.0}}"] == 1
    assert found[f"tillbridge_job_seconds_bucket{{flow={flow},le=+Inf}}"] == 1
    assert found[f"tillbridge_job_seconds_count{{flow={flow}}}"] == 1
    assert 3 <= found[f"tillbridge_job_seconds_sum{{flow={flow}}}"] < 5


@pytest.mark.django_db
def test_calls_and_throttles(flow: Flow) -> None:
    heard: list[Exchange] = []
    api = open_api(flow.source, record=heard.append)
    for status in (200, 200, 429, 503, 0):
        api.plumbing.record(Exchange("GET", "https://x", status, 250, b"", b"", timezone.now()))
    found, key = scrape(), flow.source.key
    assert len(heard) == 5
    assert found[f"tillbridge_calls_total{{answer=2xx,connection={key}}}"] == 2
    assert found[f"tillbridge_calls_total{{answer=failed,connection={key}}}"] == 1
    assert found[f"tillbridge_throttles_total{{by=platform,connection={key}}}"] == 1
    assert found[f"tillbridge_call_seconds_total{{connection={key}}}"] == 1.25


@pytest.fixture
def flow(db: None) -> Flow:
    made = make.FlowFactory()
    from credentials.vault import set_secrets

    set_secrets(made.source, {"consumer_key": "ck_x", "consumer_secret": "cs_x"})
    return made


@pytest.mark.django_db(transaction=True)
def test_totals_of_several_processes_add_up() -> None:
    """Threads stand for processes: each adds to the same rows, in its own transactions."""

    def add() -> None:
        for n in range(5):
            count("calls", str(n % 2), "2xx")
            observe("ack_seconds", "woocommerce", seconds=0.02)
            flush()
        connection.close()

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flush()
    found = scrape()
    assert found["tillbridge_calls_total{answer=2xx,connection=0}"] + found["tillbridge_calls_total{answer=2xx,connection=1}"] == 30
    assert found["tillbridge_ack_seconds_count{platform=woocommerce}"] == 30


@pytest.mark.django_db
def test_what_cannot_be_stored_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    Count.objects.all().delete()  # what a thread of another test stored meanwhile
    count("calls", "a", "2xx", by=2)
    with monkeypatch.context() as patch:

        def fail(_totals: object) -> None:
            raise OperationalError

        patch.setattr(tally, "_store", fail)
        assert flush() == 0
    assert not Count.objects.exists()
    count("calls", "a", "2xx")
    assert flush() == 1
    assert Count.objects.get().value == 3


@pytest.mark.django_db
def test_as_many_queries_however_much_there_is() -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            scrape()
        return [entry["sql"] for entry in captured.captured_queries]

    make.JobFactory()
    few = queries()
    for _ in range(20):
        make.JobFactory(state="dead")
    many = queries()
    assert len(few) == len(many) < 25
    assert not [sql for sql in many if re.search(r'FROM "(audit_auditrecord|flows_syncjob|flows_inboundevent)"(?! .*WHERE)', sql)]
