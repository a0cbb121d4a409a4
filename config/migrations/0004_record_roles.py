"""Who skips a record, who voids what was posted, who sees runs over many records; support may plan, which writes nothing."""

from django.db import migrations

GIVEN = {
    "support": ["flows.view_bulkrun", "flows.skip_syncrecord", "flows.plan_flow"],
    "bookkeeper": ["flows.view_bulkrun", "flows.skip_syncrecord", "flows.void_syncrecord"],
    "owner": ["flows.view_bulkrun", "flows.skip_syncrecord", "flows.void_syncrecord"],
}
NAMES = {
    "view_bulkrun": "Can view bulk run",
    "skip_syncrecord": "Can skip records",
    "void_syncrecord": "Can void what was posted",
    "plan_flow": "Can plan without writing",
}


def give(apps, schema_editor):
    """Permissions are made by Django only after all migrations, so those that are missing are made here under the same names."""
    for role, permissions in GIVEN.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, permission) for permission in permissions))


def _permission(apps, dotted):
    app_label, codename = dotted.split(".")
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label=app_label, model=codename.split("_", 1)[1]
    )
    return apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": NAMES[codename]}
    )[0]


def take(apps, schema_editor):
    for role, permissions in GIVEN.items():
        codenames = [permission.split(".")[1] for permission in permissions]
        for group in apps.get_model("auth", "Group").objects.filter(name=role):
            group.permissions.remove(*apps.get_model("auth", "Permission").objects.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [("config", "0003_audit_roles"), ("flows", "0007_names_holds_bulk")]
    operations = [migrations.RunPython(give, take)]
