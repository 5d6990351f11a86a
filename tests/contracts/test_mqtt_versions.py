"""What the agent says to brokers of every kind, packet by packet."""

import pytest
from agents import NAMESPACE, connected, terms
from mosquitto import Listener
from scripted import Refusal, WireBroker

from edge_agent.io.link import Link
from edge_agent.io.receipt import Outcome
from edge_agent.io.terms import Version

CONNECT, SUBSCRIBE = 1, 8


@pytest.mark.parametrize("refusal", [Refusal.OLD_CODE, Refusal.NEW_CODE, Refusal.HANGS_UP])
def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(refusal):
    with WireBroker(refusal) as wire, connected(f"mqtt://127.0.0.1:{wire.port}") as side:
        assert side.broker.wait_online(10) is not None
        assert wire.levels() == [5, 4]
        receipt = side.broker.publish("doc/1", b"x", correlation=b"only 5 carries this")
        assert receipt.wait(10) is Outcome.ACKNOWLEDGED


@pytest.mark.parametrize(
    ("refusal", "then"), [(Refusal.OLD_CODE, 4), (Refusal.NEW_CODE, 4), (Refusal.HANGS_UP, 5)]
)
def test_only_a_clear_refusal_of_mqtt_5_is_remembered(refusal, then):
    with WireBroker(refusal) as wire, connected(f"mqtt://127.0.0.1:{wire.port}") as side:
        side.broker.wait_online(10)
        side.broker.reset()
        wire.wait(lambda: len(wire.levels()) >= 3)
        assert wire.levels()[:3] == [5, 4, then]


@pytest.mark.parametrize("refusal", [Refusal.NEVER, Refusal.OLD_CODE])
def test_the_session_is_asked_to_persist(refusal):
    with WireBroker(refusal) as wire, connected(f"mqtt://127.0.0.1:{wire.port}") as side:
        side.broker.wait_online(10)
        for _, kind, body in wire.packets:
            if kind == CONNECT:
                assert not body[7] & 0x02, "clean start or clean session is set"
        first = wire.packets[0][2]
        assert (24 * 3600).to_bytes(4, "big") in first  # session expiry interval


@pytest.mark.parametrize("session_present", [True, False])
def test_every_connection_is_subscribed_again(session_present):
    """A broker that lost power may come back with the session and without its subscriptions."""
    with (
        WireBroker(Refusal.NEVER, session_present=session_present) as wire,
        connected(f"mqtt://127.0.0.1:{wire.port}") as side,
    ):
        assert side.broker.wait_online(10).session_present is session_present
        side.broker.reset()
        wire.wait(lambda: [kind for _, kind, _ in wire.packets].count(SUBSCRIBE) == 2)


@pytest.mark.parametrize("refusal", [Refusal.NEVER, Refusal.OLD_CODE])
def test_a_refused_subscription_is_reported(refusal):
    code = 0x87 if refusal is Refusal.NEVER else 0x80
    with (
        WireBroker(refusal, suback_code=code) as wire,
        connected(f"mqtt://127.0.0.1:{wire.port}") as side,
    ):
        connection = side.broker.wait_online(10)
        assert set(connection.refused) == {"plant/+/+/+", f"{NAMESPACE}/commands/+"}
        assert "plant/+/+/+" in side.broker.problem


def test_a_refused_publication_says_why():
    with (
        WireBroker(Refusal.NEVER, puback_code=0x87) as wire,
        connected(f"mqtt://127.0.0.1:{wire.port}") as side,
    ):
        side.broker.wait_online(10)
        receipt = side.broker.publish("doc/1", b"x")
        assert receipt.wait(10) is Outcome.REFUSED
        assert receipt.reason == "Not authorized"


@pytest.mark.parametrize(
    ("parting_code", "words"),
    [
        (0x8E, "another client with this name has taken the session over"),
        (0x8B, "Server shutting down"),
    ],
)
def test_a_broker_that_disconnects_us_says_why(parting_code, words):
    with WireBroker(Refusal.NEVER, parting_code=parting_code) as wire:
        agreed = terms(f"mqtt://127.0.0.1:{wire.port}")
        link = Link(1, agreed, Version.V5, None, lambda *_: None)
        link.open()
        while link.turn(1.0):
            pass
        link.close()
    assert link.reason == words


def test_birth_and_goodbye_are_retained(broker_process):
    with connected(broker_process.url) as side:
        side.broker.wait_online(10)
        side.broker.publish("doc/1", b"x").wait(10)  # the broker has what was sent before, too
        with Listener(broker_process.port, f"{NAMESPACE}/status") as listener:
            listener.wait(lambda: listener.seen)
            assert listener.seen[0].payload == b'{"status": "online"}'
            assert listener.seen[0].retained
    with Listener(broker_process.port, f"{NAMESPACE}/status", name="late") as late:
        late.wait(lambda: late.seen)
        assert late.seen[0].payload == b'{"status": "offline"}'
        assert late.seen[0].retained
