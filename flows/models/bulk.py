"""Many records at once: what a person asked for, and how far it has come. A row for each record, so that nothing is lost in a crash."""

from __future__ import annotations

from django.db import models

from credentials.models import Organization
from flows.models.flow import Flow


class BulkRun(models.Model):
    """One wish of one person about many records of an organization. about: what was chosen, in words."""

    class Kind(models.TextChoices):
        REPLAY = "replay", "replay"
        RETRY = "retry", "retry"
        LOOK = "look", "time travel"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    about = models.TextField(blank=True)
    asked_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    total = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name = "bulk action"
        indexes = [models.Index(fields=["id"], name="bulk_unfinished", condition=models.Q(finished_at=None))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.total} records"


class BulkItem(models.Model):
    """One record of a run. changes: what today's mappings would change, as titles; note: why nothing was done, or what was compared."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        QUEUED = "queued", "queued"
        LEFT = "left", "left alone"
        SAME = "same", "no difference"
        DIFFERS = "differs", "differs"
        STOPPED = "stopped", "would stop"

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="items", db_index=False)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="+")
    object_type = models.CharField(max_length=30)
    source_id = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    note = models.TextField(blank=True)
    changes = models.JSONField(default=list)
    queued_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "flow", "object_type", "source_id"], name="each_record_once_per_run")]
        indexes = [models.Index(fields=["run", "state", "id"], name="bulk_item_state")]

    def __str__(self) -> str:
        return f"{self.object_type} {self.source_id}"
