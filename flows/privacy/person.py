"""Who a privacy request is about, and how a text is recognised as being about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from urllib.parse import quote, quote_plus

from django.db.models import Q

from connectors.kit.contract import PrivacyRequest
from flows.models import PrivacyCase

SHORTEST = 6  # characters; anything shorter would stand in innocent texts


@dataclass(frozen=True, slots=True)
class Person:
    """E-mails and telephones in lower case in each spelling that bodies and addresses use; objects are (object type, source id)."""

    texts: tuple[str, ...]
    objects: frozenset[tuple[str, str]]

    def is_in(self, text: str) -> bool:
        low = text.lower()
        return any(one in low for one in self.texts)


def packed(request: PrivacyRequest) -> str:
    """As it is stored, encrypted."""
    objects = [[kind.value, source_id] for kind, source_id in request.objects]
    return json.dumps({"emails": request.emails, "telephones": request.telephones, "objects": objects})


def person_of(case: PrivacyCase) -> Person:
    """The person of a stored request; nobody where none is named."""
    wanted = json.loads(str(case.wanted) or "{}")
    named = [*wanted.get("emails", ()), *wanted.get("telephones", ())]
    texts = dict.fromkeys(form for name in named if len(name.strip()) >= SHORTEST for form in _spellings(name.strip().lower()))
    return Person(tuple(texts), frozenset((kind, source_id) for kind, source_id in wanted.get("objects", ())))


def _spellings(text: str) -> Iterator[str]:
    yield from (text, quote(text, safe="").lower(), quote_plus(text, safe="@").lower(), json.dumps(text)[1:-1].lower())


def any_contains(texts: tuple[str, ...], *columns: str) -> Q:
    """Rows of which one of the columns contains one of the texts; none at all without texts."""
    return reduce(or_, (Q(**{f"{column}__icontains": text}) for column in columns for text in texts), Q(pk__in=()))


def is_one_of(objects: frozenset[tuple[str, str]]) -> Q:
    """Rows about one of these objects."""
    kinds: dict[str, list[str]] = {}
    for kind, source_id in sorted(objects):
        kinds.setdefault(kind, []).append(source_id)
    return reduce(or_, (Q(object_type=kind, source_id__in=ids) for kind, ids in kinds.items()), Q(pk__in=()))
