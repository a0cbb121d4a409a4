"""Sealed records may be redacted, if that is recorded (see audit/erasing.py and audit/triggers.py)."""

from django.db import migrations, models

from audit import triggers


def install(apps, schema_editor):
    triggers.drop(schema_editor.connection)
    triggers.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]
    operations = [
        migrations.AddIndex(
            "auditrecord",
            models.Index(condition=models.Q(("action", "audit_redacted")), fields=["source_id"], name="audit_redaction"),
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
