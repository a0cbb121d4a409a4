"""A job: bring one object of one flow to where its source has it now. The database is the queue."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from flows.models.flow import Flow
from flows.models.inbox import InboundEvent
from flows.models.polling import Backfill


class Priority(models.IntegerChoices):
    """Lower goes first."""

    PERSON = 0, "a person asked"
    WEBHOOK = 1, "webhook"
    POLL = 2, "poll"
    BACKFILL = 3, "backfill"


class SyncJob(models.Model):
    """One attempt chain. At most one waiting and one running per flow and object (partial unique constraints)."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        NOTHING = "nothing", "nothing to do"
        ATTENTION = "attention", "needs attention"
        DEAD = "dead", "dead letter"
        SUPERSEDED = "superseded", "superseded"

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="jobs", db_index=False)
    object_type = models.CharField(max_length=30)
    source_id = models.CharField(max_length=100)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.WEBHOOK)
    not_before = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)
    force = models.BooleanField(default=False, help_text="Look at the destination even when nothing seems changed.")
    lease_until = models.DateTimeField(null=True)
    lease_token = models.CharField(max_length=32, blank=True)
    trigger = models.CharField(max_length=20, default="webhook")
    event = models.ForeignKey(InboundEvent, null=True, on_delete=models.SET_NULL, related_name="jobs")
    backfill = models.ForeignKey(Backfill, null=True, on_delete=models.SET_NULL, related_name="jobs", db_index=False)
    asked_by = models.CharField(max_length=150, blank=True)
    reason_code = models.CharField(max_length=60, blank=True)
    subject = models.CharField(max_length=150, blank=True, help_text="What a mapping would release: sku:MUG-XL.")
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    # No columns; a claimed job knows: whether an older job of this object may have left something to settle, to what the destination was
    # last brought for it (the hash of it, "" for nothing certain), whether that ended well, and what a person decided about it.
    had_trouble = True
    last_hash = ""
    last_well = False
    hold = hold_reason = hold_by = ""
    hold_along = False
    known_as = ("", "")  # its number and currency

    class Meta:
        verbose_name = "job"
        permissions = [("replay_syncjob", "Can replay and retry jobs")]
        constraints = [
            models.UniqueConstraint(
                fields=["flow", "object_type", "source_id"], condition=Q(state="waiting"), name="one_waiting_job_per_object"
            ),
            models.UniqueConstraint(
                fields=["flow", "object_type", "source_id"], condition=Q(state="running"), name="one_running_job_per_object"
            ),
        ]
        indexes = [
            models.Index(fields=["flow", "priority", "not_before", "id"], name="job_due", condition=Q(state="waiting")),
            models.Index(fields=["lease_until"], name="job_running", condition=Q(state="running")),
            models.Index(fields=["flow", "object_type", "source_id", "-id"], name="job_object"),
            models.Index(fields=["flow", "subject"], name="job_attention", condition=Q(state__in=["attention", "dead"])),
            models.Index(fields=["state", "-id"], name="job_state"),
            models.Index(fields=["trigger", "-id"], name="job_trigger"),
            models.Index(fields=["object_type", "-id"], name="job_type"),
            models.Index(fields=["reason_code", "-id"], name="job_reason", condition=~Q(reason_code="")),
            models.Index(fields=["created_at"], name="job_created"),
            models.Index(fields=["backfill", "state"], name="job_backfill", condition=Q(backfill__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.object_type} {self.source_id}"
