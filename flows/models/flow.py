"""A flow: from this connection to that one, by this recipe, with these options."""

from __future__ import annotations

from django.db import models

from credentials.models import Connection, Organization


class Flow(models.Model):
    """What is synced. options are checked against the recipe's; poll_seconds 0 means no polling."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="flows")
    label = models.CharField("name", max_length=120)
    source = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="flows_from")
    destination = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="flows_to")
    recipe = models.CharField(max_length=60)
    options = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)
    poll_seconds = models.PositiveIntegerField(default=300)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("organization_id", "label")
        permissions = [("plan_flow", "Can plan without writing"), ("backfill_flow", "Can start backfills and reconciliations")]
        constraints = [
            models.UniqueConstraint(fields=["organization", "label"], name="one_flow_label_per_organization"),
            models.UniqueConstraint(fields=["source", "destination", "recipe"], name="one_flow_per_pair_and_recipe"),
        ]

    def __str__(self) -> str:
        return self.label
