"""The form of a field rule: a field of the record to choose, or an expression to write."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from audit.console.generics import AnyForm
from flows.mapping.canonical import RECORDS, all_paths, catalogue
from flows.mapping.rules import problem_in, targets_of
from flows.models import FieldMapping, Flow
from flows.recipes import RECIPES
from flows.recipes.contract import FieldRule
from flows.recipes.fields import TRANSFORMS, targets
from flows.recipes.updating import MODES, OVERWRITE

OWN = ("", "Choose a field, or write an expression below")
_SAID = {
    "": "as it is", "trim": "without blanks around it", "upper": "IN CAPITALS", "lower": "in small letters", "title": "With Capitals",
    "digits": "its digits only", "first_line": "its first line", "date": "its date (the first ten letters)",
}  # fmt: skip


def source_choices(flow: Flow | None) -> list[Any]:
    """The fields of the flow's records in groups; of all records where the flow is not known yet."""
    kinds = [RECIPES[flow.recipe].source] if flow else list(RECORDS)
    found: list[Any] = [OWN]
    for kind in kinds:
        for part, paths in catalogue(kind) if kind in RECORDS else ():
            head = part if flow or part == kind.value else f"{kind.value}: {part}"
            found.append((head, [(path, _words(path)) for path in paths]))
    return found


def _words(path: str) -> str:
    """ "given name (customer.given_name)"; a path of one word stands for itself."""
    last = path.replace(".amount", "").rpartition(".")[2].replace("[]", "").replace("_", " ")
    return path if last == path else f"{last} ({path})"


class FieldMappingForm(AnyForm):
    """A rule that cannot work would stop every order of the flow."""

    target = forms.ChoiceField(choices=[(name, _words(name)) for name in targets()], label="Field of the books")
    source = forms.ChoiceField(required=False, label="Filled from")
    expression = forms.CharField(required=False, max_length=300, label="Expression", widget=forms.TextInput(attrs={"size": 60}))
    transform = forms.ChoiceField(choices=[(name, _SAID.get(name, name)) for name in TRANSFORMS], required=False, label="How it is written")
    default = forms.CharField(required=False, max_length=200, label="If that is empty", strip=False)
    mode = forms.ChoiceField(choices=list(MODES.items()), required=False, label="When it is there already")

    class Meta:
        model = FieldMapping
        fields = ("flow", "target", "source", "expression", "transform", "default", "mode")

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        flow = self.known_flow()
        if "source" in self.fields:
            self.fields["source"].choices = source_choices(flow)  # type: ignore[attr-defined]
            self.fields[
                "expression"
            ].help_text = "JMESPath over the record, as: join(' ', [customer.given_name, customer.family_name]) or lines[0].name"
        if flow and "target" in self.fields:
            self.fields["target"].choices = [(name, _words(name)) for name in targets_of(flow)]  # type: ignore[attr-defined]
        known = self.initial.get("expression") or self.instance.expression
        if flow and RECIPES[flow.recipe].source in RECORDS and known in all_paths(RECIPES[flow.recipe].source):
            self.initial = {**self.initial, "source": known, "expression": ""}

    def known_flow(self) -> Flow | None:
        """The flow that the rule is of, or will be as far as is known."""
        if self.instance.flow_id:
            return cast("Flow", self.instance.flow)
        asked = str(self.data.get("flow") or self.initial.get("flow") or "")
        choices: Any = getattr(self.fields.get("flow"), "queryset", None)
        if choices is None or not asked.isdecimal() or len(asked) > 18:
            return None
        return cast("Flow | None", choices.filter(pk=int(asked)).first())

    def clean_mode(self) -> str:
        return self.cleaned_data.get("mode") or OVERWRITE

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        asked = self.cleaned_data
        asked["expression"] = asked.get("source") or asked.get("expression", "").strip()
        if not asked["expression"]:
            self.add_error("expression", "Choose a field above, or write an expression.")
        flow = asked.get("flow") or getattr(self.instance, "flow", None)
        if not self.errors and flow and (wrong := problem_in(flow, self.rule())):
            raise forms.ValidationError(wrong)
        return cleaned

    def rule(self) -> FieldRule:
        """The rule that was typed in."""
        asked = self.cleaned_data
        expression, transform, default = (str(asked.get(name, "")) for name in ("expression", "transform", "default"))
        return FieldRule(asked.get("target") or self.instance.target, expression, transform, default, asked.get("mode") or OVERWRITE)
