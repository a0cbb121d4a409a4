"""Filters of lists that ask the database nothing about the big table itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

_PERIODS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31)}
_LABELS = {"hour": "the last hour", "day": "the last day", "week": "the last week", "month": "the last month"}


def recent(field: str, title: str) -> type[SimpleListFilter]:
    """Rows whose time lies in a last period."""

    class Recent(SimpleListFilter):
        parameter_name = "period"

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return list(_LABELS.items())

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            span = _PERIODS.get(self.value() or "")
            return queryset if span is None else queryset.filter(**{f"{field}__gte": timezone.now() - span})

    Recent.title = title
    return Recent


def is_empty(field: str, title: str, empty: str, filled: str) -> type[SimpleListFilter]:
    """Rows with or without a value in the field."""

    class Filled(SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [("no", empty), ("yes", filled)]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            if self.value() not in ("yes", "no"):
                return queryset
            return queryset.filter(**{f"{field}__isnull": self.value() == "no"})

    Filled.title = title
    return Filled


def one_of(field: str, title: str, choices: tuple[tuple[str, str], ...]) -> type[SimpleListFilter]:
    """Rows with one of these values."""

    class OneOf(SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return list(choices)

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{field: self.value()}) if self.value() in dict(choices) else queryset

    OneOf.title = title
    return OneOf
