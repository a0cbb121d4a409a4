"""How often a flow looks for changes, as a number and a unit."""

from __future__ import annotations

from typing import Any

from django import forms

from flows.admin.flow_form import FASTEST
from flows.models import Flow

UNITS = (("60", "minutes"), ("3600", "hours"), ("1", "seconds"), ("0", "never"))
SLOWEST = 86_400


class RhythmForm(forms.Form):
    """seconds is what comes of it; 0 for never."""

    number = forms.IntegerField(label="Every", min_value=1, max_value=SLOWEST, required=False)
    unit = forms.ChoiceField(label="Unit", choices=UNITS)

    @classmethod
    def of(cls, flow: Flow) -> RhythmForm:
        """As the flow has it now."""
        size = next((size for size in (3600, 60, 1) if flow.poll_seconds and flow.poll_seconds % size == 0), 0)
        number = flow.poll_seconds // size if size else 5
        return cls(initial={"number": number, "unit": str(size)}, auto_id=f"rhythm_%s_{flow.pk}")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "unit" not in self.cleaned_data or "number" not in self.cleaned_data:
            return cleaned
        if self.cleaned_data["unit"] != "0" and not self.cleaned_data["number"]:
            raise forms.ValidationError("Write how many minutes or hours lie between two looks.")
        if 0 < self.seconds < FASTEST or self.seconds > SLOWEST:
            raise forms.ValidationError(f"Between {FASTEST} seconds and one day, or never.")
        return cleaned

    @property
    def seconds(self) -> int:
        return int(self.cleaned_data["number"] or 0) * int(self.cleaned_data["unit"])
