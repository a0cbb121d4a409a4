"""Expressions that are JMESPath and yet can never fill a field: tried on a record that has everything."""

from __future__ import annotations

from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, JMESPathTypeError

from connectors.canonical.identity import ObjectType
from flows.mapping.canonical import sample

_TEXT, _NUMBER, _LIST, _OBJECT, _FLAG = "a text", "a number", "a list", "an object", "yes or no"
_SAID = {
    "str": _TEXT, "string": _TEXT, "int": _NUMBER, "float": _NUMBER, "number": _NUMBER, "list": _LIST, "array": _LIST, "dict": _OBJECT,
    "object": _OBJECT, "bool": _FLAG, "boolean": _FLAG, "array-number": "a list of numbers", "array-string": "a list of texts",
}  # fmt: skip
_NOTHING = "null"  # what an expression looks for may be in some records and not in this one


def never_works(expression: str, kind: ObjectType) -> str:
    """A sentence about why no record of this kind gets a text out of the expression, "" where some may."""
    try:
        found = jmespath.search(expression, sample(kind))
    except JMESPathTypeError as problem:
        return "" if problem.actual_type == _NOTHING else f"The expression {expression!r} works on no {kind.value}: {_mismatch(problem)}"
    except JMESPathError as problem:
        return f"The expression {expression!r} works on no {kind.value}: {str(problem).splitlines()[0]}."
    fields = _only_objects(found)
    if not fields:
        return ""
    is_name = isinstance(found, dict) and expression.isidentifier()
    example = f", as {expression}.{'email' if 'email' in fields else fields[0]}" if is_name else ""
    return (
        f"The expression {expression!r} finds a whole object (with {', '.join(fields)}), and that would always stay empty. Name the "
        f"field that you mean{example}."
    )


def _mismatch(problem: JMESPathTypeError) -> str:
    wanted = " or ".join(_SAID.get(name, name) for name in problem.expected_types)
    return f"{problem.function_name}() takes {wanted}, and here it gets {_SAID.get(problem.actual_type, problem.actual_type)}."


def _only_objects(found: Any) -> list[str]:
    """The fields of the objects, where objects are all that was found; else nothing."""
    if isinstance(found, dict):
        return list(found)
    parts = [_only_objects(part) for part in found] if isinstance(found, list) else []
    return parts[0] if parts and all(parts) else []
