"""Every setting that is read is documented in .env.example and docs/settings.md, and nothing else is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from config.firstrun import GENERATED, NOT_FOR_DEMO

ROOT = Path(__file__).resolve().parent.parent.parent
READERS = {"str", "bool", "int", "float", "list", "url", "json", "db", "db_url", "email_url", "cache_url", "_required"}
ONLY_COMPOSE = {"POSTGRES_PASSWORD"}
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "TILLBRIDGE_DEMO"}


def variables_read(source: str) -> set[str]:
    """Names handed to env.<reader>("NAME") and _required("NAME")."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = getattr(getattr(node.func, "value", None), "id", "")
        if called == "_required" or (owner == "env" and called in READERS):
            found.add(node.args[0].value)
    return found


def variables_of_the_example() -> list[str]:
    return re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)


READ = variables_read((ROOT / "config/settings.py").read_text())


def test_the_scan_sees_every_way_of_reading() -> None:
    source = 'A = env.str("A", "")\nB = env.int("B", 1)\nC = _required("C", "why")\nD = env.email_url("D", default="x")\nother("E")\n'
    assert variables_read(source) == {"A", "B", "C", "D"}
    assert {"SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "SWEEP_SECONDS", "TRUST_PROXY"} <= READ


def test_the_example_documents_each_setting_once() -> None:
    documented = variables_of_the_example()
    assert sorted(documented) == sorted(READ | ONLY_COMPOSE)


def test_the_example_holds_no_secret() -> None:
    values = dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert [values[name] for name in (*GENERATED, "POSTGRES_PASSWORD")] == ["", "", ""]


def test_the_settings_page_has_a_row_for_each() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(READ | ONLY_COMPOSE)


def test_settings_are_the_only_place_that_reads_the_environment() -> None:
    """Besides what must run before them, and commands that hand the environment on to processes or read env:NAME secrets."""
    allowed = {
        "config/firstrun.py",
        "config/settings.py",
        "config/health.py",
        "config/celery.py",
        "config/wsgi.py",
        "config/supervisor/serving.py",
        "config/demo/stage.py",
        "config/management/commands/up.py",
        "config/management/commands/demo.py",
        "config/management/commands/provision.py",
    }
    readers = set()
    for folder in ("config", "connectors", "credentials", "audit", "counting", "flows"):
        for path in (ROOT / folder).rglob("*.py"):
            if re.search(r"os\.environ\b|os\.getenv|environ\.Env\(", path.read_text()):
                readers.add(str(path.relative_to(ROOT)))
    assert readers <= allowed


def test_what_is_kept_from_the_demo_are_real_settings() -> None:
    assert set(NOT_FOR_DEMO) <= READ


@pytest.mark.parametrize("name", sorted(READ))
def test_names_are_plain(name: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Z_]*[A-Z]", name)
