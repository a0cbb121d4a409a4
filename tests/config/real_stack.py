"""Running Tillbridge's real processes in a test, and seeing that none is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def bare_environment(state_dir: Path, **more: str) -> dict[str, str]:
    """Nothing of the tests' own environment but what programs need to run."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "STATE_DIR": str(state_dir), "ENV_FILE": "", **more}


def manage(environ: dict[str, str], *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=seconds)


def processes_with(text: str) -> dict[int, str]:
    """Living processes whose environment or command line names the text: pid to command line."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if command and text.encode() in (folder / "environ").read_bytes() + command.encode():
                found[int(folder.name)] = command
        except OSError:
            continue
    return found


def wait_for(condition: Callable[[], object], seconds: float = 30.0, hint: Callable[[], str] = lambda: "") -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"it did not happen in {seconds:g} s. {hint()}"
        time.sleep(0.05)
