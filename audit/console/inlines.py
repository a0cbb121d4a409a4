"""Rows within a form: Django shows a column's name once above them; here each field also says its own, for who cannot see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.forms import BaseInlineFormSet

if TYPE_CHECKING:
    AnyRows = BaseInlineFormSet[Any, Any, Any]
else:
    AnyRows = BaseInlineFormSet


class SpokenRows(AnyRows):
    """For an inline's `formset`."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            if not field.widget.is_hidden:
                field.widget.attrs["aria-label"] = "Remove this row" if name == "DELETE" else str(field.label or name)
