"""No page makes a query per row, and none counts a whole big table."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from audit.console import paging
from audit.models import Alert, AuditRecord, AuditSeal
from credentials.models import Connection, Organization
from flows.models import (
    AlertDelivery,
    AlertTarget,
    Backfill,
    BulkRun,
    Comparison,
    ExternalLink,
    FieldMapping,
    Flow,
    InboundEvent,
    ItemMapping,
    Subscription,
    SyncCursor,
    SyncJob,
    SyncRecord,
    ValueMapping,
)
from flows.schedules import schedule_poll
from tests import factories as make
from tests.admin.console_world import address

Made = Callable[[Organization], Any]

LISTS: dict[type[Model], Made] = {
    Connection: lambda o: make.ShopFactory(organization=o),
    Flow: lambda o: make.FlowFactory(organization=o),
    InboundEvent: lambda o: make.EventFactory(connection__organization=o),
    SyncJob: lambda o: make.JobFactory(flow__organization=o, state="attention", reason_code="sku_unmapped"),
    SyncRecord: lambda o: make.RecordFactory(flow__organization=o),
    ExternalLink: lambda o: make.LinkFactory(flow__organization=o),
    ItemMapping: lambda o: make.ItemMappingFactory(flow__organization=o),
    ValueMapping: lambda o: make.ValueMappingFactory(flow__organization=o),
    FieldMapping: lambda o: make.FieldMappingFactory(flow__organization=o),
    SyncCursor: lambda o: make.CursorFactory(flow__organization=o),
    Backfill: lambda o: make.BackfillFactory(flow__organization=o),
    Comparison: lambda o: make.ComparisonFactory(flow__organization=o),
    Subscription: lambda o: make.SubscriptionFactory(connection__organization=o),
    Alert: lambda o: make.AlertFactory(organization_id=o.pk),
    AuditRecord: lambda o: make.audit_record(o),
    AlertTarget: lambda o: make.AlertTargetFactory(organization=o),
    AlertDelivery: lambda o: make.AlertDeliveryFactory(target__organization=o),
    BulkRun: lambda o: BulkRun.objects.create(organization=o, kind="replay", about="all", asked_by="sue", total=1),
}


def a_seal() -> AuditSeal:
    names = {name: secrets.token_hex(32) for name in ("previous", "digest", "chain")}
    return AuditSeal.objects.create(**names, first_record=1, last_record=2, count=2, sealed_at=timezone.now())


# Lists of the whole installation, which only superusers see.
SHARED_LISTS: dict[type[Model], Made] = {
    Organization: lambda _o: make.OrganizationFactory(),
    AuditSeal: lambda _o: a_seal(),
    User: lambda o: make.person(secrets.token_hex(8), o, roles=("owner",)),
    PeriodicTask: lambda _o: schedule_poll(make.FlowFactory()),
}


def queries(client: Client, url: str, query: dict[str, str] | None = None) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = client.get(url, query or {})
    assert answer.status_code == 200
    return [entry["sql"] for entry in captured.captured_queries]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("who", "model"),
    [(who, model) for who in ("owner", "root") for model in LISTS] + [("root", model) for model in SHARED_LISTS],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_as_many_queries_for_fifty_rows_as_for_five(model: type[Model], who: str) -> None:
    organization = make.OrganizationFactory()
    user = make.person("owner", organization, roles=("owner",)) if who == "owner" else make.person("root", is_superuser=True)
    client = Client()
    client.force_login(user)
    url, add = address(model, "changelist"), {**LISTS, **SHARED_LISTS}[model]
    for _ in range(5):
        add(organization)
    queries(client, url)  # content types are remembered from here on
    few = queries(client, url)
    for _ in range(45):
        add(organization)
    many = queries(client, url)
    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= 30
    counts = [sql for sql in many if re.search(r"COUNT\(", sql)]
    assert counts
    assert all(f"LIMIT {paging.AT_MOST + 1}" in sql for sql in counts), counts


@pytest.mark.django_db
@pytest.mark.parametrize("model", [SyncJob, InboundEvent, AuditRecord, ExternalLink, SyncRecord])
def test_a_search_neither_counts_everything(model: type[Model]) -> None:
    organization = make.OrganizationFactory()
    client = Client()
    client.force_login(make.person("owner", organization, roles=("owner",)))
    LISTS[model](organization)
    found = queries(client, address(model, "changelist"), {"q": "727"})
    assert all("LIMIT" in sql for sql in found if "COUNT(" in sql)


@pytest.mark.django_db
def test_the_page_of_a_job_asks_as_much_for_thirty_steps_as_for_three() -> None:
    organization = make.OrganizationFactory()
    job = make.JobFactory(flow__organization=organization, source_id="727")
    client = Client()
    client.force_login(make.person("support", organization, roles=("support",)))
    url = address(SyncJob, "change", job.pk)

    def add(number: int) -> None:
        for n in range(number):
            make.audit_record(organization, job_id=job.pk, evidence={"calls": [{"method": "GET", "url": "https://x", "status": 200}]})
            make.LinkFactory(flow=job.flow, object_type="payment", key=f"727:{ExternalLink.objects.count()}{n}")

    add(3)
    queries(client, url)
    few = queries(client, url)
    add(27)
    many = queries(client, url)
    assert len(few) == len(many) <= 30


@pytest.mark.django_db
def test_a_big_table_is_counted_up_to_a_bound_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "AT_MOST", 3)
    organization = make.OrganizationFactory()
    for _ in range(5):
        make.AlertFactory(organization_id=organization.pk)
    client = Client()
    client.force_login(make.person("owner", organization, roles=("owner",)))
    page = client.get(address(Alert, "changelist")).content.decode()
    assert "more than 3 alerts" in page


@pytest.mark.django_db
def test_lists_leave_bodies_and_evidence_in_the_database() -> None:
    organization = make.OrganizationFactory()
    client = Client()
    client.force_login(make.person("support", organization, roles=("support",)))
    for model, column in ((InboundEvent, '"body"'), (AuditRecord, '"evidence"')):
        LISTS[model](organization)
        rows = [sql for sql in queries(client, address(model, "changelist")) if f'FROM "{model._meta.db_table}"' in sql]
        assert rows
        assert not any(column in sql for sql in rows)
