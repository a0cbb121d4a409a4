"""Owners answer privacy requests; support sees that they are there."""

from django.db import migrations

GIVEN = {"support": ["flows.view_privacycase"], "owner": ["flows.view_privacycase", "flows.answer_privacycase"]}
NAMES = {"flows.answer_privacycase": "Can answer privacy requests", "flows.view_privacycase": "Can view privacy request"}


def give(apps, schema_editor):
    """Permissions are made by Django only after all migrations, so those that are missing are made here under the same names."""
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="flows", model="privacycase")
    for role, permissions in GIVEN.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        for permission in permissions:
            made, _ = apps.get_model("auth", "Permission").objects.get_or_create(
                content_type=content_type, codename=permission.split(".")[1], defaults={"name": NAMES[permission]}
            )
            group.permissions.add(made)


def take(apps, schema_editor):
    for role, permissions in GIVEN.items():
        codenames = [permission.split(".")[1] for permission in permissions]
        for group in apps.get_model("auth", "Group").objects.filter(name=role):
            group.permissions.remove(*apps.get_model("auth", "Permission").objects.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [("config", "0001_roles"), ("flows", "0003_privacy_requests")]
    operations = [migrations.RunPython(give, take)]
