"""How many processes the worker is, and what is started for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.databases import worker_processes, worker_threads
from config.supervisor.serving import Wanted, programs_for


@pytest.mark.parametrize(
    ("url", "processors", "processes", "threads"),
    [
        ("postgres://x@db/x", 1, 1, 64),
        ("postgres://x@db/x", 2, 2, 32),
        ("postgres://x@db/x", 4, 2, 64),
        ("postgres://x@db/x", 64, 2, 64),
        ("sqlite:////x/y", 2, 1, 64),
        ("sqlite:////x/y", 64, 1, 64),
    ],
)
def test_a_second_process_only_where_there_is_room_for_it(
    url: str, processors: int, processes: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    assert worker_processes(url) == processes
    assert worker_threads(processes) == threads


def programs(tmp_path: Path, processes: int, *without: str) -> list[tuple[str, str]]:
    wanted = Wanted(tmp_path, "amqp://somewhere", False, 7, processes, "127.0.0.1", 1, {}, without)
    return [(program.name, " ".join(program.command[2:])) for program in programs_for(wanted) if "worker" in program.name]


def test_each_process_is_a_program_of_its_own(tmp_path: Path) -> None:
    (first, command), (second, same) = programs(tmp_path, 2)
    assert (first, second) == ("worker", "worker 2")
    assert command == same
    assert "-P threads -c 7" in command
    assert programs(tmp_path, 2, "worker") == []
