"""Two organizations with a row of everything, the people who come to the console, and what each of them may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from audit.models import AuditSeal
from credentials.models import Organization
from credentials.vault import set_secrets
from flows.models import BulkRun, PrivacyCase
from flows.schedules import schedule_poll
from tests import factories as make

PEOPLE = ("anonymous", "stranger", "viewer", "bookkeeper", "support", "owner", "neighbour", "root")
CANARY = "cs_canary0123456789canary0123456789"
EVERYBODY = {"viewer", "bookkeeper", "support", "owner", "root"}
WRITERS = EVERYBODY - {"viewer"}

SEES = {
    "organization": EVERYBODY, "connection": EVERYBODY, "flow": EVERYBODY, "itemmapping": EVERYBODY, "valuemapping": EVERYBODY,
    "fieldmapping": EVERYBODY, "inboundevent": EVERYBODY, "syncjob": EVERYBODY, "syncrecord": EVERYBODY, "externallink": EVERYBODY,
    "synccursor": EVERYBODY, "backfill": EVERYBODY, "subscription": EVERYBODY, "alert": EVERYBODY,
    "bulkrun": EVERYBODY,
    "auditrecord": {"viewer", "support", "owner", "root"}, "auditseal": {"viewer", "support", "owner", "root"},
    "privacycase": {"viewer", "support", "owner", "root"}, "comparison": EVERYBODY,
    "alerttarget": {"viewer", "support", "owner", "root"}, "alertdelivery": {"viewer", "support", "owner", "root"},
    "membership": {"viewer", "owner", "root"}, "invitation": {"viewer", "owner", "root"}, "apitoken": {"owner", "root"},
    "user": {"root"}, "group": {"root"}, "periodictask": {"root"}, "intervalschedule": {"root"},
}  # fmt: skip
ADDS: dict[str, set[str]] = {
    "itemmapping": {"bookkeeper", "owner", "root"}, "valuemapping": {"bookkeeper", "owner", "root"},
    "fieldmapping": {"bookkeeper", "owner", "root"}, "flow": {"owner", "root"}, "connection": {"owner", "root"},
    "comparison": {"bookkeeper", "owner", "root"},
    "alerttarget": {"owner", "root"},
    "invitation": {"owner", "root"}, "organization": {"root"}, "user": {"root"}, "group": {"root"},
    "periodictask": {"root"}, "intervalschedule": {"root"},
}  # fmt: skip
CHANGES: dict[str, set[str]] = {
    **ADDS, "organization": {"owner", "root"}, "comparison": set(), "membership": {"owner", "root"},
}  # fmt: skip
PRESSES = {
    ("connection", "test"): {"owner", "root"}, ("connection", "pause"): {"owner", "root"}, ("connection", "resume"): {"owner", "root"},
    ("connection", "webhooks"): {"support", "owner", "root"},
    ("flow", "enable"): {"owner", "root"}, ("flow", "disable"): {"owner", "root"}, ("flow", "poll"): {"bookkeeper", "owner", "root"},
    ("inboundevent", "replay"): {"support", "owner", "root"}, ("syncjob", "retry"): {"support", "owner", "root"},
    ("syncjob", "settle"): {"support", "owner", "root"},
    ("syncjob", "replay"): {"support", "owner", "root"}, ("syncrecord", "sync"): {"support", "owner", "root"},
    ("syncrecord", "retry"): {"support", "owner", "root"}, ("syncrecord", "replay"): {"support", "owner", "root"},
    ("syncrecord", "void-on"): {"support", "owner", "root"}, ("syncjob", "void-on"): {"support", "owner", "root"},
    ("bulkrun", "cancel"): WRITERS, ("syncrecord", "skip"): WRITERS, ("syncrecord", "go-on"): WRITERS,
    ("subscription", "reenable"): {"support", "owner", "root"}, ("alert", "close"): {"support", "owner", "root"},
    ("privacycase", "carry-out"): {"owner", "root"},
    ("alerttarget", "test"): {"owner", "root"}, ("alerttarget", "resend"): {"owner", "root"},
    ("membership", "remove-factor"): {"owner", "root"}, ("membership", "end-sessions"): {"owner", "root"},
    ("apitoken", "revoke"): {"owner", "root"},
}  # fmt: skip
ASKS = {"plan": WRITERS, "travel": WRITERS, "backfill": {"bookkeeper", "owner", "root"}}
SHARED = {"auditseal", "group", "user", "periodictask", "intervalschedule"}  # belong to the whole installation


@dataclass
class World:
    """rows of the organization that everybody but the neighbour works for; theirs is the neighbour's."""

    rows: dict[str, Model] = field(default_factory=dict)
    theirs: dict[str, Model] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)

    def client(self, name: str, **options: Any) -> Client:
        client = Client(**options)
        if name in self.people:
            client.force_login(self.people[name])
        return client


def build() -> World:
    """Everything twice."""
    world = World()
    mine, other = make.OrganizationFactory(name="Mine", slug="mine"), make.OrganizationFactory(name="Other", slug="other")
    world.rows, world.theirs = rows_of(mine), rows_of(other)
    world.people = {
        "stranger": make.person("stranger"),
        "viewer": make.person("viewer", mine, roles=("viewer",)),
        "bookkeeper": make.person("bookkeeper", mine, roles=("bookkeeper",)),
        "support": make.person("support", mine, roles=("support",)),
        "owner": make.person("owner", mine, roles=("owner",)),
        "neighbour": make.person("neighbour", other, roles=("bookkeeper", "support", "owner")),
        "root": make.person("root", is_superuser=True),
    }
    seal = AuditSeal.objects.create(
        previous="0" * 64, digest="1" * 64, chain="2" * 64, first_record=1, last_record=2, count=2, sealed_at=timezone.now()
    )
    shared = {"auditseal": seal, "group": world.people["owner"].groups.get(), "user": world.people["owner"]}
    schedule_poll(world.rows["flow"])
    shared |= {"periodictask": PeriodicTask.objects.get(), "intervalschedule": IntervalSchedule.objects.get()}
    world.rows |= shared
    return world


def rows_of(organization: Organization) -> dict[str, Model]:
    """One row of each model for an organization."""
    flow = make.FlowFactory(organization=organization, label=f"Orders of {organization}")
    set_secrets(flow.source, {"consumer_key": "ck_" + CANARY, "consumer_secret": CANARY})
    event = make.EventFactory(connection=flow.source, source_id="727", body=b'{"id": 727, "note": "<script>alert(1)</script>"}')
    job = make.JobFactory(flow=flow, source_id="727", event=event, state="attention", reason_code="sku_unmapped", subject="sku:MUG-XL")
    target = make.AlertTargetFactory(organization=organization, label=f"Chat of {organization}")
    return {
        "alerttarget": target,
        "alertdelivery": make.AlertDeliveryFactory(target=target),
        "organization": organization,
        "membership": make.person(f"colleague-{organization.slug}", organization, roles=("viewer",)).memberships.get(),
        "invitation": make.invitation(organization, f"new@{organization.slug}.example"),
        "apitoken": make.lost_token(make.person(f"maker-{organization.slug}", organization, roles=("viewer",)), organization),
        "connection": flow.source,
        "flow": flow,
        "inboundevent": event,
        "syncjob": job,
        "syncrecord": make.RecordFactory(flow=flow, source_id="727", number="1001"),
        "externallink": make.LinkFactory(flow=flow, key="727"),
        "itemmapping": make.ItemMappingFactory(flow=flow),
        "valuemapping": make.ValueMappingFactory(flow=flow),
        "fieldmapping": make.FieldMappingFactory(flow=flow, target="client.note"),
        "synccursor": make.CursorFactory(flow=flow),
        "bulkrun": BulkRun.objects.create(organization=organization, kind="replay", about="all", asked_by="sue", total=1),
        "backfill": make.BackfillFactory(flow=flow),
        "comparison": make.ComparisonFactory(flow=flow),
        "subscription": make.SubscriptionFactory(connection=flow.source, status="disabled", topic=f"order.updated.{organization.pk}"),
        "privacycase": PrivacyCase.objects.create(connection=flow.source, kind="redact_person", wanted=CANARY, received_at=timezone.now()),
        "alert": make.AlertFactory(organization_id=organization.pk, message=f"An alert of {organization}"),
        "auditrecord": make.audit_record(organization, job_id=job.pk, flow_id=flow.pk, message=f"A record of {organization}"),
    }


def address(row: Model | type[Model], page: str, *arguments: object) -> str:
    options = row._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_{page}", args=arguments)


def pages() -> dict[str, admin.ModelAdmin[Any]]:
    """The registered pages by model name; beat's schedules that we do not use are left out."""
    return {m._meta.model_name or "": page for m, page in admin.site._registry.items() if m.__name__ not in UNUSED}


UNUSED = ("CrontabSchedule", "SolarSchedule", "ClockedSchedule")
