"""Support and owners may export the audit and have it verified."""

from django.db import migrations

GIVEN = {
    "support": ["export_auditrecord", "verify_auditseal"],
    "owner": ["export_auditrecord", "verify_auditseal"],
}
NAMES = {"export_auditrecord": "Can export audit records", "verify_auditseal": "Can verify the audit"}


def give(apps, schema_editor):
    """Permissions are made by Django only after all migrations, so those that are missing are made here under the same names."""
    for role, codenames in GIVEN.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, codename) for codename in codenames))


def _permission(apps, codename):
    model = codename.split("_", 1)[1]
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="audit", model=model)
    return apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": NAMES[codename]}
    )[0]


def take(apps, schema_editor):
    apps.get_model("auth", "Group").permissions.through.objects.filter(
        group__name__in=GIVEN, permission__codename__in=NAMES, permission__content_type__app_label="audit"
    ).delete()


class Migration(migrations.Migration):
    dependencies = [("config", "0002_privacy_role"), ("audit", "0004_finding_and_checks")]
    operations = [migrations.RunPython(give, take)]
