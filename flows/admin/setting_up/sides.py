"""Connecting one side: an existing connection or a new one, its keys with the platform's guide at hand, or its sign-in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from audit.console.buttons import Said, tell
from audit.console.generics import AnyForm
from audit.console.prose import as_html
from connectors.kit.contract import Activation, Setting
from connectors.registry import get_connector, guide_to
from credentials.access import limit_to, may_manage
from credentials.accounts import connector_of, oauth_of, way_of
from credentials.addresses import addresses_there
from credentials.admin.connection_form import SECRET, SETTING, AddressField, ConnectionForm, checked_address, form_for, stored_names
from credentials.models import Connection
from credentials.setting_fields import secrets_of
from credentials.views import leave_for_handover, leave_for_oauth
from credentials.way_back import come_back_to
from flows.admin.setting_up.path import address, again, go_on, note, owners_of, show
from flows.guide import how_to_connect, platform_guide
from flows.models import SetUp
from flows.setting_up.ends import flow_there

MAY_ADD = "credentials.add_connection"


class NewSideForm(AnyForm):
    """A connection that does not exist yet."""

    base_url = AddressField()

    class Meta:
        model = Connection
        fields = ("label", "base_url")
        labels = {"label": "Name"}
        help_texts = {"label": "What you call it, for example the name of the shop or of the business."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connector = get_connector(self.instance.platform)
        self.fields["base_url"].help_text = connector.address_help
        if not connector.addressed:
            del self.fields["base_url"]

    def clean_base_url(self) -> str:
        return checked_address(self.cleaned_data["base_url"], self.instance.platform)

    def clean_label(self) -> str:
        label = str(self.cleaned_data["label"]).strip()
        if Connection.objects.filter(organization_id=self.instance.organization_id, label=label).exists():
            raise forms.ValidationError(
                "Another connection has this name. Take another name, or choose that connection above if it is there."
            )
        return label


def side(request: HttpRequest, row: SetUp, name: str) -> HttpResponse:
    """Which connection; then what it needs to be let in."""
    connection: Connection | None = getattr(row, name)
    if connection is None:
        return _choose(request, row, name)
    if request.method == "POST" and request.POST.get("do") == "other" and row.flow is None:
        setattr(row, name, None)
        row.tests.pop(name, None)
        row.save()
        return again(row, name)
    return _keys(request, row, name, connection)


# ---- which one ---------------------------------------------------------------------------------------------


def _choose(request: HttpRequest, row: SetUp, name: str) -> HttpResponse:
    platform = getattr(row, f"{name}_platform")
    known = limit_to(request.user, Connection.objects.filter(organization=row.organization_id, platform=platform))
    may_add = request.user.has_perm(MAY_ADD)
    making = request.method == "POST" and request.POST.get("do") == "new" and may_add
    blank = Connection(organization=row.organization, platform=platform)
    form = NewSideForm(request.POST if making else None, instance=blank, initial={"label": _free_label(row, platform)}) if may_add else None
    problem = ""
    if request.method == "POST" and request.POST.get("do") == "use":
        chosen = next((one for one in known if str(one.pk) == request.POST.get("connection")), None)
        problem = _problem(row, name, chosen)
        if chosen is not None and not problem:
            return _take(request, row, name, chosen)
    if form is not None and making and form.is_valid():
        page: Any = admin.site.get_model_admin(Connection)
        connection = form.save()
        page.log_addition(request, connection, [{"added": {}}])
        return _take(request, row, name, connection)
    context = {
        "side": name,
        "label": get_connector(platform).label,
        "known": [one for one in known if one.pk not in (row.source_id, row.destination_id)],
        "form": form,
        "problem": problem,
        "owners": "" if may_add else owners_of(row.organization),
        "connection": None,
    }
    return show(request, row, name, context)


def _free_label(row: SetUp, platform: str) -> str:
    label = get_connector(platform).label
    taken = set(Connection.objects.filter(organization=row.organization_id, label__startswith=label).values_list("label", flat=True))
    return next(one for n in range(1, len(taken) + 3) if (one := label if n == 1 else f"{label} {n}") not in taken)


def _problem(row: SetUp, name: str, chosen: Connection | None) -> str:
    """Why this connection cannot be taken."""
    if chosen is None:
        return "Choose one of these connections."
    tried = SetUp(recipe=row.recipe, source=row.source, destination=row.destination)
    setattr(tried, name, chosen)
    if tried.source_id == tried.destination_id:
        return "This is the other side already. Choose another connection, or make a new one."
    flow = flow_there(tried)
    return f'"{flow.label}" does this between these two connections already, and it is on.' if flow and flow.enabled else ""


def _take(request: HttpRequest, row: SetUp, name: str, connection: Connection) -> HttpResponse:
    setattr(row, name, connection)
    row.changed_by = request.user.get_username()
    row.save()
    note(request, row, "choose connection", f"{connection} is its {name}.")
    if connection.status == Connection.Status.ACTIVE:
        return go_on(request, row, name)
    return again(row, name)


# ---- its keys ----------------------------------------------------------------------------------------------


def _keys(request: HttpRequest, row: SetUp, name: str, connection: Connection) -> HttpResponse:
    may = may_manage(request.user, connection)
    form = _form(request, connection) if may else None
    if request.method == "POST":
        if request.POST.get("do") == "go-on" or form is None:
            return go_on(request, row, name)
        if form.is_valid():
            return _saved(request, row, name, connection, form)
    if may:
        come_back_to(request, connection, address(row, name))
    asked = _asked(connection)
    rare = [field for field in form.fields if field not in asked] if form else []
    context = {
        "side": name,
        "label": connector_of(connection).label,
        "connection": connection,
        "active": connection.status == Connection.Status.ACTIVE,
        "form": form,
        "secrets": [form[field] for field in form.fields if field in asked and field.startswith(SECRET)] if form else [],
        "plain": [form[field] for field in form.fields if field in asked and not field.startswith(SECRET)] if form else [],
        "rare": [form[field] for field in form.fields if field in rare] if form else [],
        "open": form is not None and any(field in rare for field in form.errors),
        "refused": _refused(row, name),
        "guide_url": platform_guide(connection.platform),
        "guide": as_html(how_to_connect(guide_to(connection.platform)), below=2),
        "there": _there(connection),
        "signs_in": _signs_in(connection),
        "hands_over": connector_of(connection).handover is not None,
        "owners": "" if may else owners_of(row.organization),
    }
    return show(request, row, name, context)


def _asked(connection: Connection) -> set[str]:
    """The fields that nobody can do without, and the keys that most people have at hand."""
    settings = connector_of(connection).settings_of(connection.settings)
    plain = {SETTING + one.name for one in settings if one.required or (one.name == "auth" and connector_of(connection).ways)}
    keys = {SECRET + one.name for one in secrets_of(connector_of(connection), connection.settings) if one.first}
    return {"base_url", *plain, *keys, *(SECRET + one.name for one in _needed(connection))}


def _needed(connection: Connection) -> list[Setting]:
    """The keys without which nobody is let in: those that are required, and those of the way that was chosen."""
    connector = connector_of(connection)
    way = connector.way(connection.settings)[0]
    return [one for one in secrets_of(connector, connection.settings) if one.required or way in one.ways]


def _missing(connection: Connection) -> list[str]:
    """The labels of those that were not entered yet. An activation that the shop begins brings all of them."""
    if isinstance(way_of(connection), Activation):
        return []
    stored = stored_names(connection)
    return [one.label for one in _needed(connection) if one.name not in stored]


def _there(connection: Connection) -> dict[str, str]:
    """What has to be entered at the platform to be let in; webhooks that a person registers are the last step's business."""
    webhooks = connector_of(connection).webhooks
    page: Any = admin.site.get_model_admin(Connection)
    found: dict[str, str] = addresses_there(connection) if webhooks is not None and webhooks.by_hand else page.addresses(connection)
    return found


def _refused(row: SetUp, name: str) -> list[str]:
    """What the last test said, while that is not mended."""
    found = row.tests.get(name, {})
    return [mend for _what, granted, mend in found.get("permissions", ()) if not granted and mend] + list(found.get("problems", []))


def _form(request: HttpRequest, connection: Connection) -> ConnectionForm:
    form = form_for(connection)(request.POST if request.method == "POST" else None, instance=connection)
    del form.fields["label"]
    form.fields["base_url"].help_text = connector_of(connection).address_help
    if not connector_of(connection).addressed and not connection.base_url:
        del form.fields["base_url"]
    return form


def _signs_in(connection: Connection) -> bool:
    """Whether a click here begins its sign-in; some begin at the platform."""
    auth = oauth_of(connection)
    return auth is not None and bool(auth.authorize_url or connection.urls.get("authorize"))


def _saved(request: HttpRequest, row: SetUp, name: str, connection: Connection, form: ConnectionForm) -> HttpResponse:
    """Store what was typed in, as the connection's own page does; then on, or away to the platform."""
    page: Any = admin.site.get_model_admin(Connection)
    changed = page.construct_change_message(request, form, None)
    with transaction.atomic():
        page.save_model(request, form.save(commit=False), form, True)
        page.log_change(request, connection, changed)
        row.tests.pop(name, None)
        row.save()
    if form.changes_way:
        tell(request, Said(f"{connection} is now authorised in another way. Enter what that needs."))
        return again(row, name)
    come_back_to(request, connection, address(row, name))
    if request.POST.get("do") != "hand-over" and (missing := _missing(connection)):
        tell(request, Said(f"Saved, but {connection} cannot sign in yet. Still to be entered: {', '.join(missing)}.", ok=False))
        return again(row, name)
    if request.POST.get("do") == "sign-in":
        return leave_for_oauth(request, connection)
    if request.POST.get("do") == "hand-over":
        return leave_for_handover(request, connection)
    return go_on(request, row, name)
