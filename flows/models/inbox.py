"""The inbox: verified webhooks exactly as they came, each stored once."""

from __future__ import annotations

from django.db import models

from credentials.models import Connection


class InboundEvent(models.Model):
    """A verified delivery. Never edited but for its state; unique by connection and dedupe key."""

    class State(models.TextChoices):
        RECEIVED = "received", "received"
        EXPANDED = "expanded", "passed on"
        IGNORED = "ignored", "ignored"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="events", db_index=False)
    dedupe_key = models.CharField(max_length=200)
    topic = models.CharField(max_length=80)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    object_type = models.CharField(max_length=30, blank=True)
    source_id = models.CharField(max_length=100, blank=True)
    notices = models.JSONField(default=list, help_text="What the event says to look at.")
    out_of_order = models.BooleanField(default=False)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "received webhook"
        constraints = [models.UniqueConstraint(fields=["connection", "dedupe_key"], name="each_event_once")]
        indexes = [
            models.Index(fields=["id"], name="event_received", condition=models.Q(state="received")),
            models.Index(fields=["-id"], name="event_ignored", condition=models.Q(state="ignored")),
            models.Index(fields=["connection", "-id"], name="event_connection"),
            models.Index(fields=["connection", "object_type", "source_id"], name="event_object"),
            models.Index(fields=["connection", "received_at"], name="event_time"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.source_id}"
