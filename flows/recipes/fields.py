"""The operator's field mappings: a JMESPath over the source record, one transform of a closed list, a target of a closed list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import jmespath
from jmespath.exceptions import JMESPathError

from connectors.kit.errors import NeedsAttention
from flows.recipes.contract import FieldRule
from flows.recipes.plain import to_plain
from flows.recipes.updating import MODES

T = TypeVar("T")

TRANSFORMS: Mapping[str, Callable[[str], str]] = {
    "": lambda value: value,
    "trim": str.strip,
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "digits": lambda value: "".join(letter for letter in value if letter.isdigit()),
    "first_line": lambda value: value.strip().splitlines()[0] if value.strip() else "",
    "date": lambda value: value[:10],
}

# What may be filled. Amounts, numbers and references are not among them: they tie out.
TARGETS: Mapping[str, tuple[str, ...]] = {
    "invoice": ("notes",),
    "client": ("given_name", "family_name", "company", "phone", "tax_number", "note"),
    "item": ("name", "description"),
}


def targets() -> tuple[str, ...]:
    """All targets for a form: "invoice.notes", "client.company", ..."""
    return tuple(f"{group}.{name}" for group, fields in TARGETS.items() for name in fields)


def problem_with(rule: FieldRule) -> str:
    """A sentence about what is wrong with a rule, "" when it is right."""
    if rule.target not in targets():
        return f"{rule.target} cannot be filled; these can: {', '.join(targets())}."
    if rule.transform not in TRANSFORMS:
        return f"There is no transform {rule.transform}; there are: {', '.join(filter(None, TRANSFORMS))}."
    if rule.mode not in MODES:
        return f"There is no update mode {rule.mode}; there are: {', '.join(MODES)}."
    try:
        jmespath.compile(rule.expression)
    except JMESPathError as problem:
        why = str(problem).splitlines()[0].removeprefix("Invalid jmespath expression: ").rstrip(".: ")
        return f"The expression {rule.expression!r} is not JMESPath: {why}."
    return ""


def evaluate(rule: FieldRule, source: Any) -> str:
    """The rule's text for a record in plain JSON; the default when the expression finds nothing."""
    wrong = problem_with(rule)
    if wrong:
        sentence = f"The field mapping of {rule.target} is wrong. {wrong} Correct it under Field mappings."
        raise NeedsAttention(sentence, code="bad_field_mapping", subject=f"field:{rule.target}")
    return TRANSFORMS[rule.transform](found_by(rule, source)) or rule.default


def found_by(rule: FieldRule, source: Any) -> str:
    """What the expression alone finds, as text."""
    try:
        return _text(jmespath.search(rule.expression, source))
    except JMESPathError as problem:
        raise NeedsAttention(
            f"The field mapping of {rule.target} does not work on this record: {problem}. Correct it under Field mappings.",
            code="bad_field_mapping",
            subject=f"field:{rule.target}",
        ) from problem


def _text(found: Any) -> str:
    if isinstance(found, bool):
        return "yes" if found else "no"
    if found is None or isinstance(found, dict):
        return ""
    if isinstance(found, list):
        return ", ".join(filter(None, map(_text, found)))
    return str(found)


def filled(value: T, group: str, rules: Sequence[FieldRule], source: Any) -> T:
    """The value with the fields that the rules of its group fill; empty answers leave what is there."""
    mine = [rule for rule in rules if rule.target.partition(".")[0] == group]
    if not mine:
        return value
    plain = to_plain(source)
    answers = {rule.target.partition(".")[2]: evaluate(rule, plain) for rule in mine}
    changes: dict[str, Any] = {name: answer for name, answer in answers.items() if answer}
    return replace(value, **changes)  # type: ignore[type-var]
