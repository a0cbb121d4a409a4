"""Brings the database to what a provisioning file says: all of it in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction

from audit.models import Outcome
from audit.services import write
from config.provision.alert_targets import AlertTargetEntry, apply_alert_target
from config.provision.choices import check_connection, checked
from config.provision.entries import ConnectionEntry, Document, FlowEntry, OrganizationEntry, UserEntry, read_document
from config.provision.mappings import apply_mappings
from config.provision.reading import nearest
from config.provision.rows import Step, bring
from connectors.kit.errors import SyncError
from connectors.registry import all_connectors, get_connector
from credentials.models import Connection, Membership, Organization
from credentials.people.ending import end_access, end_what_only_owners_may
from credentials.vault import read_secrets, set_secrets
from flows.alerting.planning import ensure_contacts
from flows.models import Flow
from flows.polling import read_from_now
from flows.recipes import RECIPES
from flows.recipes.options import left_open
from flows.releasing import options_changed
from flows.schedules import schedule_poll
from flows.selectors import settings_for


@dataclass(frozen=True)
class Provisioned:
    """What was done, and which connections and flows are new or different (to be tried out)."""

    steps: tuple[Step, ...]
    connections: tuple[Connection, ...]
    flows: tuple[Flow, ...]


def provision(content: Mapping[str, Any], environ: Mapping[str, str]) -> Provisioned:
    """Apply the content of a provisioning file. Raises ProvisionError naming the key; then nothing was changed."""
    document = read_document(content, environ)
    connections: list[Connection] = []
    flows: list[Flow] = []
    with transaction.atomic():
        steps = list(_steps(document, connections, flows))
        _write_audit(steps)
    return Provisioned(tuple(steps), tuple(connections), tuple(flows))


def _write_audit(steps: list[Step]) -> None:
    lines = [" ".join(str(step).split()) for step in steps if step.verb != "left"]
    if lines:
        write(actor="provision", action="provision", outcome=Outcome.DONE, message=f"{len(lines)} changes", evidence={"changes": lines})


def _steps(document: Document, connections: list[Connection], flows: list[Flow]) -> Iterator[Step]:
    for organization in document.organizations:
        yield _apply_organization(organization)
    for user in document.users:
        yield _apply_user(user)
    for entry in document.connections:
        connection, step = _apply_connection(entry)
        if step.verb != "left":
            connections.append(connection)
        yield step
    for flow_entry in document.flows:
        flow, step = _apply_flow(flow_entry)
        if step.verb != "left":
            flows.append(flow)
        yield step
        yield from apply_mappings(flow, flow_entry)
    if document.alert_targets:
        ensure_contacts()  # another mail target does not take their place
    for target in document.alert_targets:
        yield apply_alert_target(target, _organization(target, target.organization, "organization"))


def _apply_organization(entry: OrganizationEntry) -> Step:
    fields: dict[str, Any] = {"name": entry.name}
    if "contacts" in entry.table.values:
        fields["contacts"] = "\n".join(entry.contacts)
    _row, verb, details = bring(Organization, entry.table, {"slug": entry.slug}, fields)
    return Step(verb, "organization", entry.slug, details)


def _apply_user(entry: UserEntry) -> Step:
    organizations = [_organization(entry, slug, f"organizations[{index}]") for index, slug in enumerate(entry.organizations)]
    groups = [_group(entry, name, f"roles[{index}]") for index, name in enumerate(entry.roles)]
    fields = {"email": entry.email, "is_superuser": entry.superuser, "is_staff": True}
    user, verb, details = bring(User, entry.table, {"username": entry.username}, {**fields, **_unusable_password(entry)})
    changed = list(details)
    if entry.password is not None and not user.check_password(entry.password):
        user.set_password(entry.password)
        user.save(update_fields=["password"])
        changed.append("password")
    if "roles" in entry.table.values and set(user.groups.all()) != set(groups):
        user.groups.set(groups)
        end_what_only_owners_may(user, "provision")
        changed.append("roles")
    if "organizations" in entry.table.values and _set_memberships(user, organizations):
        changed.append("organizations")
    if verb == "created":
        return Step(verb, "user", entry.username)
    return Step("changed" if changed else "left", "user", entry.username, tuple(changed))


def _unusable_password(entry: UserEntry) -> dict[str, str]:
    """A new user without a password in the file cannot log in until somebody sets one."""
    return {} if User.objects.filter(username=entry.username).exists() else {"password": "!"}


def _set_memberships(user: User, organizations: list[Organization]) -> bool:
    wanted = {organization.pk for organization in organizations}
    held = set(Membership.objects.filter(user=user).values_list("organization_id", flat=True))
    for gone in Membership.objects.filter(user=user).exclude(organization_id__in=wanted).select_related("organization"):
        end_access(user, gone.organization, "provision")
        gone.delete()
    Membership.objects.bulk_create([Membership(user=user, organization_id=pk) for pk in sorted(wanted - held)])
    return wanted != held


def _apply_connection(entry: ConnectionEntry) -> tuple[Connection, Step]:
    organization = _organization(entry, entry.organization, "organization")
    if entry.platform not in all_connectors():
        entry.table.refuse("platform", f"unknown platform. {nearest(entry.platform, tuple(all_connectors()))}")
    fields = {**entry.fields, "platform": entry.platform}
    settings = check_connection(entry.table, get_connector(entry.platform), entry.secrets)
    if "settings" in entry.table.values:
        fields["settings"] = settings
    keys = {"organization": organization, "label": entry.label}
    _refuse_other_platform(entry, keys)
    connection, verb, details = bring(Connection, entry.table, keys, fields)
    news = _news_in_secrets(connection, entry.secrets)
    if news:
        set_secrets(connection, news)
    if verb != "created" and news:
        verb, details = "changed", (*details, *(f"secret {name}" for name in sorted(news)))
    return connection, Step(verb, "connection", f"{entry.label!r} of {entry.organization}", details)


def _refuse_other_platform(entry: ConnectionEntry, keys: Mapping[str, Any]) -> None:
    held = Connection.objects.filter(**keys).first()
    if held and held.platform != entry.platform:
        entry.table.refuse("platform", f"this connection is already one to {held.platform}; give the new one another label")


def _news_in_secrets(connection: Connection, secrets: Mapping[str, str]) -> dict[str, str]:
    try:
        held = read_secrets(connection)
    except SyncError:  # what cannot be read is stored anew
        held = {}
    return {name: value for name, value in secrets.items() if held.get(name) != value}


def _apply_flow(entry: FlowEntry) -> tuple[Flow, Step]:
    organization = _organization(entry, entry.organization, "organization")
    if entry.recipe not in RECIPES:
        entry.table.refuse("recipe", f"unknown recipe. {nearest(entry.recipe, tuple(RECIPES))}")
    source, destination = (_connection_of(entry, organization, key) for key in ("source", "destination"))
    _check_capabilities(entry, source, destination)
    fields = {**entry.fields, "source": source, "destination": destination, "recipe": entry.recipe}
    if "options" in entry.table.values:
        fields["options"] = checked(entry.options, settings_for(Flow(recipe=entry.recipe, source=source)))
        for name, asks in left_open(fields["options"]).items():
            entry.options.refuse(name, asks)
    flow, verb, details = bring(Flow, entry.table, {"organization": organization, "label": entry.label}, fields)
    schedule_poll(flow)
    if flow.enabled:
        read_from_now(flow)
    if verb == "changed" and "options" in details:
        options_changed(flow, "provision")
    return flow, Step(verb, "flow", f"{entry.label!r} of {entry.organization}", details)


def _check_capabilities(entry: FlowEntry, source: Connection, destination: Connection) -> None:
    recipe = RECIPES[entry.recipe]
    reader, writer = get_connector(source.platform), get_connector(destination.platform)
    if recipe.source not in reader.reads:
        entry.table.refuse("source", f"{reader.label} does not read {recipe.source.value}s, which the recipe {recipe.name} needs")
    for kind in recipe.writes:
        if kind not in writer.writes:
            entry.table.refuse("destination", f"{writer.label} does not write {kind.value}s, which the recipe {recipe.name} needs")


def _connection_of(entry: FlowEntry, organization: Organization, key: str) -> Connection:
    label = entry.table.text(key)
    found = Connection.objects.filter(organization=organization, label=label).first()
    if found is None:
        labels = Connection.objects.filter(organization=organization).values_list("label", flat=True)
        entry.table.refuse(key, f"{organization.slug} has no connection {label!r}. {nearest(label, tuple(labels))}")
    return found


def _organization(entry: UserEntry | ConnectionEntry | FlowEntry | AlertTargetEntry, slug: str, key: str) -> Organization:
    found = Organization.objects.filter(slug=slug).first()
    if found is None:
        known = tuple(Organization.objects.values_list("slug", flat=True))
        entry.table.refuse(key, f"there is no organization {slug!r}. {nearest(slug, known)}")
    return found


def _group(entry: UserEntry, name: str, key: str) -> Group:
    found = Group.objects.filter(name=name).first()
    if found is None:
        entry.table.refuse(key, f"there is no role {name!r}. {nearest(name, tuple(Group.objects.values_list('name', flat=True)))}")
    return found
