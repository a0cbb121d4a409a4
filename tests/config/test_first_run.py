"""What is made before the settings are read: keys, and the demo's private environment."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.firstrun import KeysLost, demo_environment, ensure_secrets

ROOT = Path(__file__).resolve().parent.parent.parent


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"STATE_DIR": str(tmp_path / "state"), "ENV_FILE": str(tmp_path / ".env"), **more}


def bare(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment(tmp_path), **more}


def manage(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)


def test_keys_are_made_once_for_us_only(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    path = ensure_secrets(environ)
    assert path == tmp_path / "state" / "secrets.env"
    first = path.read_text()
    keys = dict(re.findall(r"^(\w+)=(\S+)$", first, re.MULTILINE))
    assert set(keys) == {"SECRET_KEY", "FERNET_KEYS"}
    assert min(map(len, keys.values())) >= 43
    assert keys["SECRET_KEY"] != keys["FERNET_KEYS"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert ensure_secrets(environ) is None
    assert path.read_text() == first
    assert [entry.name for entry in path.parent.iterdir()] == ["secrets.env"]


def test_two_first_runs_differ(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        path = ensure_secrets({"STATE_DIR": str(tmp_path / name), "ENV_FILE": ""})
        assert path is not None
        texts.append(path.read_text())
    assert texts[0] != texts[1]


@pytest.mark.parametrize("place", ["environment", "env file"])
def test_no_keys_are_made_when_both_are_given(tmp_path: Path, place: str) -> None:
    environ = environment(tmp_path)
    if place == "environment":
        environ |= {"SECRET_KEY": "a", "FERNET_KEYS": "b"}
    else:
        (tmp_path / ".env").write_text("SECRET_KEY=a\nexport FERNET_KEYS='b'\n")
    assert ensure_secrets(environ) is None
    assert not (tmp_path / "state").exists()


def test_empty_keys_of_the_example_are_no_keys(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    assert ensure_secrets(environment(tmp_path)) is not None
    done = manage(bare(tmp_path), "shell", "-c", "from django.conf import settings; print('key of', len(settings.SECRET_KEY))")
    assert (done.returncode, re.findall(r"key of \d+", done.stdout)) == (0, ["key of 67"]), done.stderr


def test_new_keys_are_not_made_beside_a_database_that_they_cannot_open(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "tillbridge.sqlite3").write_bytes(b"")
    with pytest.raises(KeysLost, match="Put the file back"):
        ensure_secrets(environment(tmp_path))
    assert not (tmp_path / "state" / "secrets.env").exists()


def test_the_demo_leaves_real_accounts_data_and_mail_behind(tmp_path: Path) -> None:
    real = {
        "DATABASE_URL": "postgres://real",
        "BROKER_URL": "redis://real",
        "LIMITER_URL": "redis://real",
        "SECRET_KEY": "real",
        "FERNET_KEYS": "real",
        "EMAIL_URL": "smtp://real",
        "PUBLIC_URL": "https://real.example",
        "ALLOWED_HOSTS": "real.example",
        "STATE_DIR": str(tmp_path),
        "ENV_FILE": str(tmp_path / ".env"),
        "WORKER_THREADS": "7",
    }
    environ = dict(real)
    state_dir = demo_environment(environ)
    try:
        assert environ.pop("PUBLIC_URL").startswith("http://127.0.0.1:")
        assert environ == {
            "STATE_DIR": str(state_dir),
            "ENV_FILE": "",
            "ALLOW_PRIVATE_STORES": "true",
            "TILLBRIDGE_DEMO": "1",
            "WORKER_THREADS": "7",
        }
        assert "real" not in (state_dir / "secrets.env").read_text()
        assert list(tmp_path.iterdir()) == []
    finally:
        shutil.rmtree(state_dir)


def test_the_demo_takes_another_port_when_its_own_is_taken_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("config.firstrun.DEMO_PORT", port)
        environ: dict[str, str] = {}
        shutil.rmtree(demo_environment(environ))
    assert environ["PUBLIC_URL"] != f"http://127.0.0.1:{port}"
    assert capsys.readouterr().err.startswith(f"Port {port} is taken by another program; the demo uses ")


def test_a_missing_key_is_told_in_a_sentence(tmp_path: Path) -> None:
    done = manage(bare(tmp_path), "migrate", "--check")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "The settings cannot be used: SECRET_KEY is not set: it signs sessions. `make setup` makes one for local use; see .env.example."
    )
    assert not (tmp_path / "state").exists()


def test_doctor_answers_in_json_even_when_the_settings_cannot_be_read(tmp_path: Path) -> None:
    done = manage(bare(tmp_path, WORKER_THREADS="many", SECRET_KEY="a", FERNET_KEYS="b"), "doctor", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["ok"] is False
    assert [check["check"] for check in document["checks"]] == ["settings"]
    assert document["checks"][0]["message"].startswith("The settings cannot be used: ")
