"""What `manage.py up` runs: which programs the settings ask for, on which address, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from config.health import answers
from config.supervisor.broker import broker_program, socket_of
from config.supervisor.programs import Program, beat_program, web_program, worker_program
from config.supervisor.stack import Stack, kill_stack, stop_stack, tend

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TICK_SECONDS = 0.2


class Impatient(Exception):
    """Told to stop a second time: end everything at once."""


@dataclass(frozen=True)
class Wanted:
    """What to run and where, read from the settings and the command line."""

    state_dir: Path
    broker_url: str
    sqlite: bool
    worker_threads: int
    worker_processes: int
    host: str
    port: int
    environ: Mapping[str, str]
    without: Collection[str] = ()


def bind_address(public_url: str, host: str = "", port: int = 0) -> tuple[str, int]:
    """Where to listen: as told, else PUBLIC_URL's own address when it is of this machine, else 127.0.0.1:8000 (behind a proxy)."""
    public = urlsplit(public_url)
    local = public.hostname in LOOPBACK and public.scheme == "http"
    chosen = host or ("127.0.0.1" if not local or public.hostname == "localhost" else str(public.hostname))
    return chosen, port or (public.port or 80 if local else 8000)


def programs_for(wanted: Wanted) -> list[Program]:
    """The programs of this machine, without those that were declined. Raises NoBroker."""
    programs = [web_program(wanted.host, wanted.port, sqlite=wanted.sqlite, environ=wanted.environ), beat_program(wanted.environ)]
    if "worker" not in wanted.without:
        programs += [worker_program(wanted.worker_threads, wanted.environ, number + 1) for number in range(wanted.worker_processes)]
    broker_socket = socket_of(wanted.broker_url)
    if broker_socket and "broker" not in wanted.without:
        programs.append(broker_program(broker_socket, wanted.state_dir, wanted.environ))
    return [program for program in programs if program.name not in wanted.without]


def listen_for_stop() -> threading.Event:
    """An event that Ctrl-C, SIGTERM or a closed terminal sets; the second time raises Impatient in the main thread."""
    stopping = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            raise Impatient
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)
    return stopping


def tend_until(stack: Stack, stopping: threading.Event, each_time: Callable[[], None] = lambda: None) -> None:
    """Look after the stack until the event is set."""
    while not stopping.wait(TICK_SECONDS):
        tend(stack)
        each_time()


def stop_or_kill(stack: Stack) -> None:
    """Stop in order; a second Ctrl-C ends everything at once."""
    try:
        stop_stack(stack)
    except Impatient:
        stack.say("up", "ending everything now")
        kill_stack(stack)


def announce_when_up(stack: Stack, wanted: Wanted, public_url: str) -> Callable[[], None]:
    """A function for tend_until that says once that the web process answers."""
    told = threading.Event()
    host = "127.0.0.1" if wanted.host in ("0.0.0.0", "::") else wanted.host  # noqa: S104 - compared, not bound

    def look() -> None:
        if not told.is_set() and "web" not in wanted.without and answers(host, wanted.port, public_url=public_url, timeout=1.0):
            told.set()
            stack.say("up", f"Tillbridge answers at {public_url}/admin/ (Ctrl-C stops it)")

    return look
