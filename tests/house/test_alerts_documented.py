"""Every cause that an alert is opened for, and every subject that a record waits for, stands in the table of how they end."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "alerts.md").read_text()
SOURCES = "\n".join(
    path.read_text()
    for area in ("audit", "config", "connectors", "counting", "credentials", "flows")
    for path in sorted((ROOT / area).rglob("*.py"))
)
SUBJECT = re.compile(r'subject=f"([a-z]+:)|Concern\(\s*"[a-z_]+", f"([a-z]+:)')
CAUSE = re.compile(r'f"([a-z]+:)\{(?:\w+\.)*(?:pk|connection_id|flow_id)\}[^"]*"')


def test_every_subject_is_in_the_table() -> None:
    subjects = {first or second for first, second in SUBJECT.findall(SOURCES)}
    assert {"sku:", "tax:", "order:"} <= subjects
    assert sorted(subject for subject in subjects if f"`{subject}`" not in TABLE) == []


def test_every_cause_is_in_the_table() -> None:
    causes = set(CAUSE.findall(SOURCES))
    assert {"signature:", "poll:", "platform:", "privacy:"} <= causes
    assert sorted(cause for cause in causes if f"`{cause}`" not in TABLE) == []
