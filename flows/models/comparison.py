"""What comparing both sides left behind: each run with its sums, every difference that it found, and who is told of it by mail."""

from __future__ import annotations

from django.db import models

from credentials.models import Organization
from flows.models.flow import Flow


class Comparison(models.Model):
    """One comparison of a flow over a period. Whoever sees the flow sees it. held_until: until when a worker is at it; tries also tells
    one worker from the next. sums: per currency, what both sides come to. differing: how many records differ; kinds: how many of them in
    each kind, so that one may count in several.
    """

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="comparisons", db_index=False)
    since = models.DateTimeField()
    until = models.DateTimeField()
    repair = models.BooleanField(default=False)
    asked_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    held_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    listed = models.PositiveIntegerField(default=0)
    compared = models.PositiveIntegerField(default=0)
    repaired = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    kinds = models.JSONField(default=dict)
    sums = models.JSONField(default=list)
    problem = models.TextField(blank=True)
    stopped_by = models.CharField(max_length=150, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["flow", "-id"], name="comparison_flow"),
            models.Index(fields=["id"], name="comparison_unfinished", condition=models.Q(finished_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"


class Difference(models.Model):
    """One record that differs. kinds: in what, separated by commas. The amounts are what the books should show (sold, captured) and what
    they do show (invoiced, paid).
    """

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="differences", db_index=False)
    kinds = models.CharField(max_length=120)
    source_id = models.CharField(max_length=100)
    number = models.CharField(max_length=100, blank=True)
    sentence = models.TextField()
    age_days = models.PositiveIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    sold = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    invoiced = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    captured = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    paid = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    repair_asked_by = models.CharField(max_length=150, blank=True)
    repair_asked_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["comparison", "id"], name="difference_comparison")]

    def __str__(self) -> str:
        return f"{self.kinds} {self.number or self.source_id}"

    @property
    def each_kind(self) -> list[str]:
        return self.kinds.split(",")


class ComparisonMail(models.Model):
    """How often an organization's contacts are mailed how both sides compare. last_period: the day or week that was mailed last."""

    class Every(models.TextChoices):
        NEVER = "never", "never"
        DAY = "day", "every day"
        WEEK = "week", "every Monday"

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="comparison_mail")
    every = models.CharField(max_length=6, choices=Every.choices, default=Every.NEVER)
    last_period = models.CharField(max_length=10, blank=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.organization}: {self.get_every_display()}"
