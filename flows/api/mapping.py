"""Mappings, read and written: what waited for one goes on, as when a person saves it in the console."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import CreateModelMixin, DestroyModelMixin, ListModelMixin, RetrieveModelMixin, UpdateModelMixin

from audit.models import Outcome
from audit.services import write
from connectors.kit.errors import NeedsAttention
from credentials.people.tokens import Scope
from flows.api.entry import Entry
from flows.api.paging import OldestFirst
from flows.api.questions import LARGEST, OfFlow, OfItems, OfValues, asked
from flows.mapping.rules import delete_rule, rule_of, save_rule
from flows.models import FieldMapping, Flow, ItemMapping, ValueMapping
from flows.recipes.contract import FieldRule
from flows.recipes.fields import TRANSFORMS, targets
from flows.recipes.updating import MODES, OVERWRITE
from flows.releasing import mapping_saved

M = TypeVar("M", bound=Model)
Row = ItemMapping | ValueMapping | FieldMapping


class Mapped(serializers.ModelSerializer[M]):
    """What identifies a mapping stays as it was made; released is how many waiting jobs go on with it."""

    flow: Any = serializers.PrimaryKeyRelatedField(
        queryset=Flow.objects.none(), pk_field=serializers.IntegerField(min_value=1, max_value=LARGEST)
    )
    released = serializers.IntegerField(read_only=True, default=0)
    identity: tuple[str, ...] = ()

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        view: Any = self.context.get("view")
        if isinstance(view, Entry) and getattr(view.request, "auth", None) is not None:
            fields["flow"].queryset = view.flows()
        if self.instance is not None:
            for name in ("flow", *self.identity):
                fields[name].read_only = True
        return fields


class ItemShape(Mapped[ItemMapping]):
    """A SKU and the item of the books that stands for it."""

    identity = ("sku",)

    class Meta:
        model = ItemMapping
        fields = ("id", "flow", "sku", "item_id", "item_name", "released")


class ValueShape(Mapped[ValueMapping]):
    """A tax, payment method, status or account of the source, and what it is called at the destination."""

    identity = ("kind", "source")
    source_value = None

    class Meta:
        model = ValueMapping
        fields = ("id", "flow", "kind", "source", "target", "released")


class FieldShape(Mapped[FieldMapping]):
    """A field of the destination, filled by an expression over the source's record."""

    identity = ("target",)
    target = serializers.ChoiceField([(name, name) for name in targets()])
    transform = serializers.ChoiceField([(name, name) for name in TRANSFORMS], default="", allow_blank=True)
    mode = serializers.ChoiceField(list(MODES.items()), default=OVERWRITE)

    class Meta:
        model = FieldMapping
        fields = ("id", "flow", "target", "expression", "transform", "default", "mode", "released")


class Mappings(CreateModelMixin, ListModelMixin, RetrieveModelMixin, UpdateModelMixin, DestroyModelMixin, Entry):
    """Of all flows that the token reaches."""

    pagination_class = OldestFirst
    http_method_names = ("get", "post", "patch", "delete", "head", "options")
    question: type[serializers.Serializer[Any]] = OfFlow
    model: type[Any]

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model.objects.filter(flow__in=self.flow_ids()).select_related("flow__organization")
        return rows.filter(**asked(self.request, self.question)) if self.action == "list" else rows

    @transaction.atomic
    def perform_create(self, serializer: Any) -> None:
        serializer.instance = self._told("add", *self.save(serializer))

    @transaction.atomic
    def perform_update(self, serializer: Any) -> None:
        serializer.instance = self._told("change", *self.save(serializer))

    @transaction.atomic
    def perform_destroy(self, instance: Any) -> None:
        self._told("delete", instance, 0)
        self.remove(instance)

    def save(self, serializer: Any) -> tuple[Row, int]:
        """Store it; the row, and how many jobs go on."""
        row = serializer.save()
        return row, mapping_saved(row, self.signature)

    def remove(self, row: Any) -> None:
        row.delete()

    def _told(self, verb: str, row: Any, released: int) -> Any:
        went_on = f" {released} waiting job(s) go on with it." if released else ""
        write(
            actor=self.signature,
            action=f"{verb} {row._meta.verbose_name}",
            outcome=Outcome.DONE,
            organization_id=row.flow.organization_id,
            flow_id=row.flow_id,
            object_type=row._meta.model_name,
            source_id=str(row.pk),
            message=f"{row}: {_PAST[verb]} over the API.{went_on}",
        )
        row.released = released
        return row


_PAST = {"add": "added", "change": "changed", "delete": "deleted"}


def needs_of(model: str) -> dict[str, tuple[Scope, str]]:
    """Reading, and each way of writing, by the console's own permissions."""
    verbs = {"create": "add", "partial_update": "change", "destroy": "delete"}
    writing = {action: (Scope.MAPPINGS, f"flows.{verb}_{model}") for action, verb in verbs.items()}
    return {"*": (Scope.READ, f"flows.view_{model}"), **writing}


@extend_schema_view(list=extend_schema(parameters=[OfItems]))
class ItemsView(Mappings):
    """SKU to item."""

    model, queryset = ItemMapping, ItemMapping.objects.none()
    serializer_class, question = ItemShape, OfItems
    needs = needs_of("itemmapping")


@extend_schema_view(list=extend_schema(parameters=[OfValues]))
class ValuesView(Mappings):
    """Taxes, payment methods, statuses, accounts."""

    model, queryset = ValueMapping, ValueMapping.objects.none()
    serializer_class, question = ValueShape, OfValues
    needs = needs_of("valuemapping")


@extend_schema_view(list=extend_schema(parameters=[OfFlow]))
class FieldsView(Mappings):
    """Which field from where; every version stays with who made it."""

    model, queryset = FieldMapping, FieldMapping.objects.none()
    serializer_class = FieldShape
    needs = needs_of("fieldmapping")

    def save(self, serializer: Any) -> tuple[Row, int]:
        row = serializer.instance or FieldMapping(**{"default": "", "transform": "", "mode": OVERWRITE, **serializer.validated_data})
        for name, value in serializer.validated_data.items():
            setattr(row, name, value)
        rule: FieldRule = rule_of(row)
        try:
            return save_rule(row.flow, rule, self.signature)
        except NeedsAttention as wrong:
            raise ValidationError({"expression": [wrong.message]}) from None

    def remove(self, row: Any) -> None:
        delete_rule(row, self.signature)
