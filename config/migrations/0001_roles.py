"""Makes the three roles as groups. None of them may see a secret: there is no permission on credentials.Secret in any of them."""

from django.db import migrations

WATCH = [
    "flows.view_flow",
    "flows.view_syncjob",
    "flows.view_syncrecord",
    "flows.view_inboundevent",
    "flows.view_externallink",
    "flows.view_synccursor",
    "flows.view_backfill",
    "flows.view_subscription",
    "flows.view_itemmapping",
    "flows.view_valuemapping",
    "flows.view_fieldmapping",
    "credentials.view_organization",
    "credentials.view_connection",
    "audit.view_alert",
]
MAPPINGS = [f"flows.{verb}_{model}" for model in ("itemmapping", "valuemapping", "fieldmapping") for verb in ("add", "change", "delete")]
SUPPORT = ["flows.replay_syncjob", "flows.reenable_subscription", "audit.view_auditrecord", "audit.view_auditseal", "audit.change_alert"]
BOOKKEEPER = [*MAPPINGS, "flows.plan_flow", "flows.backfill_flow"]
OWNER = [
    "flows.add_flow",
    "flows.change_flow",
    "flows.delete_flow",
    "flows.change_synccursor",
    "flows.add_subscription",
    "flows.change_subscription",
    "flows.delete_subscription",
    "credentials.change_organization",
    "credentials.add_connection",
    "credentials.change_connection",
    "credentials.delete_connection",
    "credentials.view_membership",
    "credentials.add_membership",
    "credentials.change_membership",
    "credentials.delete_membership",
    "auth.view_user",
    "auth.add_user",
    "auth.change_user",
]
ROLES = {
    "bookkeeper": WATCH + BOOKKEEPER,
    "support": WATCH + SUPPORT,
    "owner": WATCH + BOOKKEEPER + SUPPORT + OWNER,
}
NAMES = {
    "plan_flow": "Can plan without writing",
    "backfill_flow": "Can start backfills and reconciliations",
    "reenable_subscription": "Can switch subscriptions on again",
    "replay_syncjob": "Can replay and retry jobs",
}


def make_roles(apps, schema_editor):
    """Permissions are made by Django only after all migrations, so those that are missing are made here under the same names."""
    group = apps.get_model("auth", "Group")
    for role, permissions in ROLES.items():
        made, _ = group.objects.get_or_create(name=role)
        made.permissions.add(*(_permission(apps, permission) for permission in permissions))


def _permission(apps, dotted):
    app_label, codename = dotted.split(".")
    model = codename.split("_", 1)[1]
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app_label, model=model)
    verb = codename.split("_", 1)[0]
    name = NAMES.get(codename) or f"Can {verb} {apps.get_model(app_label, model)._meta.verbose_name}"
    return apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )[0]


def remove_roles(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("credentials", "0001_initial"),
        ("flows", "0001_initial"),
    ]
    operations = [migrations.RunPython(make_roles, remove_roles)]
