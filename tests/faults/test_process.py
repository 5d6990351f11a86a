"""The agent dies at the worst moment: after the decision, before the broker has answered."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mosquitto import Listener

FOLDER = Path(__file__).parent

pytestmark = pytest.mark.timeout(40)


@contextlib.contextmanager
def agent(*arguments: str):
    """Run the agent's last step in a process of its own, and kill -9 it in the end."""
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent)}
    process = subprocess.Popen(
        [sys.executable, FOLDER / "deliver_once.py", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with process:
        try:
            await_line(process, "online")
            yield process
        finally:
            process.kill()


def await_line(process, wanted: str) -> None:
    assert process.stdout.readline().strip() == wanted


def go_on(process) -> None:
    process.stdin.write("\n")
    process.stdin.flush()
    await_line(process, "delivering")


def test_an_alert_survives_kill_9_between_commit_and_puback(broker_process, tmp_path):
    state = str(tmp_path / "state.db")
    with Listener(broker_process.port, "doc/event") as scada:
        with agent(state, broker_process.url, "01HF") as process:
            broker_process.freeze()
            go_on(process)
        broker_process.thaw()
        with agent(state, broker_process.url) as process:
            go_on(process)
            scada.wait(lambda: scada.seen)
    # The frozen broker may have got the first copy too: at least once, and always the same.
    assert {seen.payload for seen in scada.seen} == {b'{"id": "01HF", "sequence": 1}'}


def test_sequences_go_on_after_a_kill(broker_process, tmp_path):
    state = str(tmp_path / "state.db")
    with Listener(broker_process.port, "doc/event") as scada:
        for name in ("first", "second"):
            with agent(state, broker_process.url, name) as process:
                go_on(process)
                scada.wait(lambda name=name: any(name.encode() in p for p in scada.payloads()))
    sequences = {json.loads(one)["id"]: json.loads(one)["sequence"] for one in scada.payloads()}
    assert sequences == {"first": 1, "second": 2}
