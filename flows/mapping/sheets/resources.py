"""What a sheet of each kind of mapping says, line by line, in names that people know: organization, flow, SKU. Never our own ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from import_export import fields, resources

from flows.mapping.rules import problem_in, rule_of, save_rule
from flows.mapping.sheets.files import as_typed, text_of
from flows.mapping.values import CLOSED, kinds_of, targets_of
from flows.models import FieldMapping, Flow, ItemMapping, ValueMapping
from flows.recipes.updating import OVERWRITE

NEW, CHANGED, SAME, WRONG = "new", "changed", "same", "wrong"


@dataclass(frozen=True, slots=True)
class Line:
    """What a line comes to. number: as a spreadsheet counts it; was and becomes: the mapping before and after; problems: sentences."""

    number: int
    verb: str
    name: str
    was: str = ""
    becomes: str = ""
    problems: tuple[str, ...] = ()


class MappingResource(resources.ModelResource):  # type: ignore[misc]
    """One import or export by one person. keys identify a mapping within its flow; told are what it says; needed columns must be there."""

    keys: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    cells: Mapping[str, str] = {}  # what a person writes into a column that must not be empty
    organization = fields.Field(attribute="flow__organization__slug", column_name="organization", readonly=True)
    flow = fields.Field(attribute="flow__label", column_name="flow", readonly=True)

    def __init__(self, flows: Iterable[Flow] = (), by: str = "") -> None:
        """flows: those that the person may map for."""
        super().__init__()
        self.by = by
        self.lines: list[Line] = []
        self.changes: list[tuple[Any, bool, str]] = []  # each mapping, whether it is new, what it was
        self._flows: dict[tuple[str, str], Flow] = {(flow.organization.slug.casefold(), flow.label): flow for flow in flows}
        self._held: dict[tuple[Any, ...], Any] = {}
        self._seen: dict[tuple[Any, ...], int] = {}
        self._was = ""
        self._before: tuple[str, ...] = ()

    # ---- a line --------------------------------------------------------------------------------------------

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        labels = {text_of(label) for label in dataset["flow"]}
        flows = [flow for (_, label), flow in self._flows.items() if label in {as_typed(label) for label in labels}]
        known = {flow.pk: flow for flow in flows}
        for row in self._meta.model.objects.filter(flow__in=flows):
            row.flow = known[row.flow_id]
            self._held[(row.flow_id, *(getattr(row, name) for name in self.keys))] = row

    def before_import_row(self, row: dict[str, Any], **kwargs: Any) -> None:
        for name in [name for name in row if name in self.fields]:
            try:
                row[name] = as_typed(text_of(row[name]))
            except ValueError as problem:
                raise ValidationError({name: str(problem)}) from problem
        self.tidy(row)

    def tidy(self, row: dict[str, Any]) -> None:
        """Words that mean the same."""

    def get_or_init_instance(self, instance_loader: Any, row: Mapping[str, Any]) -> tuple[Any, bool]:
        flow = self._flow_of(row)
        key = (flow.pk, *(row[name] for name in self.keys))
        known = self._held.get(key)
        self._was, self._before = (self.says(known), self._values(known)) if known else ("", ())
        return known or self._meta.model(flow=flow, **{name: row[name] for name in self.keys}), known is None

    def _flow_of(self, row: Mapping[str, Any]) -> Flow:
        slug, label = str(row.get("organization", "")).casefold(), row["flow"]
        if not label:
            raise ValidationError({"flow": "The cell is empty. Write the name of the flow, as the console shows it."})
        found = [flow for (place, name), flow in self._flows.items() if name == label and slug in ("", place)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValidationError({"organization": f'Several organizations have a flow "{label}". Name the organization.'})
        among = f' in the organization "{row["organization"]}"' if slug else ""
        raise ValidationError({"flow": f'You have no flow "{label}"{among}.'})

    def _values(self, row: Any) -> tuple[str, ...]:
        return tuple(getattr(row, name) for name in self.told)

    def says(self, row: Any) -> str:
        """The mapping in words for people."""
        return str(getattr(row, self.told[0]))

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        self._once(instance)
        return bool(instance.pk) and not import_validation_errors and self._values(instance) == self._before

    def _once(self, instance: Any) -> None:
        key = (instance.flow_id, *(getattr(instance, name) for name in self.keys))
        first = self._seen.setdefault(key, len(self.lines) + 2)
        if first != len(self.lines) + 2:
            raise ValidationError({self.keys[-1]: f"Line {first} says it already."})

    def validate_instance(self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True) -> None:
        """Without a query for each line: the flow is the person's own, and a mapping that stands there was found by its key."""
        errors: dict[str, Any] = dict(import_validation_errors or {})
        try:
            instance.clean_fields(exclude={"flow", *errors})
        except ValidationError as problem:
            errors |= {name: [self._said(name, error) for error in found] for name, found in problem.error_dict.items()}
        if not errors and (wrong := self.problem_with(instance)):
            errors = {self.told[0]: [wrong]}
        if errors:
            raise ValidationError(errors)

    def _said(self, name: str, error: ValidationError) -> str:
        """What is wrong with a cell, and what belongs there, instead of the words of a form."""
        limits: Mapping[str, Any] = error.params or {}
        if error.code in ("blank", "null"):
            return f"The cell is empty. Write {self.cells.get(name, 'something')}."
        if error.code == "max_length":
            return f"It has {limits['show_value']} characters. Write at most {limits['limit_value']} characters."
        if error.code == "invalid_choice":
            allowed = ", ".join(str(value) for value, _ in self._meta.model._meta.get_field(name).flatchoices)
            return f'"{limits["value"]}" is not known here. Write one of: {allowed}.'
        return " ".join(error.messages)

    def bulk_update(self, using_transactions: bool, dry_run: bool, raise_errors: bool, batch_size: Any = None, result: Any = None) -> None:
        """By key, in one statement for each batch: the package's own way takes a minute for 50,000 lines."""
        names = ("flow_id", *self.keys, *self.told)
        rows = [self._meta.model(**{name: getattr(row, name) for name in names}) for row in self.update_instances]
        self.update_instances.clear()
        self._meta.model.objects.bulk_create(
            rows, batch_size=1000, update_conflicts=True, unique_fields=["flow", *self.keys], update_fields=list(self.told)
        )

    def problem_with(self, instance: Any) -> str:
        """A sentence about a mapping that cannot work."""
        return ""

    def save_instance(self, instance: Any, is_create: bool, row: Any, **kwargs: Any) -> None:
        self.changes.append((instance, is_create, self._was))
        if not kwargs.get("dry_run"):
            super().save_instance(instance, is_create, row, **kwargs)

    def after_import_row(self, row: Mapping[str, Any], row_result: Any, row_number: int = 0, **kwargs: Any) -> None:
        verb = {"new": NEW, "update": CHANGED}.get(row_result.import_type, SAME)
        becomes = self.says(self.changes[-1][0]) if verb != SAME else self._was
        self.lines.append(Line(row_number + 1, verb, self.name_of(row), self._was, becomes))

    def name_of(self, row: Mapping[str, Any]) -> str:
        """What a line is about."""
        return " ".join(filter(None, (str(row.get(name) or "") for name in ("flow", *self.keys))))

    def import_row(self, row: Any, instance_loader: Any, **kwargs: Any) -> Any:
        """As the package does it; what is wrong with a line is kept as a line, too."""
        done = super().import_row(row, instance_loader, **kwargs)
        if done.validation_error is not None or done.errors:
            number = kwargs["row_number"] + 1
            self.lines.append(Line(number, WRONG, self.name_of(row), problems=_sentences(done)))
        return done


def _sentences(done: Any) -> tuple[str, ...]:
    if done.validation_error is None:
        return tuple(f"This line could not be read ({error.error}). Compare it with a line of an export." for error in done.errors)
    by_field = getattr(done.validation_error, "message_dict", None) or {"": done.validation_error.messages}
    return tuple(
        f"Column {name}: {said}" if name and name != "__all__" else said for name, all_said in by_field.items() for said in all_said
    )


class _Options:
    """Shared by all: lines are written together, and compared by what they say."""

    use_bulk = True
    batch_size = 1000
    skip_diff = True
    report_skipped = True
    clean_model_instances = False


class ItemMappingResource(MappingResource):
    """SKU to item."""

    keys, told, needed = ("sku",), ("item_id", "item_name"), ("flow", "sku", "item_id", "item_name")
    cells = {"sku": "the SKU as the shop has it", "item_id": "the item's id in the books", "item_name": "the item's name in the books"}

    class Meta(_Options):
        model = ItemMapping
        fields = ("organization", "flow", "sku", "item_id", "item_name")
        import_id_fields = ("flow", "sku")

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        super().before_import(dataset, **kwargs)
        told = {as_typed(str(sku).strip()) for sku in dataset["sku"]}
        numbers = ((flow, sku) for flow, sku in self._held if sku.isdecimal() and sku.startswith("0"))
        self._cut = {(flow, sku.lstrip("0")): sku for flow, sku in numbers if sku not in told}

    def problem_with(self, instance: Any) -> str:
        """Raises for the SKU itself: a new number, where the same with leading zeros is mapped and has no line in the file."""
        whole = self._cut.get((instance.flow_id, instance.sku)) if instance.pk is None else None
        if whole is not None:
            said = f'"{whole}" is mapped here, and spreadsheets drop leading zeros. Format the column as text, or give {whole} a line, too.'
            raise ValidationError({"sku": [said]})
        return ""

    def says(self, row: Any) -> str:
        return f"{row.item_name} ({row.item_id})"


class ValueMappingResource(MappingResource):
    """Taxes, ways to pay, statuses, accounts."""

    keys, told, needed = ("kind", "source"), ("target",), ("flow", "kind", "source", "target")
    cells = {"source": "what the shop calls it", "target": "what the books call it"}

    class Meta(_Options):
        model = ValueMapping
        fields = ("organization", "flow", "kind", "source", "target")
        import_id_fields = ("flow", "kind", "source")

    def tidy(self, row: dict[str, Any]) -> None:
        labels = {label.casefold(): value for value, label in ValueMapping.Kind.choices}
        kind = str(row.get("kind", "")).casefold()
        row["kind"] = labels.get(kind, kind)
        if row["kind"] not in ValueMapping.Kind.values:
            said = f'"{kind}" is not known here.' if kind else "The cell is empty."
            raise ValidationError({"kind": f"{said} Write one of: {', '.join(ValueMapping.Kind.values)}."})

    def problem_with(self, instance: Any) -> str:
        if instance.kind not in kinds_of(instance.flow):
            return f"{instance.flow} looks up no {instance.get_kind_display()}."
        known = [one.name for one in targets_of(instance.flow, instance.kind)] if instance.kind in CLOSED else [instance.target]
        return "" if instance.target in known else f'{instance.flow.destination} does not know "{instance.target}": {", ".join(known)}.'


class FieldMappingResource(MappingResource):
    """Field rules. Each goes through the service that keeps its versions."""

    keys, told, needed = ("target",), ("expression", "transform", "default", "mode"), ("flow", "target", "expression")
    cells = {"target": "the field to fill, like invoice.notes", "expression": "the field that it is filled from, like note"}

    class Meta(_Options):
        model = FieldMapping
        fields = ("organization", "flow", "target", "expression", "transform", "default", "mode")
        import_id_fields = ("flow", "target")
        use_bulk = False

    def tidy(self, row: dict[str, Any]) -> None:
        if "mode" in row:
            row["mode"] = row["mode"].casefold() or OVERWRITE

    def says(self, row: Any) -> str:
        return " | ".join(getattr(row, name) or "-" for name in self.told)

    def problem_with(self, instance: Any) -> str:
        return problem_in(instance.flow, rule_of(instance))

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        row, _ = save_rule(instance.flow, rule_of(instance), self.by)
        instance.pk = row.pk
