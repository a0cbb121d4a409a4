"""What must be there before the settings can be read: generated secrets, the broker's address, the demo's private environment.

Nothing but the standard library in here: `make setup` runs it, and `manage.py` does before Django.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import MutableMapping, Sequence
from itertools import pairwise
from pathlib import Path

from config.ports import free_port, is_free

BASE_DIR = Path(__file__).resolve().parent.parent
GENERATED = ("SECRET_KEY", "FERNET_KEYS")
MAKES_SECRETS = ("up", "doctor")
# What would lead the demo to real accounts, data or mail. Tuning (WORKER_THREADS, LOG_LEVEL, ...) stays.
NOT_FOR_DEMO = (
    *GENERATED,
    "ALLOWED_HOSTS",
    "BROKER_URL",
    "DATABASE_URL",
    "DEBUG",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_URL",
    "LIMITER_URL",
    "PUBLIC_URL",
    "TRUST_PROXY",
)
DEMO_PORT = 8000
LONGEST_SOCKET_PATH = 100  # sun_path holds 104 bytes on macOS, 108 on Linux


class KeysLost(Exception):
    """A database is there, but the keys that open its secrets are not."""


def embedded_broker_url(state_dir: Path) -> str:
    """Where the embedded broker listens: a socket in the state directory, or in a short private one when that path is too long."""
    socket = state_dir.absolute() / "broker.sock"
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        name = hashlib.sha256(os.fsencode(socket)).hexdigest()[:16]
        socket = Path("/tmp") / f"tillbridge-{os.getuid()}-{name}" / "broker.sock"  # noqa: S108 - made 0700 and checked by the supervisor
    return f"redis+socket://{socket}"


def state_dir_of(environ: MutableMapping[str, str]) -> Path:
    """The state directory that the settings will choose."""
    return Path(environ.get("STATE_DIR") or _from_env_file(environ, "STATE_DIR") or BASE_DIR / ".tillbridge")


def ensure_secrets(environ: MutableMapping[str, str]) -> Path | None:
    """Make STATE_DIR/secrets.env (mode 0600) unless it is there or both keys are set otherwise; its path when it was made.

    Raises KeysLost when there is a database already: new keys could not open what it holds.
    """
    state_dir = state_dir_of(environ)
    path = state_dir / "secrets.env"
    if path.exists() or all(environ.get(name) or _from_env_file(environ, name) for name in GENERATED):
        return None
    if (state_dir / "tillbridge.sqlite3").exists():
        raise KeysLost(
            f"{state_dir / 'tillbridge.sqlite3'} is there, but {path} with its keys is not. "
            "Put the file back, or set SECRET_KEY and FERNET_KEYS, or move the database away to begin anew."
        )
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path if _write_once(path, _fresh_secrets()) else None


def demo_environment(environ: MutableMapping[str, str], *, database_url: str = "", broker_url: str = "", port: int = 0) -> Path:
    """Turn the environment into one of the demo's own, with a fresh private state directory; returns that directory.

    Database and broker are the embedded ones, whatever the environment says, unless they are asked for by name.
    """
    for name in NOT_FOR_DEMO:
        environ.pop(name, None)
    chosen = port or (DEMO_PORT if is_free("127.0.0.1", DEMO_PORT) else free_port())
    if not port and chosen != DEMO_PORT:
        sys.stderr.write(f"Port {DEMO_PORT} is taken by another program; the demo uses {chosen}.\n")
    state_dir = Path(tempfile.mkdtemp(prefix="tillbridge-demo-"))
    environ.update({"STATE_DIR": str(state_dir), "ENV_FILE": "", "ALLOW_PRIVATE_STORES": "true", "TILLBRIDGE_DEMO": "1"})
    environ["PUBLIC_URL"] = f"http://127.0.0.1:{chosen}"
    environ.update({name: url for name, url in (("DATABASE_URL", database_url), ("BROKER_URL", broker_url)) if url})
    ensure_secrets(environ)
    return state_dir


def prepare(argv: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """What `manage.py` needs to be true before the settings are loaded; ends the program with a sentence when it cannot be."""
    command = argv[1] if len(argv) > 1 else ""
    if command == "demo" and not {"-h", "--help"} & set(argv):
        urls = {name: _option(argv, f"--{name.replace('_', '-')}") for name in ("database_url", "broker_url")}
        port = _option(argv, "--port")
        demo_environment(environ, **urls, port=int(port) if port.isdigit() else 0)
    elif command in MAKES_SECRETS:
        try:
            made = ensure_secrets(environ)
        except KeysLost as error:
            sys.exit(str(error))
        if made:
            sys.stderr.write(f"New keys were made in {made}. Keep a copy: without them no stored secret can be read.\n")


def tell_settings_failure(argv: Sequence[str], error: Exception) -> str | int:
    """What to end the program with when the settings cannot be read; `doctor --json` keeps its promise of a JSON document."""
    sentence = f"The settings cannot be used: {error}"
    if "doctor" in argv[1:2] and "--json" in argv:
        check = {"check": "settings", "subject": "", "ok": False, "message": sentence}
        sys.stdout.write(json.dumps({"ok": False, "checks": [check]}, indent=2) + "\n")
        return 1
    return sentence


def _option(argv: Sequence[str], name: str) -> str:
    """The value of --name VALUE or --name=VALUE, before there is a command to parse it."""
    joined = [word.partition("=")[2] for word in argv if word.startswith(f"{name}=")]
    apart = [value for word, value in pairwise(argv) if word == name]
    return (joined + apart or [""])[-1]


def _fresh_secrets() -> str:
    return (
        "# Made at the first run. Keep a copy in a safe place: without FERNET_KEYS no stored secret can be read.\n"
        f"SECRET_KEY={secrets.token_urlsafe(50)}\n"
        f"FERNET_KEYS={secrets.token_urlsafe(32)}\n"
    )


def _write_once(path: Path, text: str) -> bool:
    """Create the whole file at once, readable by us only; False when another process was first."""
    handle, draft = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True


def _from_env_file(environ: MutableMapping[str, str], name: str) -> str:
    path = environ.get("ENV_FILE", str(BASE_DIR / ".env"))
    if not path or not Path(path).is_file():
        return ""
    found = re.findall(rf"^(?:export )?{name}=[\"']?([^\"'\n]*)", Path(path).read_text(), re.MULTILINE)
    return found[-1].strip() if found else ""


if __name__ == "__main__":
    try:
        ensure_secrets(os.environ)
    except KeysLost as lost:
        sys.exit(str(lost))
