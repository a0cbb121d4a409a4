"""What we know of one source object in one flow: where it stands, and the proof of its amounts."""

from __future__ import annotations

from django.db import models

from flows.models.flow import Flow


class SyncRecord(models.Model):
    """One row per flow and source object, rewritten after each job. Amounts are exact decimals in `currency`.

    hold: what a person decided about it, which holds until a person takes it back or replays the record. hold_along: what was created
    along with it is taken out too, where nothing else uses it.
    """

    class Hold(models.TextChoices):
        SKIP = "skip", "skipped"
        VOID = "void", "taken out of the books"

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="records", db_index=False)
    object_type = models.CharField(max_length=30)
    source_id = models.CharField(max_length=100)
    number = models.CharField(max_length=60, blank=True, db_index=True)
    version = models.CharField(max_length=40, blank=True, help_text="The newest change time that a notice named.")
    polled_version = models.CharField(max_length=40, blank=True, help_text="The change time that a poll last passed on.")
    desired_hash = models.CharField(max_length=64, blank=True, help_text="Of what the destination was last brought to.")
    source_hash = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=12, blank=True)
    reason = models.TextField(blank=True)
    currency = models.CharField(max_length=3, blank=True)
    total = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    refunded = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    invoiced = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    captured = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    paid = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    exact = models.BooleanField(null=True)
    job_id = models.BigIntegerField(null=True)
    hold = models.CharField(max_length=6, choices=Hold.choices, blank=True)
    hold_reason = models.CharField(max_length=300, blank=True)
    hold_by = models.CharField(max_length=150, blank=True)
    hold_at = models.DateTimeField(null=True)
    hold_along = models.BooleanField(default=False)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = "record"
        permissions = [("skip_syncrecord", "Can skip records"), ("void_syncrecord", "Can void what was posted")]
        constraints = [
            models.UniqueConstraint(fields=["flow", "object_type", "source_id"], name="one_record_per_object"),
        ]
        indexes = [
            models.Index(fields=["flow", "outcome", "-updated_at"], name="record_outcome"),
            models.Index(fields=["flow", "-updated_at"], name="record_updated"),
            models.Index(fields=["flow", "exact"], name="record_exact"),
            models.Index(fields=["flow", "source_id"], name="record_held", condition=~models.Q(hold="")),
        ]

    def __str__(self) -> str:
        return f"{self.object_type} {self.number or f'with the id {self.source_id}'}"


class RecordName(models.Model):
    """Something that a record is looked for by besides its number: an e-mail address, a SKU, a payment's reference. Only a keyed digest
    of it is kept, so that nobody can be read from it.
    """

    record = models.ForeignKey(SyncRecord, on_delete=models.CASCADE, related_name="names")
    digest = models.CharField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "record"], name="each_name_once")]

    def __str__(self) -> str:
        return self.digest
