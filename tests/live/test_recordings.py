"""Real recordings, played live into the real agent, arrive as alerts at a plain client."""

import contextlib
import json
import subprocess

import pytest
from agent_process import (
    bgl_messages,
    command,
    environment,
    running_agent,
    skab_fault,
    skab_messages,
)
from mosquitto import Listener

SETTINGS = {
    "SENSOR_TOPICS": "plant/{area}/{asset}/values/#",
    "LOG_TOPICS": "plant/{area}/{asset}/log",
    "COMMISSIONING_S": 400,
}
STATUS = "edge-agent/gw1/status"
PUMP, BLUE_GENE = "plant/lab/pump/values", "plant/lab/bluegene/log"


@pytest.fixture(scope="module")
def recordings(shared_data):
    pump = list(skab_messages(shared_data / "sensors/skab/valve1/6.csv", PUMP))
    return pump, list(bgl_messages(shared_data / "logs/raw/BGL_2k.log", BLUE_GENE))


@pytest.fixture(scope="module")
def replayed(recordings, tmp_path_factory):
    """Return the alerts that ``replay`` finds in both recordings, by asset."""
    folder = tmp_path_factory.mktemp("replay")
    captures = []
    for number, recording in enumerate(recordings):
        captures.append(folder / f"{number}.jsonl")
        captures[-1].write_text("".join(json.dumps(message) + "\n" for message in recording))
    env = environment(folder, **SETTINGS)
    done = command("replay", *map(str, captures), env=env)
    assert done.returncode == 0, done.stderr
    return by_asset(map(json.loads, done.stdout.splitlines()))


@pytest.fixture(scope="module")
def live(recordings, replayed, tmp_path_factory, broker):
    """Return the alerts that a plain subscriber gets while both recordings are published."""
    folder = tmp_path_factory.mktemp("live")
    env = environment(folder, **SETTINGS, BROKER_URL=broker.url)
    expected = sum(len(alerts) for alerts in replayed.values())
    with (
        Listener(broker.port, STATUS, "edge-agent/gw1/replies/+", name="operator") as operator,
        running_agent(env, folder / "agent.log"),
        plain_subscriber(broker.port, folder / "arrived", expected),
    ):
        operator.wait(lambda: any(b'"online": true' in p for p in operator.payloads(STATUS)), 30)
        for message in (m for recording in recordings for m in recording):
            operator.publish(message["topic"], message["payload"].encode())
        operator.publish("edge-agent/gw1/commands/acknowledge", b"{}")  # answered after the rest
        operator.wait(lambda: operator.payloads("edge-agent/gw1/replies"), 60)
    return by_asset(map(json.loads, (folder / "arrived").read_text().splitlines()))


@contextlib.contextmanager
def plain_subscriber(port, arrived, expected):
    """Run mosquitto_sub, which knows nothing of the agent, until so many alerts have arrived."""
    topics = "edge-agent/gw1/alarms/+/+/event"
    command = ["mosquitto_sub", "-p", str(port), "-t", topics, "-q", "1", "-F", "%p"]
    with arrived.open("wb") as out:
        process = subprocess.Popen([*command, "-C", str(expected)], stdout=out)
    try:
        yield
        process.wait(60)
    finally:
        process.kill()
        process.wait()


def by_asset(alerts):
    told = {}
    for alert in alerts:
        told.setdefault(alert["asset"], []).append(alert)
    return told


def transitions(alerts):
    return [(a["id"], a["alarm"], a["state"], a["changed_at"]) for a in alerts]


def test_a_throttled_valve_raises_an_alarm_within_the_labelled_fault(live, shared_data):
    began, ended = skab_fault(shared_data / "sensors/skab/valve1/6.csv")
    raised = [a["raised_at"] for a in live["pump"] if a["active"]]
    assert raised
    assert all(began <= at <= ended for at in raised)


def test_blue_gene_raises_alarms_for_the_lines_that_its_operators_labelled(live, shared_data):
    labelled = {
        line.partition(" ")[2].partition(" ")[0]
        for line in (shared_data / "logs/raw/BGL_2k.log").read_text(errors="replace").splitlines()
        if not line.startswith("- ")
    }
    assert labelled
    assert any(a["active"] for a in live["bluegene"])


@pytest.mark.parametrize("asset", ["pump", "bluegene"])
def test_live_and_replay_tell_the_same_transitions(live, replayed, asset):
    assert transitions(live[asset]) == transitions(replayed[asset])
