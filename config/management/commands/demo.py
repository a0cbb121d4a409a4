"""manage.py demo: see it work, with miniature platforms, in a private directory that is thrown away."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from config.demo.progress import tell
from config.demo.report import table
from config.demo.scenario import Outcome, play
from config.demo.stage import DemoFailed, DemoStopped, Stage, running_stack, set_up
from config.supervisor.broker import NoBroker
from config.supervisor.serving import Impatient, listen_for_stop


class Command(BaseCommand):
    """Exit code 0 only if every order is exact and nothing is left waiting."""

    help = "Start everything with sandbox platforms, play a scenario, show the result; then serve until Ctrl-C (or --once)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Stop after the scenario.")
        parser.add_argument("--orders", type=int, default=12, help="How many orders are placed (default: 12).")
        parser.add_argument("--seed", type=int, default=1, help="Which orders are placed; the same number gives the same ones.")
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON document.")
        parser.add_argument("--port", type=int, default=0, help="Where the console answers (default: 8000 if it is free).")
        parser.add_argument("--database-url", default="", help="Use this empty database instead of the embedded one.")
        parser.add_argument("--broker-url", default="", help="Use this broker instead of the embedded one.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not os.environ.get("TILLBRIDGE_DEMO"):
            raise CommandError("The demo makes an environment of its own and runs as `manage.py demo` only.")
        if options["orders"] < 1:
            raise CommandError("--orders must be at least 1.")
        state_dir = settings.STATE_DIR
        try:
            good = self._run(state_dir, listen_for_stop(), options)
        except (DemoStopped, Impatient):
            tell("Stopped.")
            good = options["once"] is False
        except (DemoFailed, NoBroker) as error:
            tell(f"The demo failed: {error}")
            good = False
        finally:
            connections.close_all()
        if good:
            shutil.rmtree(state_dir, ignore_errors=True)
        else:
            _show_log(state_dir / "demo.log")
            sys.exit(1)

    def _run(self, state_dir: Path, stopping: threading.Event, options: dict[str, Any]) -> bool:
        tell(f"Starting broker, web, worker, beat and the sandbox platforms in {state_dir} ...")
        with running_stack(state_dir / "demo.log", stopping, options["seed"]) as miniatures:
            tell(f"Everything runs: {', '.join(miniature.label for miniature in miniatures)} as sandboxes.")
            stage = set_up(miniatures, stopping)
            outcome = play(stage, options["orders"], options["seed"], stopping)
            self._print(outcome, stage, options)
            if not options["once"]:
                stopping.wait()
                tell("Stopping ...")
        return outcome.exact

    def _print(self, outcome: Outcome, stage: Stage, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(outcome.as_json(), indent=2))
        else:
            self.stdout.write(f"\n{table(outcome)}")
        self.stdout.flush()
        if not options["once"]:
            tell(f"\nConsole: {settings.PUBLIC_URL}/admin/   user: {stage.user}   password: {stage.password}")
            tell(f"The log is {settings.STATE_DIR / 'demo.log'}. Ctrl-C stops everything.")


def _show_log(log: Path, lines: int = 40) -> None:
    if log.is_file():
        tell(f"The last lines of {log}:")
        tell("\n".join(log.read_text(errors="replace").splitlines()[-lines:]))
