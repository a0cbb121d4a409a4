"""A process with Django that stays: what it is asked to run needs no process of its own, whose start costs two seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

from config.supervisor.programs import BASE_DIR

ANSWER = "clerk answers: "
LOOP = f"""
import contextlib, io, json, sys, traceback
from django.db import connections
for line in sys.stdin:
    said, failed = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(said):
            exec(json.loads(line), {{}})
    except BaseException:
        failed = traceback.format_exc()
    connections.close_all()
    print({ANSWER!r} + json.dumps([said.getvalue(), failed]), flush=True)
"""

Clerk = subprocess.Popen[str]


def hire(environ: Mapping[str, str]) -> Clerk:
    """Start one; it ends with its standard input."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", LOOP],
        env=dict(environ),
        cwd=BASE_DIR,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def have_done(clerk: Clerk, code: str) -> str:
    """Run the code there; what it printed. A failure there fails the test."""
    assert clerk.stdin is not None
    assert clerk.stdout is not None
    clerk.stdin.write(json.dumps(code) + "\n")
    clerk.stdin.flush()
    others = []
    for line in clerk.stdout:
        if line.startswith(ANSWER):
            said, failed = json.loads(line.removeprefix(ANSWER))
            assert not failed, f"{code}\n{said}\n{failed}"
            return str(said)
        others.append(line)
    raise AssertionError(f"the clerk is gone: {''.join(others)}")


def dismiss(clerk: Clerk) -> None:
    clerk.kill()
    clerk.communicate()
