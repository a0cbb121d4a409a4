"""Every promise of docs/promises.md names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = [line for line in (ROOT / "docs" / "promises.md").read_text().splitlines() if line.startswith("| ")]
PROMISES = [line for line in ROWS if line != "| promise | shown by |"]


def _tests_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_promise_names_tests_that_exist() -> None:
    named = [re.findall(r"`(tests/\S+\.py)::(test_\w+)`", line) for line in PROMISES]
    assert len(PROMISES) > 30
    assert [line for line, tests in zip(PROMISES, named, strict=True) if not tests] == []
    missing = [f"{path}::{name}" for tests in named for path, name in tests if name not in _tests_of(path)]
    assert missing == []
