"""Named places where the fault tests may kill the worker; nothing at all in production (CRASH_DIR is empty)."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from django.conf import settings


def point(name: str) -> None:
    """Die here by SIGKILL if the tests put a file `<name>.<n>` into CRASH_DIR; each file kills once."""
    if not settings.CRASH_DIR:
        return
    for order in Path(settings.CRASH_DIR).glob(f"{name}.*"):
        try:
            order.unlink()
        except FileNotFoundError:
            continue  # another thread took this one
        os.kill(os.getpid(), signal.SIGKILL)
