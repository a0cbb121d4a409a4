"""Operator-owned rules of a flow: which item for a SKU, which tax, gateway or status for the shop's, which field from where."""

from __future__ import annotations

from django.db import models

from flows.models.flow import Flow


class ItemMapping(models.Model):
    """A SKU and the ledger item that stands for it."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="item_mappings")
    sku = models.CharField("SKU", max_length=120)
    item_id = models.CharField("item id", max_length=60)
    item_name = models.CharField("item name", max_length=255)

    class Meta:
        ordering = ("flow_id", "sku")
        constraints = [models.UniqueConstraint(fields=["flow", "sku"], name="one_item_per_sku")]

    def __str__(self) -> str:
        return f"{self.sku} -> {self.item_name}"


class ValueMapping(models.Model):
    """A value of the source and what it is called at the destination."""

    class Kind(models.TextChoices):
        TAX = "tax", "tax"
        GATEWAY = "gateway", "payment method"
        STATUS = "status", "status"
        ACCOUNT = "account", "account"

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="value_mappings")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    source = models.CharField(max_length=120)
    target = models.CharField(max_length=120)

    class Meta:
        ordering = ("flow_id", "kind", "source")
        constraints = [models.UniqueConstraint(fields=["flow", "kind", "source"], name="one_target_per_value")]

    def __str__(self) -> str:
        return f"{self.kind} {self.source} -> {self.target}"


class FieldMapping(models.Model):
    """A field of the destination filled by an expression over the source record."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="field_mappings")
    target = models.CharField(max_length=60)
    expression = models.CharField(max_length=300, help_text="JMESPath over the canonical record.")
    transform = models.CharField(max_length=40, blank=True)
    default = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("flow_id", "target")
        constraints = [models.UniqueConstraint(fields=["flow", "target"], name="one_rule_per_field")]

    def __str__(self) -> str:
        return f"{self.target} = {self.expression}"
