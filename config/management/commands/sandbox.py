"""manage.py sandbox: the miniature platforms, on loopback, until Ctrl-C."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.supervisor.serving import listen_for_stop
from connectors.kit.contract import Connector
from connectors.kit.sandbox import Served, serve
from connectors.registry import all_connectors


class Command(BaseCommand):
    """Serves the sandbox of every platform that has one. Their state is in memory and goes with the process."""

    help = "Run the sandboxes of all platforms on loopback; prints their addresses as JSON."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="What the sandboxes invent depends on this number.")
        parser.add_argument("--announce", type=Path, help="Write the JSON to this file instead of printing it.")
        parser.add_argument("platforms", nargs="*", help="Only these platforms (default: all).")

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = listen_for_stop()
        wanted = options["platforms"]
        chosen = {name: connector for name, connector in all_connectors().items() if connector.sandbox and (not wanted or name in wanted)}
        served = {name: start_sandbox(connector, options["seed"]) for name, connector in chosen.items()}
        text = json.dumps({name: describe(connector, served[name]) for name, connector in chosen.items()}, indent=2)
        if options["announce"]:
            draft = options["announce"].with_suffix(".part")
            draft.write_text(text)
            os.replace(draft, options["announce"])
        else:
            self.stdout.write(text)
            self.stdout.flush()
        stopping.wait()
        for sandbox in served.values():
            sandbox.stop()


def start_sandbox(connector: Connector, seed: int) -> Served:
    """Run one platform's sandbox in threads of this process. The connector must have one."""
    assert connector.sandbox is not None  # noqa: S101 - the caller chose by it
    return serve(connector.sandbox.build, {"seed": seed})


def describe(connector: Connector, served: Served) -> dict[str, Any]:
    """What is needed to use it: addresses, and what to connect with (fixed development keys that open nothing else)."""
    assert connector.sandbox is not None  # noqa: S101 - the caller chose by it
    return {
        "label": connector.label,
        "role": connector.sandbox.role,
        "url": served.url,
        "admin_url": served.admin_url,
        "connection": dict(connector.sandbox.connection(served.url)),
    }
