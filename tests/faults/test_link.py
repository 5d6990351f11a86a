"""The link breaks: cleanly, abruptly, or without anybody saying so."""

import json
import shutil
import subprocess

import pytest
from agents import NAMESPACE, connected, terms
from mosquitto import Listener, running
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.errors import ConfigError
from edge_agent.io.address import BrokerAddress
from edge_agent.io.inbox import Lane
from edge_agent.io.link import Link, Stage
from edge_agent.io.receipt import Outcome
from edge_agent.io.terms import Subscriptions, Version

TOPIC = "plant/hall/press/temperature"


def test_messages_come_with_their_lane(broker_process):
    with Listener(broker_process.port) as plc, connected(broker_process.url) as side:
        side.broker.wait_online(10)
        for topic in (TOPIC, "plant/hall/press/log", f"{NAMESPACE}/commands/acknowledge"):
            plc.publish(topic, b"x")
        lanes = [delivery.lane for delivery in side.take(3)]
        assert lanes == [Lane.TELEMETRY, Lane.LOG, Lane.COMMAND]


def test_a_retained_message_is_marked(broker_process):
    with Listener(broker_process.port) as plc:
        plc.publish(TOPIC, b"old", retain=True)
        with connected(broker_process.url) as side:
            (old,) = side.take(1)
            plc.publish(TOPIC, b"new", retain=True)
            (new,) = side.take(1)
    assert (old.message.payload, old.message.retained) == (b"old", True)
    assert (new.message.payload, new.message.retained) == (b"new", False)


def test_a_command_brings_where_to_answer(broker_process):
    wishes = Properties(PacketTypes.PUBLISH)
    wishes.ResponseTopic = "scada/replies"
    wishes.CorrelationData = b"\x00\xff17"
    with (
        Listener(broker_process.port, "scada/replies") as scada,
        connected(broker_process.url) as side,
    ):
        side.broker.wait_online(10)
        scada.publish(f"{NAMESPACE}/commands/shelve", b"{}", properties=wishes)
        (command,) = side.take(1)
        assert (command.response_topic, command.correlation) == ("scada/replies", b"\x00\xff17")
        side.broker.publish(command.response_topic, b"done", correlation=command.correlation)
        scada.wait(lambda: scada.payloads() == [b"done"])


def test_what_the_agent_publishes_does_not_come_back(broker_process):
    everything = Subscriptions(("#",), (), NAMESPACE)
    with connected(broker_process.url, subscriptions=everything) as side:
        side.broker.wait_online(10)
        assert side.broker.publish(f"{NAMESPACE}/health", b"own").wait(10) is Outcome.ACKNOWLEDGED
        side.broker.publish(TOPIC, b"foreign")
        (delivery,) = side.take(1)
        assert delivery.message.payload == b"foreign"


def test_only_what_was_acknowledged_is_forgotten_by_the_broker(broker_process):
    with Listener(broker_process.port) as plc:
        with connected(broker_process.url) as side:
            side.broker.wait_online(10)
            for number in range(4):
                plc.publish(TOPIC, b"%d" % number)
            for delivery in side.take(4)[:2]:
                assert side.broker.ack(delivery)
        with connected(broker_process.url) as side:
            again = [delivery.message.payload for delivery in side.take(2)]
    assert again == [b"2", b"3"]


def test_an_acknowledgement_for_an_earlier_connection_is_not_sent(broker_process):
    with Listener(broker_process.port) as plc, connected(broker_process.url) as side:
        side.broker.wait_online(10)
        plc.publish(TOPIC, b"1")
        (early,) = side.take(1)
        side.broker.reset()
        (late,) = side.take(1)  # the broker sends it again on the next connection
        assert not side.broker.ack(early)
        assert late.generation > early.generation
        assert side.broker.ack(late)


def test_messages_sent_while_the_agent_is_away_wait_for_it(broker_process):
    with Listener(broker_process.port) as plc:
        with connected(broker_process.url) as side:
            side.broker.wait_online(10)
        plc.publish(TOPIC, b"meanwhile")
        with connected(broker_process.url) as side:
            (delivery,) = side.take(1)
            assert delivery.message.payload == b"meanwhile"
            assert side.broker.wait_online(10).session_present


def test_the_broker_keeps_the_backlog_beyond_the_receive_maximum(broker_process):
    with (
        Listener(broker_process.port) as plc,
        connected(broker_process.url, receive_maximum=2) as side,
    ):
        side.broker.wait_online(10)
        for number in range(5):
            plc.publish(TOPIC, b"%d" % number)
        first = side.take(2)
        assert side.inbox.take(1, 0.2) == []
        for delivery in first:
            side.broker.ack(delivery)
        assert [delivery.message.payload for delivery in side.take(2)] == [b"2", b"3"]


def test_a_killed_broker_is_found_again_with_its_session(broker_process):
    with connected(broker_process.url) as side:
        before = side.broker.wait_online(10)
        broker_process.kill()
        while side.broker.wait_online(0.0) is not None:
            pass
        broker_process.start()
        after = side.broker.wait_online(10)
        assert after.generation > before.generation
        assert side.broker.problem is None
        with Listener(broker_process.port) as plc:
            plc.publish(TOPIC, b"heard")
            assert side.take(1)[0].message.payload == b"heard"


def test_a_half_open_link_loses_its_publications_and_is_replaced(broker_process):
    with connected(broker_process.url) as side:
        before = side.broker.wait_online(10)
        broker_process.freeze()
        receipt = side.broker.publish("doc/1", b"x")
        assert receipt.wait(10) is Outcome.LOST
        broker_process.thaw()
        after = side.broker.wait_online(10)
        assert after.generation > before.generation


def test_stopping_is_bounded_when_the_broker_does_not_answer(broker_process):
    with connected(broker_process.url, keepalive_s=60) as side:
        side.broker.wait_online(10)
        broker_process.freeze()
        side.broker.stop(timeout_s=4.0)
        assert not side.broker.is_alive()
        broker_process.thaw()


@pytest.mark.parametrize("version", Version)
def test_the_last_will_appears_when_the_link_dies(broker_process, version):
    with Listener(broker_process.port, f"{NAMESPACE}/status") as scada:
        link = Link(1, terms(broker_process.url), version, None, lambda *_: None)
        link.open()
        while link.turn(0.05) and not scada.seen:
            pass
        link.close()  # no goodbye
        scada.wait(lambda: len(scada.seen) == 2)
    assert [json.loads(seen.payload)["status"] for seen in scada.seen] == ["online", "offline"]


@pytest.mark.parametrize("version", Version)
def test_filters_of_earlier_settings_bring_nothing_any_more(broker_process, version):
    """The session outlives a change of the settings, and its subscriptions with it."""
    heard: list[bytes] = []

    def agent(topic_filter, forgotten=()):
        subscriptions = Subscriptions((topic_filter,), (), NAMESPACE)
        agreed = terms(broker_process.url, subscriptions=subscriptions, forgotten=forgotten)
        link = Link(1, agreed, version, None, lambda _, received: heard.append(received.payload))
        link.open()
        while link.turn(0.05) and link.stage is not Stage.ONLINE:
            pass
        return link

    before = agent("plant/#")
    before.depart(2.0)
    before.close()
    after = agent("line/#", forgotten=("plant/#",))
    with Listener(broker_process.port) as plc:
        plc.publish("plant/hall/press/temperature", b"unwanted")
        plc.publish("line/press", b"wanted")
    while b"wanted" not in heard:
        assert after.turn(1.0)
    after.close()
    assert heard == [b"wanted"]


@pytest.mark.parametrize("version", Version)
def test_the_session_persists_in_both_versions(broker_process, version):
    with Listener(broker_process.port) as plc:
        heard: list[bytes] = []
        for present in (False, True):
            link = Link(
                1,
                terms(broker_process.url),
                version,
                None,
                lambda _link, received: heard.append(received.payload),
            )
            link.open()
            while link.turn(0.05) and link.stage is not Stage.ONLINE:
                pass
            assert link.session_present is present
            while present and not heard:
                assert link.turn(0.05)
            link.depart(5.0)
            link.close()
            plc.publish(TOPIC, b"meanwhile")
    assert heard == [b"meanwhile"]


def test_wrong_credentials_are_reported_and_tried_again(tmp_path):
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    settings = f"allow_anonymous false\npassword_file {passwords}"
    with running(tmp_path, settings) as process:
        address = BrokerAddress.parse(process.url, username="gw", password=passwords.name)
        with connected(address) as side:
            assert side.broker.wait_online(0.5) is None
            assert side.broker.problem == f"{process.url}: Not authorized"
            assert side.broker.is_alive()


def test_nobody_listening_is_reported(broker_process):
    broker_process.kill()
    with connected(broker_process.url) as side:
        assert side.broker.wait_online(0.3) is None
        assert "cannot be reached" in side.broker.problem


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1 and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-out", cert, "-keyout", key),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


# paho forgets to close the socket of a failed handshake; the interpreter does, and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_reaches_a_broker_whose_authority_is_known_and_no_other(tmp_path, certificate):
    cert, key = certificate
    settings = f"certfile {cert}\nkeyfile {key}\nallow_anonymous true"
    with running(tmp_path, settings) as process:
        url = process.url.replace("mqtt:", "mqtts:")
        with connected(BrokerAddress.parse(url, ca_file=cert)) as side:
            assert side.broker.wait_online(10) is not None
        with connected(BrokerAddress.parse(url)) as side:
            assert side.broker.wait_online(0.5) is None
            assert "CERTIFICATE_VERIFY_FAILED" in side.broker.problem


def test_an_unreadable_authority_stops_the_start(tmp_path):
    address = BrokerAddress.parse("mqtts://broker", ca_file=tmp_path / "absent.pem")
    with pytest.raises(ConfigError, match=r"absent\.pem"):
        address.tls_context()
