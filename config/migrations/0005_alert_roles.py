"""Owners look after who is told of alerts; support sees it."""

from django.db import migrations

SEEN = ["view_alerttarget", "view_alertdelivery"]
GIVEN = {"support": SEEN, "owner": [*SEEN, "add_alerttarget", "change_alerttarget", "delete_alerttarget"]}


def give(apps, schema_editor):
    """Permissions are made by Django only after all migrations, so those that are missing are made here under the same names."""
    for role, codenames in GIVEN.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, codename) for codename in codenames))


def _permission(apps, codename):
    verb, model = codename.split("_")
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="flows", model=model)
    name = f"Can {verb} {apps.get_model('flows', model)._meta.verbose_name}"
    return apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )[0]


def take(apps, schema_editor):
    apps.get_model("auth", "Group").permissions.through.objects.filter(
        group__name__in=GIVEN, permission__content_type__app_label="flows", permission__codename__in=GIVEN["owner"]
    ).delete()


class Migration(migrations.Migration):
    dependencies = [("config", "0004_record_roles"), ("flows", "0008_alert_targets")]
    operations = [migrations.RunPython(give, take)]
