"""manage.py provision FILE.toml: bring organizations, people, connections, flows, mappings and alert targets to what a file says."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.provision.apply import Provisioned, provision
from config.provision.entries import read_toml
from config.provision.reading import ProvisionError
from credentials.services import probe_connection


class Command(BaseCommand):
    """All of the file or nothing of it; running it again changes nothing."""

    help = "Bring the database to what a TOML file says (docs/provisioning.md). Secrets may be written env:NAME."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The file, or - for standard input.")
        parser.add_argument("--no-probe", action="store_true", help="Do not try out new and changed connections.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = provision(read_toml(_read(options["file"])), os.environ)
        except ProvisionError as error:
            raise CommandError(f"{options['file']}: {error}\nNothing was changed.") from error
        for step in done.steps:
            self.stdout.write(str(step))
        self.stdout.write(_summary(done))
        if not options["no_probe"]:
            self._try_out(done)

    def _try_out(self, done: Provisioned) -> None:
        """A real call for each new or changed connection. What it finds is told; the file's changes stay."""
        for connection in done.connections:
            problems = probe_connection(connection, actor="provision").problems
            if problems:
                self.stdout.write(self.style.WARNING(f"{connection.label}: {' '.join(problems)}"))
            else:
                self.stdout.write(f"{connection.label}: answers to its credentials.")


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} cannot be read: it is not text in UTF-8.") from error


def _summary(done: Provisioned) -> str:
    counts = {verb: sum(step.verb == verb for step in done.steps) for verb in ("created", "changed", "left")}
    return ", ".join(f"{count} {verb}" for verb, count in counts.items()) + "."
