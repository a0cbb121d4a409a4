"""The operator's pages name every command and every periodic task, and the example file in them works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.celery import app
from config.provision.apply import provision
from config.provision.entries import read_toml

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCTION = (ROOT / "docs/production.md").read_text()


def rows_under(heading: str) -> list[str]:
    """First cells of the table under a heading, without the heading row and the rule."""
    section = PRODUCTION.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [cells.strip(" `") for cells in re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)][1:]


def test_every_command_has_a_row() -> None:
    ours = [path.stem for app in ("config", "credentials", "audit", "flows") for path in (ROOT / app).glob("management/commands/[!_]*.py")]
    assert len(ours) >= 12
    assert sorted(rows_under("Commands")) == sorted(ours)


def test_every_periodic_task_has_a_row() -> None:
    assert sorted(rows_under("Periodic tasks")) == sorted(app.conf.beat_schedule)


@pytest.mark.django_db
def test_the_example_of_the_provisioning_page_can_be_applied() -> None:
    from django.contrib.auth.models import Group

    Group.objects.get_or_create(name="bookkeeper")
    example = (ROOT / "docs/provisioning.md").read_text().split("```toml\n")[1].split("```")[0]
    names = re.findall(r"env:(\w+)", example)
    environ = {name: "https://chat.example/x" if name.endswith("_ADDRESS") else "a long enough secret" for name in names}
    done = provision(read_toml(example), environ)
    assert [step.verb for step in done.steps] == ["created"] * 12
