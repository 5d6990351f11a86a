"""An alarm that was decided survives whatever happens before the broker has acknowledged it."""

import json
import signal
import threading
import time

import pytest
from agent_process import environment, running_agent
from mosquitto import Listener, running

STATUS, ALARMS = "edge-agent/gw1/status", "edge-agent/gw1/alarms/#"
FORBIDDEN = "topic readwrite #\ntopic deny edge-agent/gw1/alarms/#\n"
ALLOWED = "topic readwrite #\n"


@pytest.fixture
def strict_broker(tmp_path):
    """Return a broker that does not let the agent publish alarms, and a way to let it."""
    rules = tmp_path / "rules"
    rules.write_text(FORBIDDEN)
    settings = f"allow_anonymous true\nacl_file {rules}"
    with running(tmp_path, settings) as broker:

        def relent():
            rules.write_text(ALLOWED)
            broker.signal(signal.SIGHUP)

        yield broker, relent


def decided(log, within_s=15.0):
    """Return the id of the first transition that the agent's log tells of."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        for line in log.read_text().splitlines():
            if '"event": "transition"' in line:
                return json.loads(line)["id"]
        threading.Event().wait(0.05)
    raise AssertionError(log.read_text())


def test_kill_9_between_decision_and_acknowledgement_loses_nothing(strict_broker, tmp_path):
    broker, relent = strict_broker
    log = tmp_path / "agent.log"
    env = environment(tmp_path, BROKER_URL=broker.url)
    with Listener(broker.port, STATUS, name="plant") as plant:
        with running_agent(env, log) as agent:
            plant.wait(lambda: any(b'"online": true' in p for p in plant.payloads(STATUS)), 30)
            plant.publish("plant/hall/press-1/log", b"EMERGENCY STOP PRESSED")
            alert_id = decided(log)
            agent.kill()
            agent.wait()
        with Listener(broker.port, ALARMS, name="operator") as operator:
            assert operator.seen == []
            relent()
            with running_agent(env, log):
                operator.wait(lambda: len(operator.seen) >= 2, 60)
        event, state = operator.seen[:2]
    assert event.topic == "edge-agent/gw1/alarms/press-1/safety/event"
    assert state.topic == "edge-agent/gw1/alarms/press-1/safety/state"
    assert json.loads(event.payload)["id"] == alert_id
    assert state.payload == event.payload


def test_an_alarm_that_was_active_before_a_crash_is_cleared_after_it(broker_process, tmp_path):
    log = tmp_path / "agent.log"
    site = tmp_path / "site.toml"
    site.write_text("[alarms]\nlog_hold_s = 3\n")
    env = environment(tmp_path, BROKER_URL=broker_process.url, SITE_FILE=site)
    with Listener(broker_process.port, "edge-agent/gw1/#", name="operator") as operator:
        with running_agent(env, log) as agent:
            operator.wait(
                lambda: any(b'"online": true' in p for p in operator.payloads(STATUS)), 30
            )
            operator.publish("plant/hall/press-1/log", b"EMERGENCY STOP PRESSED")
            operator.wait(lambda: operator.payloads("edge-agent/gw1/alarms"), 15)
            agent.kill()
            agent.wait()
        with running_agent(env, log):
            operator.wait(lambda: any(b'"active":false' in p for p in operator.payloads()), 30)
    alarms = [json.loads(p) for p in operator.payloads("edge-agent/gw1/alarms")]
    assert [alarms[0]["active"], alarms[-1]["active"]] == [True, False]
    assert {a["occurrence"] for a in alarms} == {1}
