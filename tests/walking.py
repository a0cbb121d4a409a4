"""Every address of the installation, from its URL patterns, for tests that try all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

_PART = re.compile(r"<(?:(\w+):)?(\w+)>")
_GROUP = re.compile(r"\(\?P<(\w+)>([^()]*)\)")
_SAMPLES = {"int": "1", "slug": "sample", "str": "sample", "path": "1", "uuid": "00000000-0000-4000-8000-000000000000", None: "sample"}


def every_address(values: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """(name, path) of each pattern; values fill its parameters by name, otherwise a sample does."""
    return [(name, "/" + path) for name, path in _walk(get_resolver().url_patterns, "", "", values or {})]


def _walk(patterns: list[Any], before: str, names: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        path = before + _filled(str(pattern.pattern), values)
        if isinstance(pattern, URLResolver):
            space = f"{names}{pattern.namespace}:" if pattern.namespace else names
            yield from _walk(pattern.url_patterns, path, space, values)
        elif isinstance(pattern, URLPattern):
            yield f"{names}{pattern.name or ''}", path


def _filled(pattern: str, values: Mapping[str, str]) -> str:
    text = _GROUP.sub(lambda found: values.get(found[1], found[2].split("|")[0].replace(".*", "sample")), pattern)
    text = _PART.sub(lambda found: values.get(found[2], _SAMPLES.get(found[1], "sample")), text)
    return text.replace("^", "").replace("$", "").replace("\\Z", "")
