"""How the demo runs and what it concludes, with a scripted agent and a story of two seconds."""

import importlib.util
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest

from edge_agent.core.records import Category
from edge_agent.demo import run
from edge_agent.demo.broker import Broker
from edge_agent.demo.episodes import Episode, Fault
from edge_agent.errors import AgentError

FAN = Episode(Fault.OVER_CURRENT, "fan-3", Category.ELECTRICAL, 0.4, 1.2)
PUMP = Episode(Fault.OVERHEATING, "pump-2", Category.THERMAL, 0.6, 1.4)
SCRIPTED_AGENT = Path(__file__).with_name("scripted_agent.py")
FOUND_BOTH = [
    [0.8, "fan-3", "electrical", True],
    [1.0, "pump-2", "thermal", True],
    [1.8, "fan-3", "electrical", False],
    [2.0, "pump-2", "thermal", False],
]


@pytest.fixture(autouse=True)
def short_story(monkeypatch, tmp_path: Path):
    if not shutil.which("mosquitto", path="/usr/sbin:/usr/bin") and not importlib.util.find_spec(
        "amqtt"
    ):
        pytest.skip("neither mosquitto nor amqtt is installed")
    monkeypatch.setattr(run, "STORY", (FAN, PUMP))
    monkeypatch.setattr(run, "STORY_S", 4.0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def agent(monkeypatch):
    """Return a function that puts a command in the agent's place."""

    def replace(*arguments: object) -> None:
        def command(folder: Path, broker: Broker) -> tuple[list[str], Path, None]:
            words = [broker.url if word is Broker else str(word) for word in arguments]
            return [sys.executable, *words], folder / "agent.log", None

        monkeypatch.setattr(run, "_agent", command)

    return replace


def test_the_demo_ends_with_0_as_soon_as_every_fault_was_raised_and_cleared(agent, capsys):
    agent(SCRIPTED_AGENT, Broker, json.dumps(FOUND_BOTH))
    assert run.demo() == 0
    printed = capsys.readouterr().out
    assert "injected: over-current on fan-3" in printed
    assert "HIGH      pump-2      thermal     RAISED" in printed
    assert "repaired: overheating on pump-2" in printed
    assert "every injected fault was raised and cleared" in printed


def test_a_fault_that_is_never_cleared_is_no_success(agent, capsys):
    agent(SCRIPTED_AGENT, Broker, json.dumps(FOUND_BOTH[:3]))
    assert run.demo() == 70
    printed = capsys.readouterr().out
    assert "NOT CLEARED" in printed
    assert "missed" in printed


def test_an_alarm_on_a_sound_machine_is_counted(agent, capsys):
    agent(SCRIPTED_AGENT, Broker, json.dumps([[0.2, "press-1", "thermal", True], *FOUND_BOTH]))
    assert run.demo() == 0
    assert "alarms that belong to no injected fault: 1" in capsys.readouterr().out


def test_an_end_that_comes_too_early_is_said(agent, capsys):
    agent(SCRIPTED_AGENT, Broker, json.dumps(FOUND_BOTH))
    assert run.demo(seconds=1.5) == 70
    assert "too short to finish" in capsys.readouterr().out


def test_an_agent_that_stops_is_reported_with_its_last_words(agent):
    agent("-c", "import sys; print('no model'); sys.exit(78)")
    with pytest.raises(AgentError, match="exit code 78: no model"):
        run.demo()


def test_an_agent_that_never_comes_online_is_given_up(agent, monkeypatch):
    monkeypatch.setattr(run, "_ONLINE_S", 0.5)
    agent("-c", "import time; print('still warming', flush=True); time.sleep(60)")
    with pytest.raises(AgentError, match="not online: still warming"):
        run.demo()


def test_no_file_stays_behind(agent, tmp_path: Path):
    agent(SCRIPTED_AGENT, Broker, "[]")
    began_s = time.monotonic()
    run.demo(seconds=1.0)
    assert time.monotonic() - began_s < 5
    assert list(tmp_path.iterdir()) == []


def test_the_agent_gets_its_settings_and_none_of_the_callers(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("EDGE_AGENT_NODE", "somebody-elses")
    monkeypatch.setenv("EDGE_AGENT_BROKER_USERNAME", "operator")
    command, log, environment = run._agent(tmp_path, Broker("mosquitto", 40001))  # noqa: SLF001
    ours = {name: value for name, value in environment.items() if name.startswith("EDGE_AGENT_")}
    assert command[1:] == ["-m", "edge_agent", "run"]
    assert ours["EDGE_AGENT_NODE"] == "demo"
    assert ours["EDGE_AGENT_BROKER_URL"] == "mqtt://127.0.0.1:40001"
    assert "EDGE_AGENT_BROKER_USERNAME" not in ours
    inside = (log, Path(ours["EDGE_AGENT_STATE_DIR"]), Path(ours["EDGE_AGENT_SITE_FILE"]))
    assert all(path.is_relative_to(tmp_path) for path in inside)
