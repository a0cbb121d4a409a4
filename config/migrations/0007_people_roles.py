"""A role that sees everything of its organization and changes nothing; owners look after invitations and tokens."""

from django.db import migrations

OTHERS = ("bookkeeper", "support", "owner")
HIDDEN = ("view_user", "view_apitoken")  # who has which program is the owners' to know
VIEWER = ["credentials.view_membership", "credentials.view_invitation"]
OWNER = [f"credentials.{verb}_invitation" for verb in ("view", "add", "delete")]
OWNER += ["credentials.view_apitoken", "credentials.change_apitoken"]
GIVEN = {"viewer": VIEWER, "owner": OWNER}
NAMES = {"invitation": "invitation", "apitoken": "API token", "membership": "member"}


def give(apps, schema_editor):
    """Permissions are made by Django only after all migrations, so those that are missing are made here under the same names."""
    for role, permissions in GIVEN.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, permission) for permission in permissions))
    seen = apps.get_model("auth", "Permission").objects.filter(group__name__in=OTHERS, codename__startswith="view_")
    apps.get_model("auth", "Group").objects.get(name="viewer").permissions.add(*seen.exclude(codename__in=HIDDEN))


def _permission(apps, dotted):
    app_label, codename = dotted.split(".")
    verb, model = codename.split("_", 1)
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app_label, model=model)
    name = f"Can {verb} {NAMES.get(model) or apps.get_model(app_label, model)._meta.verbose_name}"
    return apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )[0]


def take(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name="viewer").delete()
    for group in apps.get_model("auth", "Group").objects.filter(name="owner"):
        codenames = [permission.split(".")[1] for permission in OWNER]
        group.permissions.remove(*apps.get_model("auth", "Permission").objects.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [("config", "0006_set_up_role"), ("credentials", "0003_people")]
    operations = [migrations.RunPython(give, take)]
