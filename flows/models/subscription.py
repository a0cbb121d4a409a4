"""A webhook registration at a platform, as we want it and as it was last seen."""

from __future__ import annotations

from django.db import models

from credentials.fields import EncryptedTextField
from credentials.models import Connection


class Subscription(models.Model):
    """One per connection and topic. secret signs its deliveries; the previous one stays good during a change."""

    class Status(models.TextChoices):
        WANTED = "wanted", "not registered yet"
        UNVERIFIED = "unverified", "waiting for the handshake"
        ACTIVE = "active", "active"
        PAUSED = "paused", "paused by a person"
        DISABLED = "disabled", "switched off by the platform"
        MISSING = "missing", "gone from the platform"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="subscriptions")
    topic = models.CharField(max_length=80)
    remote_id = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.WANTED)
    secret: models.TextField[str, str] = EncryptedTextField(blank=True, default="")
    previous_secret: models.TextField[str, str] = EncryptedTextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    retry_at = models.DateTimeField(null=True, help_text="A confirmation that failed is tried again after this.")
    checked_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True, help_text="The last verified delivery.")
    disabled_at = models.DateTimeField(null=True)
    reenabled_at = models.DateTimeField(null=True)
    gap_since = models.DateTimeField(null=True, help_text="What changed since then is still to be read again.")
    gap_asked_by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name = "webhook registration"
        ordering = ("connection_id", "topic")
        permissions = [("reenable_subscription", "Can switch subscriptions on again")]
        constraints = [models.UniqueConstraint(fields=["connection", "topic"], name="one_subscription_per_topic")]

    def __str__(self) -> str:
        return f"{self.topic} of {self.connection}"
