"""One running program: start it in a process group of its own, pass its lines on with its name in front, end it completely."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from config.supervisor.guard import signal_group
from config.supervisor.programs import Program

Say = Callable[[str, str], None]
COLOURS = {"web": 32, "worker": 36, "beat": 35, "broker": 33, "sandbox": 34, "up": 1}


@dataclass
class Running:
    """A started program. Its process id is its process group."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    relay: threading.Thread

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative is the signal that ended it."""
        return self.process.poll()


def speaker(out: IO[str]) -> Say:
    """say(name, line): one whole line to `out` with the name in front, coloured on a terminal; safe from several threads."""
    lock = threading.Lock()
    coloured = out.isatty()

    def say(name: str, line: str) -> None:
        head = f"{name:>8} | "
        if coloured:
            head = f"\x1b[{COLOURS.get(name, 37)}m{head}\x1b[0m"
        with lock, contextlib.suppress(OSError, ValueError):  # a closed terminal must not stop the programs
            out.write(f"{head}{line}\n")
            out.flush()

    return say


def json_speaker(out: IO[str]) -> Say:
    """The same for machines: each line one JSON object that names its process; what is none becomes the event of one."""
    lock = threading.Lock()

    def say(name: str, line: str) -> None:
        whole = {"process": name, **_parsed(line)}
        with lock, contextlib.suppress(OSError, ValueError):
            out.write(f"{json.dumps(whole, ensure_ascii=False)}\n")
            out.flush()

    return say


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"event": line}


def start(program: Program, say: Say) -> Running:
    """Start it; a terminal's Ctrl-C does not reach it, because its process group is not the terminal's."""
    process = subprocess.Popen(  # noqa: S603 - the command lines of config.supervisor.programs
        program.command,
        env={**program.environ, "PYTHONUNBUFFERED": "1"},
        cwd=program.directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    relay = threading.Thread(target=_pass_on, args=(process.stdout, program.name, say), name=f"log-{program.name}", daemon=True)
    relay.start()
    return Running(program, process, time.monotonic(), relay)


def _pass_on(stream: IO[bytes], name: str, say: Say) -> None:
    for line in stream:
        say(name, line.decode("utf-8", "replace").rstrip())


def stop(running: Running, grace: float | None = None) -> bool:
    """SIGTERM, then after the grace SIGKILL to the whole group; True when it went by itself. Nothing of the group is left."""
    wait = running.program.grace if grace is None else grace
    gentle = True
    if running.exit_code is None:
        running.process.send_signal(signal.SIGTERM)
        try:
            running.process.wait(wait)
        except subprocess.TimeoutExpired:
            gentle = False
    sweep_up(running)
    return gentle


def sweep_up(running: Running) -> None:
    """End what may be left of the group (Granian's and others' children), and the process itself if it is still there."""
    signal_group(running.process.pid, signal.SIGKILL)
    running.process.wait()
    running.relay.join(1.0)


def describe_exit(code: int) -> str:
    """'ended with code 1' or 'was ended by SIGKILL'."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
