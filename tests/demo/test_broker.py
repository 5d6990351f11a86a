"""The embedded broker: whichever is installed, on the loopback, and gone afterwards."""

import importlib.util
import shutil
import socket
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.demo.broker import HOST, embedded_broker
from edge_agent.demo.children import child
from edge_agent.demo.link import connected
from edge_agent.demo.plant import Publication
from edge_agent.errors import ConfigError

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker_name(request, monkeypatch) -> str:
    if request.param == "mosquitto" and MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    if request.param == "amqtt":
        if importlib.util.find_spec("amqtt") is None:
            pytest.skip("amqtt is not installed (extra [demo])")
        monkeypatch.setattr("edge_agent.demo.broker.shutil.which", lambda *_, **__: None)
    return request.param


def accepts(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((HOST, port)) == 0


def test_a_message_goes_through_and_nothing_is_left(broker_name: str, tmp_path: Path):
    with embedded_broker(tmp_path) as broker:
        assert broker.name == broker_name
        assert broker.url == f"mqtt://127.0.0.1:{broker.port}"
        with connected(broker.port, ("plant/#",)) as link:
            # a block of the largest kind that the plant sends
            publication = Publication("plant/a/b/vibration", b"x" * 30_000)
            deadline = time.monotonic() + 10
            heard = None
            while heard is None and time.monotonic() < deadline:
                link.publish(publication)  # again, until the subscription stands
                heard = link.hear(time.monotonic() + 0.2)
    assert heard is not None
    assert (heard.topic, heard.payload) == (publication.topic, publication.payload)
    assert not accepts(broker.port)


def test_two_brokers_do_not_meet(broker_name: str, tmp_path: Path):
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    with embedded_broker(first) as one, embedded_broker(second) as two:
        assert one.name == two.name == broker_name
        assert one.port != two.port


def test_without_any_broker_the_message_says_what_to_install(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("edge_agent.demo.broker.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("edge_agent.demo.broker.find_spec", lambda _: None)
    with (
        pytest.raises(ConfigError, match=r"apt install mosquitto.*edge-agent\[demo\]"),
        embedded_broker(tmp_path),
    ):
        pass


def test_a_broker_that_cannot_start_is_reported_with_its_own_words(tmp_path: Path, monkeypatch):
    fake = tmp_path / "mosquitto"
    fake.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setattr("edge_agent.demo.broker.shutil.which", lambda *_, **__: str(fake))
    with (
        pytest.raises(ConfigError, match="mosquitto does not start: no such luck"),
        embedded_broker(tmp_path),
    ):
        pass


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("edge_agent.demo.children._PATIENCE_S", 0.2)
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('ready', flush=True); time.sleep(60)"
    )
    log = tmp_path / "log"
    with child([sys.executable, "-c", stubborn], log) as process:
        deadline = time.monotonic() + 10
        while not log.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert log.read_text() == "ready\n"
    assert process.returncode == -9
