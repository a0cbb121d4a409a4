"""What runs: the command line, environment and way to stop of each program. docker-compose.yml runs the same commands."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
CELERY = ("celery", "-A", "config.celery:app")


@dataclass(frozen=True)
class Program:
    """One process to keep running. order: stopped first when lowest; grace: seconds between SIGTERM and SIGKILL."""

    name: str
    command: tuple[str, ...]
    order: int
    grace: float = 5.0
    environ: Mapping[str, str] = field(default_factory=dict)
    directory: Path = BASE_DIR


def in_python(command: tuple[str, ...]) -> tuple[str, ...]:
    """`granian ...` as `python -m granian ...`: the same program from this very environment."""
    return (sys.executable, "-m", *command)


def web_command(host: str, port: int, processes: int, threads: int) -> tuple[str, ...]:
    """Granian in WSGI mode. Measured: SQLite wants one process with two threads, PostgreSQL two with four."""
    return (
        *("granian", "--interface", "wsgi", "--host", host, "--port", str(port), "--no-ws", "--respawn-failed-workers"),
        *("--workers", str(processes), "--blocking-threads", str(threads), "config.wsgi:application"),
    )


def worker_command(threads: int) -> tuple[str, ...]:
    """A Celery worker of threads. Gossip, mingle and heartbeat end a worker that loses its broker (kombu issue 582)."""
    return (
        *CELERY,
        *("worker", "-P", "threads", "-c", str(threads), "--prefetch-multiplier", "1"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )


def beat_command() -> tuple[str, ...]:
    """Celery's clock over the schedule in the database."""
    return (*CELERY, "beat", "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler", "--pidfile", "")


def web_program(host: str, port: int, *, sqlite: bool, environ: Mapping[str, str]) -> Program:
    processes, threads = (1, 2) if sqlite else (2, 4)
    return Program("web", in_python(web_command(host, port, processes, threads)), order=1, grace=10.0, environ=environ)


def beat_program(environ: Mapping[str, str]) -> Program:
    return Program("beat", in_python(beat_command()), order=2, grace=5.0, environ=environ)


def worker_program(threads: int, environ: Mapping[str, str], number: int = 1) -> Program:
    """One process of the worker; the first one goes by the bare name."""
    name = "worker" if number == 1 else f"worker {number}"
    return Program(name, in_python(worker_command(threads)), order=3, grace=20.0, environ=environ)


def sandbox_program(announce: Path, environ: Mapping[str, str], *arguments: str) -> Program:
    """The miniature platforms; their addresses are written to the announce file."""
    command = (sys.executable, "manage.py", "sandbox", "--announce", str(announce), *arguments)
    return Program("sandbox", command, order=4, grace=2.0, environ=environ)
