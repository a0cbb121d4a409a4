"""What a page asks the workers for is a task that they have, with arguments that it takes."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from flows import tasks
from flows.asking import ask_for_check, ask_for_comparison, ask_for_poll, ask_for_walk
from flows.models import Flow


def test_whatever_is_asked_for_is_a_task_of_ours(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr("flows.asking.current_app.send_task", lambda name, arguments, **_options: sent.append((name, arguments)))
    now = timezone.now()
    ask_for_comparison(flow, now - timedelta(days=1), now, "bo")
    assert [ask_for_poll(flow), ask_for_walk(), ask_for_check(7)] == [True, True, True]
    assert [name.rpartition(".")[2] for name, _ in sent] == ["walk_comparisons", "poll", "walk_backfills", "verify_audit"]
    for name, arguments in sent:
        task = getattr(tasks, name.rpartition(".")[2])
        assert task.name == name
        inspect.signature(task.run.__wrapped__).bind(*arguments)
