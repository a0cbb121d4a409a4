"""What people search records by, what they decided about single ones, and what they asked for many at once."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('credentials', '0002_ways_to_connect'),
        ('flows', '0006_comparisons_and_backfills'),
    ]

    operations = [
        migrations.CreateModel(
            name='BulkItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('object_type', models.CharField(max_length=30)),
                ('source_id', models.CharField(max_length=100)),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('queued', 'queued'), ('left', 'left alone'), ('same', 'no difference'), ('differs', 'differs'), ('stopped', 'would stop')], default='waiting', max_length=10)),
                ('note', models.TextField(blank=True)),
                ('changes', models.JSONField(default=list)),
                ('queued_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='BulkRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('replay', 'replay'), ('retry', 'retry'), ('look', 'time travel')], max_length=10)),
                ('about', models.TextField(blank=True)),
                ('asked_by', models.CharField(max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('total', models.PositiveIntegerField(default=0)),
                ('finished_at', models.DateTimeField(null=True)),
                ('cancelled_by', models.CharField(blank=True, max_length=150)),
            ],
        ),
        migrations.CreateModel(
            name='RecordName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=32)),
            ],
        ),
        migrations.AlterModelOptions(
            name='syncrecord',
            options={'permissions': [('skip_syncrecord', 'Can skip records'), ('void_syncrecord', 'Can void what was posted')]},
        ),
        migrations.AddField(
            model_name='syncrecord',
            name='hold',
            field=models.CharField(blank=True, choices=[('skip', 'skipped'), ('void', 'taken out of the books')], max_length=6),
        ),
        migrations.AddField(
            model_name='syncrecord',
            name='hold_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='syncrecord',
            name='hold_by',
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddField(
            model_name='syncrecord',
            name='hold_reason',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddIndex(
            model_name='inboundevent',
            index=models.Index(fields=['connection', 'received_at'], name='event_time'),
        ),
        migrations.AddIndex(
            model_name='syncrecord',
            index=models.Index(fields=['flow', '-updated_at'], name='record_updated'),
        ),
        migrations.AddIndex(
            model_name='syncrecord',
            index=models.Index(condition=models.Q(('hold', ''), _negated=True), fields=['flow', 'source_id'], name='record_held'),
        ),
        migrations.AddField(
            model_name='bulkitem',
            name='flow',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='flows.flow'),
        ),
        migrations.AddField(
            model_name='bulkrun',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='credentials.organization'),
        ),
        migrations.AddField(
            model_name='bulkitem',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='flows.bulkrun'),
        ),
        migrations.AddField(
            model_name='recordname',
            name='record',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='names', to='flows.syncrecord'),
        ),
        migrations.AddIndex(
            model_name='bulkrun',
            index=models.Index(condition=models.Q(('finished_at', None)), fields=['id'], name='bulk_unfinished'),
        ),
        migrations.AddIndex(
            model_name='bulkitem',
            index=models.Index(fields=['run', 'state', 'id'], name='bulk_item_state'),
        ),
        migrations.AddConstraint(
            model_name='bulkitem',
            constraint=models.UniqueConstraint(fields=('run', 'flow', 'object_type', 'source_id'), name='each_record_once_per_run'),
        ),
        migrations.AddConstraint(
            model_name='recordname',
            constraint=models.UniqueConstraint(fields=('digest', 'record'), name='each_name_once'),
        ),
    ]
