"""Operator-owned rules of a flow: which item for a SKU, which tax, gateway or status for the shop's, which field from where."""

from __future__ import annotations

from django.db import models

from flows.models.flow import Flow
from flows.recipes.updating import EMPTY, MODES, NEW, OVERWRITE

LONGEST_NAME = 120


class ItemMapping(models.Model):
    """A SKU and the ledger item that stands for it."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="item_mappings", db_index=False)
    sku = models.CharField("SKU", max_length=LONGEST_NAME)
    item_id = models.CharField("item id", max_length=60, db_index=True)
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

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="value_mappings", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    source = models.CharField("in the shop", max_length=LONGEST_NAME)
    target = models.CharField("in the books", max_length=120)

    class Meta:
        ordering = ("flow_id", "kind", "source")
        constraints = [models.UniqueConstraint(fields=["flow", "kind", "source"], name="one_target_per_value")]

    def __str__(self) -> str:
        return f"{self.kind} {self.source} -> {self.target}"


class UpdateMode(models.TextChoices):
    """What an update may do with the field; the recipes know what each means (flows/recipes/updating.py)."""

    OVERWRITE = OVERWRITE, MODES[OVERWRITE]
    EMPTY = EMPTY, MODES[EMPTY]
    NEW = NEW, MODES[NEW]


class FieldMapping(models.Model):
    """A field of the destination filled by an expression over the source record."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="field_mappings", db_index=False)
    target = models.CharField("field of the books", max_length=60)
    expression = models.CharField("filled from", max_length=300)
    transform = models.CharField("how it is written", max_length=40, blank=True)
    default = models.CharField("if that is empty", max_length=200, blank=True)
    mode = models.CharField("when it is there already", max_length=12, choices=UpdateMode.choices, default=UpdateMode.OVERWRITE)

    class Meta:
        ordering = ("flow_id", "target")
        constraints = [models.UniqueConstraint(fields=["flow", "target"], name="one_rule_per_field")]

    def __str__(self) -> str:
        return f"{self.target} = {self.expression}"


class FieldMappingVersion(models.Model):
    """A field mapping as somebody left it, kept by flow and target: it outlives the mapping. Written by flows/mapping/rules.py only."""

    class What(models.TextChoices):
        MADE = "made", "made"
        CHANGED = "changed", "changed"
        RESTORED = "restored", "restored"
        DELETED = "deleted", "deleted"

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="field_mapping_versions", db_index=False)
    target = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    what = models.CharField(max_length=12, choices=What.choices)
    expression = models.CharField(max_length=300)
    transform = models.CharField(max_length=40, blank=True)
    default = models.CharField(max_length=200, blank=True)
    mode = models.CharField(max_length=12, choices=UpdateMode.choices, default=UpdateMode.OVERWRITE)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("flow_id", "target", "-number")
        constraints = [models.UniqueConstraint(fields=["flow", "target", "number"], name="one_version_per_number")]

    def __str__(self) -> str:
        return f"{self.target}, version {self.number}"
