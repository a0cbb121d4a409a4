"""Where polling reads on, and backfills under way."""

from __future__ import annotations

from django.db import models

from flows.models.flow import Flow


class SyncCursor(models.Model):
    """Per flow: everything changed before the watermark is stored as jobs. window_until and page say where an unfinished walk stands."""

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, related_name="cursor")
    watermark = models.DateTimeField()
    window_until = models.DateTimeField(null=True)
    page = models.CharField(max_length=300, blank=True)
    polled_at = models.DateTimeField(null=True)
    found = models.PositiveIntegerField(default=0, help_text="Changed objects seen by the last finished walk.")

    class Meta:
        verbose_name = "reading position"

    def __str__(self) -> str:
        return f"{self.flow} at {self.watermark:%Y-%m-%d %H:%M:%S}"


class PollDay(models.Model):
    """What the polls of a flow found on one day (UTC), and how much of it no webhook had told of by then."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="poll_days", db_index=False)
    day = models.DateField()
    found = models.PositiveIntegerField(default=0)
    unheard = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["flow", "day"], name="one_row_per_poll_day")]

    def __str__(self) -> str:
        return f"{self.flow} {self.day}: {self.found}"


class Backfill(models.Model):
    """A walk over the past on purpose; resumable by its page. problem: what keeps the walk from going on. The jobs that it asked for
    name it.
    """

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="backfills")
    since = models.DateTimeField()
    until = models.DateTimeField()
    page = models.CharField(max_length=300, blank=True)
    found = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=200, blank=True)
    asked_by = models.CharField(max_length=150, blank=True)
    problem = models.TextField(blank=True)
    cancelled_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "period read again"
        verbose_name_plural = "periods read again"

    def __str__(self) -> str:
        return f"{self.flow} {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"
