"""A link: this source thing is that destination thing. Committed as intended before the write, confirmed after it."""

from __future__ import annotations

from django.db import models

from credentials.models import Connection


class ExternalLink(models.Model):
    """Unique per destination, scope, object type and key. scope is the source connection's key, "" for what all sources
    share (clients by e-mail, items by SKU).
    """

    class State(models.TextChoices):
        INTENDED = "intended", "intended"
        CONFIRMED = "confirmed", "confirmed"

    destination = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="links_in", db_index=False)
    source = models.ForeignKey(Connection, null=True, on_delete=models.CASCADE, related_name="links_out")
    scope = models.CharField(max_length=36, blank=True)
    object_type = models.CharField(max_length=30)
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.INTENDED)
    remote_id = models.CharField(max_length=100, blank=True, help_text="What the destination calls it.")
    void = models.BooleanField(default=False)
    content_hash = models.CharField(max_length=64, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    adopted = models.BooleanField(default=False)
    job_id = models.BigIntegerField(null=True, help_text="The job that intends or last wrote it.")
    lease_token = models.CharField(max_length=32, blank=True)
    intended_at = models.DateTimeField()
    in_doubt_until = models.DateTimeField(null=True, help_text="Settled after this: then search, adopt or create.")
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "link"
        constraints = [
            models.UniqueConstraint(fields=["destination", "scope", "object_type", "key"], name="one_link_per_thing"),
        ]
        indexes = [
            models.Index(fields=["destination", "object_type", "remote_id"], name="link_destination"),
            models.Index(  # "key:part" is found by how it begins, whatever the database's language
                fields=["destination", "scope", "key"], name="link_record", opclasses=["int8_ops", "varchar_ops", "varchar_pattern_ops"]
            ),
            models.Index(fields=["state", "in_doubt_until"], name="link_intended", condition=models.Q(state="intended")),
        ]

    def __str__(self) -> str:
        return f"{self.object_type} {self.key} -> {self.remote_id or '?'}"
