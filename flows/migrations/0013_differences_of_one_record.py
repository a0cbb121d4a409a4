"""One row for each record that differs: what stood in several rows of one record becomes one."""

from django.db import migrations, models
from django.db.models import Count


def merge(apps, schema_editor):
    Comparison = apps.get_model("flows", "Comparison")
    Difference = apps.get_model("flows", "Difference")
    several = Difference.objects.order_by().values("comparison", "source_id").annotate(rows=Count("id")).filter(rows__gt=1)
    for one in list(several):
        first, *others = Difference.objects.filter(comparison=one["comparison"], source_id=one["source_id"]).order_by("id")
        first.kinds = ",".join(dict.fromkeys([first.kinds, *(row.kinds for row in others)]))
        first.sentence = "; ".join(dict.fromkeys([first.sentence, *(row.sentence for row in others)]))
        first.save(update_fields=["kinds", "sentence"])
        Difference.objects.filter(pk__in=[row.pk for row in others]).delete()
    counted = Difference.objects.order_by().values("comparison").annotate(rows=Count("id"))
    for one in counted.iterator():
        Comparison.objects.filter(pk=one["comparison"]).update(differing=one["rows"])


class Migration(migrations.Migration):

    dependencies = [
        ('flows', '0012_list_filters'),
    ]

    operations = [
        migrations.AddField(
            model_name='comparison',
            name='differing',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.RenameField(
            model_name='difference',
            old_name='kind',
            new_name='kinds',
        ),
        migrations.AlterField(
            model_name='difference',
            name='kinds',
            field=models.CharField(max_length=120),
        ),
        migrations.RunPython(merge, migrations.RunPython.noop),
    ]
