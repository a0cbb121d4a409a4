"""A flow that is being set up along the guided path: what was chosen so far, so that anybody of the organization can go on with it."""

from __future__ import annotations

from django.db import models

from connectors.registry import all_connectors
from credentials.models import Connection, Organization
from flows.models.flow import Flow


class SetUp(models.Model):
    """Two ends and a recipe first; then the connections, then the flow between them. step: the furthest that was reached, by its name;
    tests: what each side's test found, by the side's name.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="set_ups")
    recipe = models.CharField(max_length=60)
    source_platform = models.CharField(max_length=40)
    destination_platform = models.CharField(max_length=40)
    source = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="+")
    destination = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="+")
    flow = models.ForeignKey(Flow, null=True, on_delete=models.SET_NULL, related_name="+")
    step = models.CharField(max_length=20)
    tests = models.JSONField(default=dict)
    started_by = models.CharField(max_length=150)
    started_at = models.DateTimeField(auto_now_add=True)
    changed_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-changed_at",)
        default_permissions = ()
        permissions = [("set_up_flow", "Can set up flows along the guided path")]

    def __str__(self) -> str:
        return f"{_label(self.source_platform)} to {_label(self.destination_platform)}"


def _label(platform: str) -> str:
    connector = all_connectors().get(platform)
    return connector.label if connector else platform
