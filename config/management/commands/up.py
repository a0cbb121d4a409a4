"""manage.py up: everything on this machine under one supervisor."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from config.ports import is_free
from config.supervisor.broker import NoBroker, tidy_up
from config.supervisor.processes import json_speaker, speaker
from config.supervisor.serving import Wanted, announce_when_up, bind_address, listen_for_stop, programs_for, stop_or_kill, tend_until
from config.supervisor.stack import AlreadyRunning, start_stack

PARTS = ("web", "worker", "beat", "broker")


class Command(BaseCommand):
    """Starts the broker (when it is the embedded one), web, worker and beat, and restarts what dies."""

    help = "Run Tillbridge on this machine: migrate, then broker, web, worker and beat until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="", help="Listen on this address (default: PUBLIC_URL's, else 127.0.0.1).")
        parser.add_argument("--port", type=int, default=0, help="Listen on this port (default: PUBLIC_URL's, else 8000).")
        parser.add_argument("--no-migrate", action="store_true", help="Leave the database's tables as they are.")
        for part in PARTS:
            parser.add_argument(f"--no-{part}", action="store_true", help=f"Do not run the {part}.")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = bind_address(settings.PUBLIC_URL, options["host"], options["port"])
        public_url = settings.PUBLIC_URL
        if options["port"] and "PUBLIC_URL" not in os.environ:
            public_url = f"http://127.0.0.1:{port}"
        wanted = Wanted(
            state_dir=settings.STATE_DIR,
            broker_url=settings.BROKER_URL,
            sqlite=connections["default"].vendor == "sqlite",
            worker_threads=settings.WORKER_THREADS,
            worker_processes=settings.WORKER_PROCESSES,
            host=host,
            port=port,
            environ={**os.environ, "PUBLIC_URL": public_url},
            without=[part for part in PARTS if options[f"no_{part}"]],
        )
        if "web" not in wanted.without and not is_free(host, port):
            raise CommandError(f"{host}:{port} is taken by another program. Choose another port: manage.py up --port N.")
        self._run(wanted, public_url, migrate=not options["no_migrate"])

    def _run(self, wanted: Wanted, public_url: str, *, migrate: bool) -> None:
        say = (json_speaker if settings.LOG_FORMAT == "json" else speaker)(sys.stdout)
        stopping = listen_for_stop()
        settings.STATE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            programs = programs_for(wanted)
            if migrate:
                say("up", "bringing the database's tables up to date")
                call_command("migrate", interactive=False, verbosity=0)
                connections.close_all()
            stack = start_stack(programs, wanted.state_dir, say)
        except (AlreadyRunning, NoBroker) as error:
            raise CommandError(str(error)) from error
        try:
            tend_until(stack, stopping, announce_when_up(stack, wanted, public_url))
        finally:
            stop_or_kill(stack)
            if "broker" not in wanted.without:
                tidy_up(wanted.broker_url, wanted.state_dir)
        say("up", "stopped")
