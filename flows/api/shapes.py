"""What the API tells of each kind of row. Amounts are decimal texts; no secret is in any of them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from audit.models import AuditRecord
from flows.models import ExternalLink, Flow, SyncJob, SyncRecord


class FlowShape(serializers.ModelSerializer[Flow]):
    """From this connection to that one."""

    source = serializers.CharField(source="source.label")  # type: ignore[assignment]
    destination = serializers.CharField(source="destination.label")
    options = serializers.DictField()

    class Meta:
        model = Flow
        fields = ("id", "label", "recipe", "source", "destination", "enabled", "poll_seconds", "options", "created_at")


class JobShape(serializers.ModelSerializer[SyncJob]):
    """One attempt chain. reason says what stopped it, subject what it waits for ("sku:MUG-XL")."""

    class Meta:
        model = SyncJob
        fields = (
            "id", "flow", "object_type", "source_id", "state", "reason", "reason_code", "subject", "trigger", "asked_by", "attempts",
            "created_at", "started_at", "finished_at", "not_before",
        )  # fmt: skip
        read_only_fields = fields


class RecordShape(serializers.ModelSerializer[SyncRecord]):
    """Where one object of the source stands, with the proof of its amounts."""

    class Meta:
        model = SyncRecord
        fields = (
            "id", "flow", "object_type", "source_id", "number", "outcome", "reason", "currency", "total", "refunded", "invoiced",
            "captured", "paid", "exact", "job_id", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class LinkShape(serializers.ModelSerializer[ExternalLink]):
    """This source thing is that destination thing."""

    source = serializers.CharField(source="source.label", allow_null=True, default=None)  # type: ignore[assignment]
    destination = serializers.CharField(source="destination.label")

    class Meta:
        model = ExternalLink
        fields = (
            "id", "source", "destination", "object_type", "key", "remote_id", "state", "void", "adopted", "job_id", "intended_at",
            "confirmed_at",
        )  # fmt: skip


class AuditShape(serializers.ModelSerializer[AuditRecord]):
    """Who or what did what, when, to which object, with what outcome."""

    class Meta:
        model = AuditRecord
        fields = (
            "id", "at", "actor", "action", "outcome", "message", "connection_label", "flow_id", "job_id", "event_id", "object_type",
            "source_id", "target_id", "duration_ms",
        )  # fmt: skip


class AuditWholeShape(AuditShape):
    """With its redacted evidence and the proof of it."""

    evidence = serializers.DictField()
    mapping = serializers.DictField()

    class Meta(AuditShape.Meta):
        fields = (*AuditShape.Meta.fields, "evidence", "mapping", "evidence_digest", "seal_id")  # type: ignore[assignment]


class Asked(serializers.Serializer[Any]):
    """Which record to plan."""

    record = serializers.CharField(max_length=100, help_text="Its number or id, as the source shows it.")


class ChangeShape(serializers.Serializer[Any]):
    """One missing change, in words."""

    verb = serializers.CharField()
    object_type = serializers.CharField()
    title = serializers.CharField()


class ProofShape(serializers.Serializer[Any]):
    """The amounts on both sides, with their currency."""

    exact = serializers.BooleanField()
    total = serializers.CharField()
    refunded = serializers.CharField()
    invoiced = serializers.CharField()
    captured = serializers.CharField()
    paid = serializers.CharField()


class PlanShape(serializers.Serializer[Any]):
    """What a sync would do. Without changes the sentence says why."""

    number = serializers.CharField()
    sentence = serializers.CharField()
    code = serializers.CharField()
    changes = ChangeShape(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    proof = ProofShape(allow_null=True)
