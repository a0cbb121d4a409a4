"""How the flow works, in plain words: the options that are worth a look first, the others behind a click. Saving it makes the flow, off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from connectors.registry import get_connector
from flows.admin.flow_form import OPTION, FlowForm, form_for
from flows.admin.setting_up.path import go_on, show
from flows.models import Flow, SetUp
from flows.recipes import RECIPES
from flows.releasing import options_changed
from flows.schedules import schedule_poll
from flows.selectors import settings_for
from flows.setting_up.ends import flow_there
from flows.setting_up.steps import OPTIONS

_STATUSES, _PREFIX, _START = OPTION + "statuses", OPTION + "invoice_prefix", OPTION + "start_date"


def options(request: HttpRequest, row: SetUp) -> HttpResponse:
    """The flow's form; what the start asks for is left to the start."""
    flow = row.flow or _flow(row)
    form = _form(flow, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        row.flow = _saved(request, flow, form)
        return go_on(request, row, OPTIONS)
    first = [OPTION + option.name for option in settings_for(flow) if option.first]
    asked = [name for name in form.fields if name in first] or [name for name in form.fields if name.startswith(OPTION)]
    shown = ["label", *asked]
    context = {
        "form": form,
        "shown": [form[name] for name in shown],
        "rest": [form[name] for name in form.fields if name not in shown],
        "open": any(name not in shown for name in form.errors),
    }
    return show(request, row, OPTIONS, context)


def _flow(row: SetUp) -> Flow:
    """The one that an earlier path left switched off, else a new one with a prefix where the books have invoices of another shop."""
    found = flow_there(row)
    if found is not None or row.source is None or row.destination is None:
        return found or Flow()
    flow = Flow(organization=row.organization, source=row.source, destination=row.destination, recipe=row.recipe, enabled=False)
    flow.label = _free_label(f"{row.source} to {row.destination}: {RECIPES[row.recipe].source.plural}"[:110], flow)
    others = Flow.objects.filter(destination=row.destination, recipe=row.recipe)
    if _PREFIX in _names(flow) and others.exists():
        flow.options = {"invoice_prefix": "".join(letter for letter in row.source.label.upper() if letter.isalnum())[:4] + "-"}
    return flow


def _names(flow: Flow) -> set[str]:
    return {OPTION + option.name for option in settings_for(flow)}


def _free_label(label: str, flow: Flow) -> str:
    taken = set(Flow.objects.filter(organization=flow.organization_id, label__startswith=label).values_list("label", flat=True))
    return next(one for n in range(1, len(taken) + 3) if (one := label if n == 1 else f"{label} {n}") not in taken)


def _form(flow: Flow, posted: Any) -> FlowForm:
    form = form_for(flow)(posted, instance=flow)
    form.fields.pop(_START, None)
    known = get_connector(flow.source.platform)
    if _STATUSES in form.fields and known.statuses:
        form.fields[_STATUSES] = forms.MultipleChoiceField(
            choices=known.statuses,
            initial=flow.options.get("statuses") or list(known.paid_statuses),
            widget=forms.CheckboxSelectMultiple,
            label="Orders in these statuses are booked",
            required=False,
            help_text="As the shop shows them. Those that are ticked at first count as paid there.",
        )
    return form


def _saved(request: HttpRequest, flow: Flow, form: FlowForm) -> Flow:
    """As the flow's own page does."""
    chosen = form.cleaned_data.get(_STATUSES)
    if isinstance(chosen, list) and set(chosen) == set(get_connector(flow.source.platform).paid_statuses):
        form.cleaned_data[_STATUSES] = ""  # what the shop itself calls paid, also when that changes
    page: Any = admin.site.get_model_admin(Flow)
    is_new = flow.pk is None
    with transaction.atomic():
        saved = form.save()
        schedule_poll(saved)
        if is_new:
            page.log_addition(request, saved, [{"added": {}}])
        else:
            page.log_change(request, saved, page.construct_change_message(request, form, None))
            if form.changed_options:
                options_changed(saved, request.user.get_username())
    return saved
