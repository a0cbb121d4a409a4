"""Ends what the supervisor started when the supervisor itself is gone, even by kill -9.

A process of its own that reads a pipe: "+pgid" when a process group starts, "-pgid" when it has ended. The pipe's end means that
the supervisor is gone. Runs as a plain script with the standard library only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import IO

GRACE_SECONDS = 3.0


def start_guard() -> subprocess.Popen[bytes]:
    """The guard's process; write to its stdin, close it to let it go."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and this very file
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def watch(stream: IO[bytes]) -> set[int]:
    """Read until the other end is gone; the process groups that were still running then."""
    groups: set[int] = set()
    for line in stream:
        change, group = line[:1], int(line[1:])
        (groups.add if change == b"+" else groups.discard)(group)
    return groups


def end_groups(groups: set[int], grace: float = GRACE_SECONDS) -> None:
    """SIGTERM to every group, SIGKILL to those that are still there after the grace."""
    for group in groups:
        signal_group(group, signal.SIGTERM)
    until = time.monotonic() + grace
    while groups and time.monotonic() < until:
        time.sleep(0.05)
        groups = {group for group in groups if signal_group(group, 0)}
    for group in groups:
        signal_group(group, signal.SIGKILL)


def signal_group(group: int, number: int) -> bool:
    """Send it to the whole process group; False when there is none any more."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return False
    return True


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # we end with the supervisor, not before it
    with contextlib.suppress(ValueError):
        end_groups(watch(sys.stdin.buffer))


if __name__ == "__main__":
    main()
