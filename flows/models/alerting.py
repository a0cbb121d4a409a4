"""Who is told of alerts, and each telling as a row, so that a target that is down loses nothing and is told nothing twice."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from audit.models import Alert
from credentials.fields import EncryptedTextField
from credentials.models import Organization


class AlertTarget(models.Model):
    """A place that an organization's alerts go to. address and secret are never shown again, but for e-mail addresses."""

    class Kind(models.TextChoices):
        EMAIL = "email", "e-mail"
        SLACK = "slack", "Slack, or what takes its messages"
        WEBHOOK = "webhook", "webhook, signed"

    class When(models.TextChoices):
        NOW = "now", "immediately"
        DAILY = "daily", "in the daily digest"
        OFF = "off", "not at all"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="alert_targets")
    label = models.CharField("name", max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    address: models.TextField[str, str] = EncryptedTextField(blank=True, default="")
    secret: models.TextField[str, str] = EncryptedTextField(blank=True, default="")
    errors = models.CharField(max_length=6, choices=When.choices, default=When.NOW)
    warnings = models.CharField(max_length=6, choices=When.choices, default=When.NOW)
    tell_end = models.BooleanField("tell when it has ended", default=False)
    digest_hour = models.PositiveSmallIntegerField("hour of the digest (UTC)", default=7)
    enabled = models.BooleanField("in use", default=True)
    since = models.DateTimeField(editable=False, help_text="Alerts that were opened before are not told.")
    digested_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "alert recipient"
        ordering = ("organization_id", "pk")
        constraints = [models.UniqueConstraint(fields=["organization", "label"], name="one_alert_target_per_label")]

    def __str__(self) -> str:
        return self.label


class AlertDelivery(models.Model):
    """One telling of one target. key stands in the request, and makes it unique; content is fixed when it is planned."""

    class Kind(models.TextChoices):
        OPENED = "opened", "an alert was opened"
        ENDED = "ended", "an alert has ended"
        DIGEST = "digest", "daily digest"
        TEST = "test", "test"

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        UNCLEAR = "unclear", "perhaps sent"
        FAILED = "failed", "given up"
        DROPPED = "dropped", "not needed any more"

    target = models.ForeignKey(AlertTarget, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=100, unique=True)
    content = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=400, blank=True)
    watch_end = models.BooleanField(default=False, help_text="Its target wants to hear when the alert has ended.")

    class Meta:
        verbose_name = "sent alert"
        indexes = [
            models.Index(fields=["target", "-id"], name="delivery_target"),
            models.Index(fields=["next_at"], name="delivery_due", condition=Q(state__in=["waiting", "sending"])),
            models.Index(fields=["alert"], name="delivery_watching", condition=Q(watch_end=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.target}"
