"""``edge-agent demo`` from outside: the real agent, a real broker, the simulated plant."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "edge_agent", "demo"]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("EDGE_AGENT_")}
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment | {"TMPDIR": str(folder)},
    )


def children_of(pid: int) -> set[int]:
    threads = Path(f"/proc/{pid}/task")
    return {
        int(child)
        for listing in threads.glob("*/children")
        for child in listing.read_text().split()
    }


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.timeout(240)
def test_every_injected_fault_is_raised_and_cleared(tmp_path: Path):
    process = start(tmp_path)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    for fault in ("over-current", "bearing outer race", "encoder loss", "overheating"):
        (row,) = (line for line in output.splitlines() if line.startswith(f"{fault:<20}"))
        assert row.endswith("found")
    assert "every injected fault was raised and cleared" in output
    assert "response: Inspect the drive-end bearing" in output
    assert list(tmp_path.iterdir()) == []


def test_too_few_seconds_are_no_success_and_are_said_so(tmp_path: Path):
    process = start(tmp_path, "--seconds", "8")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 70, output
    assert "too short to finish" in output
    assert "NOT RAISED" in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see children")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_agent_and_broker_and_leaves_no_file(tmp_path: Path, number: signal.Signals):
    process = start(tmp_path)
    deadline = time.monotonic() + 30
    while len(children := children_of(process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(children) == 2  # broker and agent
    began_s = time.monotonic()
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - began_s < 15
    assert process.returncode == 70, output
    assert "stopped before the story was over" in output
    assert all(gone(pid) for pid in children)
    assert list(tmp_path.iterdir()) == []
