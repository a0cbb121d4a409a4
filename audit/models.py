"""Append-only records, the seals over them, and alerts. Knows nobody's models: ids are plain values, history outlives accounts."""

from __future__ import annotations

from django.db import models


class Outcome(models.TextChoices):
    """How a step ended."""

    DONE = "done", "done"
    NOTHING = "nothing", "nothing to do"
    ADOPTED = "adopted", "adopted"
    WAITING = "waiting", "will be tried again"
    ATTENTION = "attention", "needs attention"
    REJECTED = "rejected", "rejected"
    FAILED = "failed", "failed"
    NOTED = "noted", "noted"


class AuditSeal(models.Model):
    """A link of the hash chain: the digest over its records, chained to the seal before it."""

    previous = models.CharField(max_length=64, unique=True, help_text="The chain value of the seal before it: the chain cannot fork.")
    digest = models.CharField(max_length=64, help_text="SHA-256 over the digests of its records, in id order.")
    chain = models.CharField(max_length=64, help_text="SHA-256 over previous, digest, counts and times.")
    first_record = models.BigIntegerField()
    last_record = models.BigIntegerField()
    count = models.IntegerField()
    sealed_at = models.DateTimeField()
    pruned_at = models.DateTimeField(null=True)

    class Meta:
        permissions = [("verify_auditseal", "Can verify the audit")]

    def __str__(self) -> str:
        return f"seal {self.pk}"


class AuditCheck(models.Model):
    """A verification that a person asked for: how far it came, and what it found. Only the newest one is shown."""

    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=150)
    organization_id = models.BigIntegerField(null=True)
    seals = models.IntegerField(default=0, help_text="Seals that hold, counted while it runs.")
    of_seals = models.IntegerField(default=0)
    last_good = models.BigIntegerField(null=True, help_text="The last seal that holds.")
    first_broken = models.BigIntegerField(null=True)
    ok = models.BooleanField(null=True)
    sentence = models.TextField(blank=True)
    head = models.CharField(max_length=64, blank=True)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"verification {self.pk}"


class AuditRecord(models.Model):
    """Who or what did what, when, to which object, with what outcome and evidence. Never changed (database triggers)."""

    at = models.DateTimeField(db_index=True)
    organization_id = models.BigIntegerField(null=True)
    connection_id = models.BigIntegerField(null=True)
    connection_label = models.CharField(max_length=120, blank=True)
    flow_id = models.BigIntegerField(null=True)
    job_id = models.BigIntegerField(null=True)
    event_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=150, help_text="A person's user name, or what acted: worker, inbox, poll.")
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=30, blank=True)
    source_id = models.CharField(max_length=100, blank=True)
    target_id = models.CharField(max_length=100, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    message = models.TextField(blank=True)
    mapping = models.JSONField(default=dict, help_text="The field mapping applied.")
    duration_ms = models.IntegerField(null=True)
    evidence = models.JSONField(default=dict, help_text="Redacted requests, answers, before and after.")
    evidence_digest = models.CharField(max_length=64)
    seal = models.ForeignKey(AuditSeal, null=True, on_delete=models.PROTECT, related_name="records", db_index=True)

    class Meta:
        permissions = [("export_auditrecord", "Can export audit records")]
        indexes = [  # the lists go by time, newest first: each filter's index ends with it, so that no page sorts or walks the rest
            models.Index(fields=["organization_id", "-at", "-id"], name="audit_organization"),
            models.Index(fields=["actor", "-at", "-id"], name="audit_actor"),
            models.Index(fields=["connection_id", "-at", "-id"], name="audit_connection"),
            models.Index(fields=["outcome", "-at", "-id"], name="audit_outcome"),
            models.Index(fields=["source_id"], name="audit_source"),
            models.Index(fields=["target_id"], name="audit_target"),
            models.Index(fields=["flow_id", "object_type", "source_id"], name="audit_object"),
            models.Index(fields=["job_id"], name="audit_job"),
            models.Index(fields=["id"], name="audit_unsealed", condition=models.Q(seal=None)),
            models.Index(fields=["source_id"], name="audit_redaction", condition=models.Q(action="audit_redacted")),
            models.Index(fields=["-id"], name="audit_pruning", condition=models.Q(action="audit_pruned")),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.source_id}: {self.outcome}"


class Alert(models.Model):
    """Something a person should know: opened once per cause, counted, closed by itself when the cause is gone."""

    class Severity(models.TextChoices):
        WARNING = "warning", "warning"
        ERROR = "error", "error"

    organization_id = models.BigIntegerField(db_index=True)
    connection_id = models.BigIntegerField(null=True)
    cause = models.CharField(max_length=150, help_text="Stable name of the cause; one open alert each.")
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.ERROR)
    message = models.TextField()
    count = models.IntegerField(default=1)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "cause"], condition=models.Q(closed_at=None), name="one_open_alert_per_cause"
            )
        ]

    def __str__(self) -> str:
        return self.message
