"""Rows for tests, with everything that they need around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth.models import Group, User
from django.utils import timezone
from factory.django import DjangoModelFactory

from audit.models import Alert, AuditRecord, Outcome
from audit.services import write
from credentials.models import ApiToken, Connection, Invitation, Membership, Organization
from credentials.people.tokens import Scope, make_token
from flows.models import (
    AlertDelivery,
    AlertTarget,
    Backfill,
    Comparison,
    Difference,
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

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PASSWORD = "a-long-test-password"


class OrganizationFactory(DjangoModelFactory[Organization]):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"Organization {n}")
    slug = factory.Sequence(lambda n: f"organization-{n}")


class ShopFactory(DjangoModelFactory[Connection]):
    """An active shop."""

    class Meta:
        model = Connection

    organization = factory.SubFactory(OrganizationFactory)
    platform = "woocommerce"
    label = factory.Sequence(lambda n: f"Shop {n}")
    base_url = factory.Sequence(lambda n: f"https://shop-{n}.example")
    status = Connection.Status.ACTIVE
    currency = "CAD"


class BooksFactory(ShopFactory):
    """Active books."""

    platform = "freshbooks"
    label = factory.Sequence(lambda n: f"Books {n}")
    base_url = ""
    ids = factory.LazyFunction(lambda: {"account_id": "qX7rT"})


class FlowFactory(DjangoModelFactory[Flow]):
    """Orders to invoices between two connections of its organization."""

    class Meta:
        model = Flow

    organization = factory.SubFactory(OrganizationFactory)
    label = factory.Sequence(lambda n: f"Flow {n}")
    source = factory.SubFactory(ShopFactory, organization=factory.SelfAttribute("..organization"))
    destination = factory.SubFactory(BooksFactory, organization=factory.SelfAttribute("..organization"))
    recipe = "order_to_invoice"


class EventFactory(DjangoModelFactory[InboundEvent]):
    class Meta:
        model = InboundEvent

    connection = factory.SubFactory(ShopFactory)
    dedupe_key = factory.Sequence(lambda n: f"delivery-{n}")
    topic = "order.updated"
    body = b'{"id": 727, "total": "12.50"}'
    received_at = NOON
    state = InboundEvent.State.EXPANDED
    object_type = "order"
    source_id = factory.Sequence(lambda n: str(700 + n))
    notices = factory.LazyAttribute(lambda event: [{"object_type": "order", "source_id": event.source_id}])


class JobFactory(DjangoModelFactory[SyncJob]):
    """A finished job, unless told otherwise."""

    class Meta:
        model = SyncJob

    flow = factory.SubFactory(FlowFactory)
    object_type = "order"
    source_id = factory.Sequence(lambda n: str(700 + n))
    state = SyncJob.State.DONE
    not_before = NOON
    created_at = NOON
    event = factory.SubFactory(
        EventFactory, connection=factory.SelfAttribute("..flow.source"), source_id=factory.SelfAttribute("..source_id")
    )


class RecordFactory(DjangoModelFactory[SyncRecord]):
    """An order that ties out."""

    class Meta:
        model = SyncRecord

    flow = factory.SubFactory(FlowFactory)
    object_type = "order"
    source_id = factory.Sequence(lambda n: str(700 + n))
    number = factory.LazyAttribute(lambda record: f"1{record.source_id}")
    outcome = Outcome.DONE
    currency = "CAD"
    total = invoiced = captured = paid = Decimal("12.50")
    refunded = Decimal("0.00")
    exact = True
    updated_at = NOON


class LinkFactory(DjangoModelFactory[ExternalLink]):
    """An order's invoice."""

    class Meta:
        model = ExternalLink
        exclude = ("flow",)

    flow = factory.SubFactory(FlowFactory)
    source = factory.SelfAttribute("flow.source")
    destination = factory.SelfAttribute("flow.destination")
    scope = factory.LazyAttribute(lambda link: str(link.source.key))
    object_type = "invoice"
    key = factory.Sequence(lambda n: str(700 + n))
    remote_id = factory.Sequence(lambda n: str(90_000 + n))
    state = ExternalLink.State.CONFIRMED
    intended_at = confirmed_at = NOON


class ItemMappingFactory(DjangoModelFactory[ItemMapping]):
    class Meta:
        model = ItemMapping

    flow = factory.SubFactory(FlowFactory)
    sku = factory.Sequence(lambda n: f"SKU-{n}")
    item_id = factory.Sequence(str)
    item_name = factory.Sequence(lambda n: f"Item {n}")


class ValueMappingFactory(DjangoModelFactory[ValueMapping]):
    class Meta:
        model = ValueMapping

    flow = factory.SubFactory(FlowFactory)
    kind = ValueMapping.Kind.TAX
    source = factory.Sequence(lambda n: f"Tax {n}")
    target = "GST"


class FieldMappingFactory(DjangoModelFactory[FieldMapping]):
    class Meta:
        model = FieldMapping

    flow = factory.SubFactory(FlowFactory)
    target = factory.Sequence(lambda n: f"client.field_{n}")
    expression = "note"


class CursorFactory(DjangoModelFactory[SyncCursor]):
    class Meta:
        model = SyncCursor

    flow = factory.SubFactory(FlowFactory)
    watermark = polled_at = NOON


class BackfillFactory(DjangoModelFactory[Backfill]):
    class Meta:
        model = Backfill

    flow = factory.SubFactory(FlowFactory)
    since = NOON - timedelta(days=2)
    until = NOON


class ComparisonFactory(DjangoModelFactory[Comparison]):
    """Finished, and all was exact."""

    class Meta:
        model = Comparison

    flow = factory.SubFactory(FlowFactory)
    since = NOON - timedelta(days=7)
    until = created_at = finished_at = NOON
    asked_by = "bookkeeper"
    listed = compared = 3


class DifferenceFactory(DjangoModelFactory[Difference]):
    """An order that is missing in the books."""

    class Meta:
        model = Difference

    comparison = factory.SubFactory(ComparisonFactory)
    kinds = "missing"
    source_id = factory.Sequence(lambda n: str(700 + n))
    number = factory.LazyAttribute(lambda difference: f"1{difference.source_id}")
    sentence = "Create invoice over 12.50 CAD"
    currency = "CAD"
    sold = captured = Decimal("12.50")
    invoiced = paid = Decimal("0.00")


class SubscriptionFactory(DjangoModelFactory[Subscription]):
    class Meta:
        model = Subscription

    connection = factory.SubFactory(ShopFactory)
    topic = factory.Sequence(lambda n: f"order.topic_{n}")
    remote_id = factory.Sequence(str)
    status = Subscription.Status.ACTIVE
    secret = "subscription-secret-canary"


class AlertFactory(DjangoModelFactory[Alert]):
    class Meta:
        model = Alert

    organization_id = factory.LazyFunction(lambda: OrganizationFactory().pk)
    cause = factory.Sequence(lambda n: f"cause:{n}")
    message = factory.Sequence(lambda n: f"Something is wrong with number {n}.")
    opened_at = seen_at = NOON


class AlertTargetFactory(DjangoModelFactory[AlertTarget]):
    """A webhook of an organization's own."""

    class Meta:
        model = AlertTarget

    organization = factory.SubFactory(OrganizationFactory)
    label = factory.Sequence(lambda n: f"Target {n}")
    kind = AlertTarget.Kind.WEBHOOK
    address = "https://alerts.example/hooks/address-canary-0123456789"
    secret = "signing-canary-0123456789"
    since = NOON


class AlertDeliveryFactory(DjangoModelFactory[AlertDelivery]):
    """One that arrived."""

    class Meta:
        model = AlertDelivery

    target = factory.SubFactory(AlertTargetFactory)
    kind = AlertDelivery.Kind.DIGEST
    key = factory.Sequence(lambda n: f"key-{n}")
    state = AlertDelivery.State.SENT
    next_at = created_at = NOON


def audit_record(organization: Organization, **fields: Any) -> AuditRecord:
    """A record, written as the product writes it."""
    known = {"actor": "worker", "action": "create invoice", "outcome": Outcome.DONE, "message": "Invoice made."}
    return write(organization_id=organization.pk, **{**known, **fields})


def person(name: str, *organizations: Organization, roles: tuple[str, ...] = (), **fields: Any) -> User:
    """Somebody who may log in, with these roles, working for these organizations."""
    user = User.objects.create_user(name, password=PASSWORD, **{"is_staff": True, **fields})
    user.groups.set(Group.objects.filter(name__in=roles))
    Membership.objects.bulk_create([Membership(user=user, organization=organization) for organization in organizations])
    return user


def invitation(organization: Organization, email: str) -> Invitation:
    """An open one, whose link nobody knows."""
    until = timezone.now() + timedelta(days=7)
    return Invitation.objects.create(organization=organization, email=email, roles=["viewer"], digest=f"{email:0>64}", expires_at=until)


def api_token(user: User, organization: Organization, *scopes: str, name: str = "script") -> tuple[ApiToken, str]:
    """A token with all scopes unless told otherwise, and its text."""
    return make_token(user, organization, name, scopes or tuple(Scope), 30)


def lost_token(user: User, organization: Organization) -> ApiToken:
    """A token whose text nobody has."""
    until, digest = timezone.now() + timedelta(days=30), f"{user.pk:0>64}"
    return ApiToken.objects.create(
        user=user, organization=organization, name="script", hint="tbk_lost", digest=digest, scopes=["read"], expires_at=until
    )
