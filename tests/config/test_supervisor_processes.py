"""The supervisor with real processes: restart, order, back-off, and nothing left behind."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from config.firstrun import embedded_broker_url
from config.ports import free_port, is_free
from config.supervisor.broker import NoBroker, broker_program, private_directory, socket_of
from config.supervisor.processes import speaker
from config.supervisor.programs import Program
from config.supervisor.serving import bind_address
from config.supervisor.stack import AlreadyRunning, Stack, kill_stack, pause_after, start_stack, stop_stack, tend

ROOT = Path(__file__).resolve().parent.parent.parent


def python(name: str, code: str, order: int = 1, grace: float = 5.0, **environ: str) -> Program:
    return Program(name, (sys.executable, "-c", textwrap.dedent(code)), order, grace, {"PATH": os.environ["PATH"], **environ})


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def run(tmp_path: Path, out: io.StringIO) -> Iterator[Callable[..., Stack]]:
    started: list[Stack] = []

    def begin(*programs: Program) -> Stack:
        started.append(start_stack(programs, tmp_path / "state", speaker(out)))
        return started[-1]

    yield begin
    for stack in started:
        kill_stack(stack)


SLEEPER = "import time\nprint('here', flush=True)\ntime.sleep(600)"


def test_lines_carry_the_name_of_their_program(run: Callable[..., Stack], out: io.StringIO) -> None:
    run(python("web", "print('hello'); import sys; print('trouble', file=sys.stderr); import time; time.sleep(600)"))
    wait_for(lambda: out.getvalue().count("\n") == 2)
    assert sorted(out.getvalue().splitlines()) == ["     web | hello", "     web | trouble"]


def test_what_dies_starts_again_after_a_pause(run: Callable[..., Stack], out: io.StringIO) -> None:
    stack = run(python("web", SLEEPER))
    first = stack.pid("web")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: stack.slots[0].running and stack.slots[0].running.exit_code is not None)
    tend(stack)
    assert stack.pid("web") is None
    assert "web was ended by SIGKILL; it starts again in 0.5 s" in out.getvalue()
    tend(stack, time.monotonic() + 0.6)
    second = stack.pid("web")
    assert second not in (None, first)
    assert alive(second or 0)
    assert stack.restarts == {"web": 1}


def test_the_pauses_double_up_to_half_a_minute() -> None:
    assert [pause_after(failures) for failures in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_stopping_goes_in_order_and_waits_for_each(run: Callable[..., Stack], tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    code = """
        import os, signal, sys, time
        def end(*_):
            time.sleep(0.2)
            open(os.environ["JOURNAL"], "a").write(os.environ["NAME"] + "\\n")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        open(os.environ["JOURNAL"] + os.environ["NAME"], "w")
        time.sleep(600)
    """
    names = {"broker": 5, "beat": 2, "worker": 3, "web": 1}
    stack = run(*(python(name, code, order, NAME=name, JOURNAL=str(journal)) for name, order in names.items()))
    wait_for(lambda: all(Path(f"{journal}{name}").exists() for name in names))
    stop_stack(stack)
    assert journal.read_text().split() == ["web", "beat", "worker", "broker"]


def test_a_program_that_does_not_stop_is_ended_with_its_children(run: Callable[..., Stack], out: io.StringIO, tmp_path: Path) -> None:
    code = """
        import os, signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
        open(os.environ["PIDS"], "w").write(f"{os.getpid()} {child.pid} ")
        time.sleep(600)
    """
    pids = tmp_path / "pids"
    stack = run(python("worker", code, grace=0.3, PIDS=str(pids)))
    wait_for(lambda: pids.exists() and pids.read_text().endswith(" "))
    both = [int(pid) for pid in pids.read_text().split()]
    assert all(alive(pid) for pid in both)
    stop_stack(stack)
    assert "worker did not stop within 0.3 s and was ended" in out.getvalue()
    wait_for(lambda: not any(alive(pid) for pid in both))


def test_children_of_a_killed_program_are_gone_before_it_starts_again(run: Callable[..., Stack], tmp_path: Path) -> None:
    code = """
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open(os.environ["PIDS"], "a").write(f"{os.getpid()} {child.pid} ")
        time.sleep(600)
    """
    pids = tmp_path / "pids"
    stack = run(python("web", code, PIDS=str(pids)))
    wait_for(lambda: pids.exists() and pids.read_text().count(" ") == 2)
    parent, child = (int(pid) for pid in pids.read_text().split())
    os.kill(parent, signal.SIGKILL)
    wait_for(lambda: stack.slots[0].running and stack.slots[0].running.exit_code is not None)
    assert alive(child)
    tend(stack)
    wait_for(lambda: not alive(child))


def test_kill_nine_of_the_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    stubborn = (
        "import os, signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
        "c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "open(os.environ['PIDS'], 'a').write(f'{os.getpid()} {c.pid} '); time.sleep(600)"
    )
    supervisor = textwrap.dedent(f"""
        import os, sys, time
        from pathlib import Path
        from config.supervisor.processes import speaker
        from config.supervisor.programs import Program
        from config.supervisor.stack import start_stack, tend
        command = (sys.executable, "-c", {stubborn!r})
        programs = [Program(name, command, order, 5.0, dict(os.environ)) for order, name in enumerate(("web", "worker"))]
        stack = start_stack(programs, Path({str(tmp_path / "state")!r}), speaker(sys.stdout))
        open({str(tmp_path / "guard")!r}, "w").write(str(stack.guard.pid))
        while True:
            tend(stack)
            time.sleep(0.05)
    """)
    environ = {**os.environ, "PIDS": str(pids), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", supervisor], env=environ, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: pids.exists() and pids.read_text().count(" ") == 4)
        everything = [int(pid) for pid in pids.read_text().split()] + [int((tmp_path / "guard").read_text())]
        assert all(alive(pid) for pid in everything)
    finally:
        process.kill()
        process.wait()
    wait_for(lambda: not any(alive(pid) for pid in everything))


def test_a_second_supervisor_in_the_same_state_directory_is_refused(run: Callable[..., Stack], tmp_path: Path) -> None:
    run(python("web", SLEEPER))
    with pytest.raises(AlreadyRunning, match=f"already running in .*state \\(process {os.getpid()}\\)"):
        start_stack([python("web", SLEEPER)], tmp_path / "state", speaker(io.StringIO()))


def test_the_embedded_broker_speaks_on_a_private_socket_only(run: Callable[..., Stack], tmp_path: Path) -> None:
    socket = socket_of(embedded_broker_url(tmp_path / "state"))
    assert socket is not None
    stack = run(broker_program(socket, tmp_path / "state", {"PATH": os.environ["PATH"], "SECRET_KEY": "not for the broker"}))
    wait_for(socket.exists)
    client = redis.Redis(unix_socket_path=str(socket))
    wait_for(lambda: client.ping())
    settings = client.config_get("*")
    assert (settings["port"], settings["appendonly"], settings["appendfsync"]) == ("0", "yes", "everysec")
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert b"SECRET_KEY" not in Path(f"/proc/{stack.pid('broker')}/environ").read_bytes()
    client.set("kept", "yes")
    client.close()
    stop_stack(stack)
    again = run(broker_program(socket, tmp_path / "state", {}))
    wait_for(lambda: again.pid("broker") and socket.exists())
    patience = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 50)
    client = redis.Redis(unix_socket_path=str(socket), decode_responses=True, retry=patience)
    assert client.get("kept") == "yes"


def test_a_state_directory_with_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    short, long = tmp_path / "s", tmp_path / ("x" * 60) / ("y" * 60)
    assert socket_of(embedded_broker_url(short)) == short / "broker.sock"
    found = socket_of(embedded_broker_url(long))
    assert found is not None
    assert (found.name, len(str(found)) < 100) == ("broker.sock", True)
    assert found != socket_of(embedded_broker_url(long / "z"))


def test_a_directory_that_others_may_write_to_is_refused_for_the_socket(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(NoBroker, match="nobody else may write"):
        private_directory(open_to_all)
    private_directory(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("public_url", "host", "port", "expected"),
    [
        ("http://127.0.0.1:8000", "", 0, ("127.0.0.1", 8000)),
        ("http://localhost:9001", "", 0, ("127.0.0.1", 9001)),
        ("http://localhost:9001", "", 9002, ("127.0.0.1", 9002)),
        ("https://books.example", "", 0, ("127.0.0.1", 8000)),
        ("https://books.example", "0.0.0.0", 80, ("0.0.0.0", 80)),
        ("http://books.example:8080", "", 0, ("127.0.0.1", 8000)),
    ],
)
def test_where_to_listen(public_url: str, host: str, port: int, expected: tuple[str, int]) -> None:
    assert bind_address(public_url, host, port) == expected


def test_a_taken_port_is_seen() -> None:
    import socket as sockets

    port = free_port()
    assert is_free("127.0.0.1", port)
    with sockets.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not is_free("127.0.0.1", port)


def test_a_second_ctrl_c_does_not_wait_for_anybody(tmp_path: Path) -> None:
    supervisor = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from config.supervisor.processes import speaker
        from config.supervisor.programs import Program
        from config.supervisor.serving import listen_for_stop, stop_or_kill, tend_until
        from config.supervisor.stack import start_stack
        stubborn = "import os, signal, time; signal.signal(15, signal.SIG_IGN); print('pid', os.getpid(), flush=True); time.sleep(600)"
        stopping = listen_for_stop()
        programs = [Program("worker", (sys.executable, "-c", stubborn), 1, 300.0, {{}})]
        stack = start_stack(programs, Path({str(tmp_path / "state")!r}), speaker(sys.stdout))
        tend_until(stack, stopping)
        stop_or_kill(stack)
    """)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    out = tmp_path / "out"
    with out.open("w") as stream:
        process = subprocess.Popen([sys.executable, "-c", supervisor], env=environ, stdout=stream)
    try:
        wait_for(lambda: "pid " in out.read_text())
        worker = int(out.read_text().split("pid ")[1].split()[0])
        process.send_signal(signal.SIGINT)
        wait_for(lambda: "stopping worker" in out.read_text())
        assert alive(worker)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert "ending everything now" in out.read_text()
        assert not alive(worker)
    finally:
        process.kill()
        process.wait()
