"""What lists may be narrowed by. Each question has its index."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from audit.models import Outcome
from connectors.canonical.identity import ObjectType
from flows.models import ExternalLink, SyncJob

TYPES = [kind.value for kind in ObjectType]
LARGEST = 2**63 - 1


def number() -> serializers.IntegerField:
    """The id of another row."""
    return serializers.IntegerField(required=False, min_value=1, max_value=LARGEST)


def text(longest: int, **options: Any) -> serializers.CharField:
    """Exactly this."""
    return serializers.CharField(required=False, max_length=longest, **options)


class OfFlow(serializers.Serializer[Any]):
    """By flow."""

    flow = number()


class OfFlows(serializers.Serializer[Any]):
    """Only those that are on, or off."""

    enabled = serializers.BooleanField(required=False, allow_null=True, default=None)


class OfJobs(OfFlow):
    """find looks like the console's search: an order number, an id at the source, or the number of a job."""

    state = serializers.ChoiceField(SyncJob.State.choices, required=False)
    reason_code = text(60)
    find = text(100)


class OfRecords(OfFlow):
    number = text(60)
    source_id = text(100)
    outcome = serializers.ChoiceField(Outcome.choices, required=False)


class OfLinks(serializers.Serializer[Any]):
    object_type = serializers.ChoiceField(TYPES, required=False)
    key = text(200)
    remote_id = text(100)
    state = serializers.ChoiceField(ExternalLink.State.choices, required=False)


class OfAudit(serializers.Serializer[Any]):
    flow_id = number()
    job_id = number()
    source_id = text(100)
    actor = text(150)
    outcome = serializers.ChoiceField(Outcome.choices, required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class OfItems(OfFlow):
    sku = text(120)


class OfValues(OfFlow):
    kind = serializers.ChoiceField(("tax", "gateway", "status", "account"), required=False)


def asked(request: Request, question: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The checked parameters that were given; raises ValidationError for wrong ones."""
    form = question(data=request.query_params.dict())
    form.is_valid(raise_exception=True)
    return {name: value for name, value in form.validated_data.items() if value is not None}
