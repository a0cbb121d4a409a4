"""One running total: its name, its labels as a JSON array, its value since the beginning."""

from __future__ import annotations

from django.db import models


class Count(models.Model):
    """Only ever added to."""

    name = models.CharField(max_length=60)
    labels = models.CharField(max_length=200)
    value = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "labels"], name="one_total_per_labels")]

    def __str__(self) -> str:
        return f"{self.name}{self.labels}"
