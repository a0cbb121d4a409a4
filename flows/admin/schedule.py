"""Celery beat's own tables: for superusers, and without the inline script that our Content-Security-Policy stops."""

from __future__ import annotations

from django.contrib import admin
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from credentials.admin.people import Everyone


class BeatAdmin(Everyone):
    """Schedules; a flow's own polling is set on the flow's page."""


class TaskAdmin(Everyone, PeriodicTaskAdmin):  # type: ignore[misc]
    """What beat sends, and when."""

    change_form_template = "admin/console/change_form.html"
    date_hierarchy = None
    list_select_related = ("interval", "crontab", "solar", "clocked")


for model, page in (
    (PeriodicTask, TaskAdmin),
    (IntervalSchedule, BeatAdmin),
    (CrontabSchedule, BeatAdmin),
    (SolarSchedule, BeatAdmin),
    (ClockedSchedule, BeatAdmin),
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
    admin.site.register(model, page)
