"""A privacy request that came through a platform: what was asked, and what was done about it."""

from __future__ import annotations

from django.db import models

from credentials.fields import EncryptedTextField
from credentials.models import Connection
from flows.models.inbox import InboundEvent


class PrivacyCase(models.Model):
    """wanted names the person, as JSON, and is forgotten once a redaction is done; export is what a data request gathered."""

    class Kind(models.TextChoices):
        REDACT_PERSON = "redact_person", "redact a person"
        REDACT_ACCOUNT = "redact_account", "redact all of the connection"
        EXPORT_PERSON = "export_person", "export a person's data"

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        HELD = "held", "needs a decision"
        DONE = "done", "done"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="privacy_cases")
    event = models.ForeignKey(InboundEvent, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    reference = models.CharField(max_length=100, blank=True)
    wanted: models.TextField[str, str] = EncryptedTextField(blank=True, default="")
    export: models.TextField[str, str] = EncryptedTextField(blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    summary = models.TextField(blank=True)
    received_at = models.DateTimeField()
    retry_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "privacy request"
        permissions = [("answer_privacycase", "Can answer privacy requests")]
        indexes = [models.Index(fields=["id"], name="privacy_waiting", condition=models.Q(state="waiting"))]

    def __str__(self) -> str:
        return f"privacy request {self.pk}"
