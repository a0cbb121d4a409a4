"""Bookkeepers and owners set flows up along the guided path; connections stay with the owners."""

from django.db import migrations

ROLES = ("bookkeeper", "owner")
CODENAME = "set_up_flow"


def give(apps, schema_editor):
    """Permissions are made by Django only after all migrations, so one that is missing is made here under the same name."""
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="flows", model="setup")
    made, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=CODENAME, defaults={"name": "Can set up flows along the guided path"}
    )
    for role in ROLES:
        apps.get_model("auth", "Group").objects.get_or_create(name=role)[0].permissions.add(made)


def take(apps, schema_editor):
    for role in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        role.permissions.remove(*apps.get_model("auth", "Permission").objects.filter(codename=CODENAME))


class Migration(migrations.Migration):
    dependencies = [("config", "0005_alert_roles"), ("flows", "0009_set_up_path")]
    operations = [migrations.RunPython(give, take)]
