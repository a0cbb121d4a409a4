"""The dry run: the last records through the flow as it is set up now, and what would be created for each. Nothing is written anywhere."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from flows.admin.setting_up.path import address, again, go_on, show
from flows.home.attention import mending
from flows.models import SetUp
from flows.recipes import RECIPES
from flows.setting_up.proposals import kinds_for
from flows.setting_up.steps import MAPPINGS, OPTIONS, TRIAL
from flows.setting_up.trial import Tried, try_out

_BADGES = {"exact": "good", "ready": "good", "in order": "good", "left out": "quiet", "missing": "warn", "differs": "bad"}
# What an option of the flow decides, by the code of what stopped the record.
_OPTION_CODES = frozenset({"bad_option", "no_email", "currency_not_taken", "several", "ambiguous", "rounding", "tax_rate_differs"})


class HowManyForm(forms.Form):
    """Few are quick, many find more."""

    count = forms.TypedChoiceField(
        label="How many", choices=[(5, "the last 5"), (10, "the last 10"), (25, "the last 25")], coerce=int, initial=10
    )


@dataclass(frozen=True, slots=True)
class Row:
    """mend: the label and the page that cure what is missing."""

    tried: Tried
    badge: str
    mend: tuple[str, str]


def trial(request: HttpRequest, row: SetUp) -> HttpResponse:
    """POST with do=try answers with the table; POST alone goes on."""
    if row.flow is None:
        return again(row, TRIAL)
    trying = request.method == "POST" and request.POST.get("do") == "try"
    if request.method == "POST" and not trying:
        return go_on(request, row, TRIAL)
    form = HowManyForm(request.POST if trying else None)
    found = try_out(row.flow, form.cleaned_data["count"], timezone.now()) if trying and form.is_valid() else None
    rows = [Row(one, _BADGES[one.verdict], _mend(row, one)) for one in found.tried] if found else []
    context = {
        "form": form,
        "found": found,
        "rows": rows,
        "left": sum(one.tried.verdict == "left out" for one in rows),
        "stopped": sum(one.tried.verdict in ("missing", "differs") for one in rows),
        "kind": RECIPES[row.recipe].source,
    }
    return show(request, row, TRIAL, context)


def _mend(row: SetUp, tried: Tried) -> tuple[str, str]:
    """Where it is cured: on this path if it can be, else on the page of the thing itself."""
    if tried.verdict not in ("missing", "differs") or row.flow is None:
        return "", ""
    kind = tried.subject.partition(":")[0].replace("sku", "item")
    if kind in kinds_for(row.recipe):
        return "Map it", f"{address(row, MAPPINGS)}#{kind}"
    if tried.code in _OPTION_CODES:
        return "Change the options", address(row, OPTIONS)
    return mending(row.flow, tried.subject)
