"""manage.py replay job|event NUMBER: run it again on the same path."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from flows.commandline import fail
from flows.models import InboundEvent, SyncJob
from flows.replay import replay_event, replay_job


class Command(BaseCommand):
    help = "Queue a job or an event again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=["job", "event"])
        parser.add_argument("number", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        who = getpass.getuser()
        if options["kind"] == "job":
            job = SyncJob.objects.select_related("flow").filter(pk=options["number"]).first()
            if job is None:
                raise fail(f"There is no job {options['number']}.")
            self.stdout.write(f"job {replay_job(job, who).pk} is queued")
            return
        event = InboundEvent.objects.select_related("connection").filter(pk=options["number"]).first()
        if event is None:
            raise fail(f"There is no event {options['number']}.")
        self.stdout.write(f"{replay_event(event, who)} job(s) queued")
