"""The programs of one machine together: start them in order, restart what dies with back-off, stop them in order."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from config.supervisor import processes
from config.supervisor.guard import start_guard
from config.supervisor.processes import Running, Say
from config.supervisor.programs import Program

FIRST_PAUSE, LONGEST_PAUSE, HEALTHY_AFTER = 0.5, 30.0, 60.0


class AlreadyRunning(Exception):
    """Another supervisor works in this state directory."""


@dataclass
class Slot:
    """A program's place in the stack: the process that runs now, or when the next one may start."""

    program: Program
    running: Running | None = None
    failures: int = 0
    not_before: float = 0.0
    starts: int = 0


@dataclass
class Stack:
    """Everything that one supervisor keeps running."""

    slots: list[Slot]
    say: Say
    guard: subprocess.Popen[bytes]
    lock: IO[str]
    restarts: dict[str, int] = field(default_factory=dict)

    def pid(self, name: str) -> int | None:
        """The process id of a program, None while it is down."""
        found = next(slot for slot in self.slots if slot.program.name == name).running
        return found.process.pid if found else None


def start_stack(programs: Sequence[Program], state_dir: Path, say: Say) -> Stack:
    """Start them, those that the others need first (the reverse of the order in which they stop). Raises AlreadyRunning."""
    lock = lock_state(state_dir)
    ordered = sorted(programs, key=lambda program: -program.order)
    stack = Stack([Slot(program) for program in ordered], say, start_guard(), lock)
    tend(stack)
    return stack


def lock_state(state_dir: Path) -> IO[str]:
    """Keep the state directory for us; the lock goes with the process, however that ends. Raises AlreadyRunning."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (state_dir / "up.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "?"
        file.close()
        raise AlreadyRunning(f"Tillbridge is already running in {state_dir} (process {holder}). Stop that one first.") from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def tend(stack: Stack, now: float | None = None) -> None:
    """Look after every program once: note what ended, start what is due. Call it a few times a second."""
    moment = time.monotonic() if now is None else now
    if stack.guard.poll() is not None:
        _renew_guard(stack)
    for slot in stack.slots:
        if slot.running and (code := slot.running.exit_code) is not None:
            _note_exit(stack, slot, code, moment)
        if slot.running is None and moment >= slot.not_before:
            _start(stack, slot)


def _renew_guard(stack: Stack) -> None:
    stack.guard = start_guard()
    for slot in stack.slots:
        if slot.running:
            _tell_guard(stack, f"+{slot.running.process.pid}")


def _start(stack: Stack, slot: Slot) -> None:
    slot.running = processes.start(slot.program, stack.say)
    slot.starts += 1
    _tell_guard(stack, f"+{slot.running.process.pid}")


def _note_exit(stack: Stack, slot: Slot, code: int, moment: float) -> None:
    running = slot.running
    if running is None:
        return
    processes.sweep_up(running)
    _tell_guard(stack, f"-{running.process.pid}")
    slot.running = None
    slot.failures = 1 if moment - running.started >= HEALTHY_AFTER else slot.failures + 1
    pause = pause_after(slot.failures)
    slot.not_before = moment + pause
    name = slot.program.name
    stack.restarts[name] = stack.restarts.get(name, 0) + 1
    stack.say("up", f"{name} {processes.describe_exit(code)}; it starts again in {pause:g} s")


def pause_after(failures: int) -> float:
    """Seconds to wait after so many ends in a row: 0.5, 1, 2, ... at most 30."""
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE)


def stop_stack(stack: Stack) -> None:
    """Stop web, beat, worker, sandbox and broker, in that order, each with its own grace."""
    for slot in sorted(stack.slots, key=lambda slot: slot.program.order):
        if slot.running:
            stack.say("up", f"stopping {slot.program.name}")
            if not processes.stop(slot.running):
                stack.say("up", f"{slot.program.name} did not stop within {slot.program.grace:g} s and was ended")
            _tell_guard(stack, f"-{slot.running.process.pid}")
            slot.running = None
    _release(stack)


def kill_stack(stack: Stack) -> None:
    """End everything at once."""
    for slot in stack.slots:
        if slot.running:
            processes.stop(slot.running, grace=0.0)
            slot.running = None
    _release(stack)


def _release(stack: Stack) -> None:
    if stack.guard.stdin:
        with contextlib.suppress(OSError):
            stack.guard.stdin.close()
    stack.guard.wait(10.0)
    stack.lock.close()


def _tell_guard(stack: Stack, line: str) -> None:
    if stack.guard.stdin:
        with contextlib.suppress(OSError):  # a guard that is gone must not take the stack with it
            stack.guard.stdin.write(f"{line}\n".encode())
            stack.guard.stdin.flush()
