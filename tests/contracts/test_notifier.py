"""What systemd hears."""

import os
import socket

import pytest

from edge_agent.io.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def listening(request, tmp_path):
    """A socket like systemd's, and its address as the environment spells it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@edge-agent-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(name.replace("@", "\0", 1) if request.param == "abstract" else name)
        end.settimeout(5)
        yield end, name


def test_every_notification_arrives_as_its_assignment(listening):
    end, name = listening
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": name})
    notifier.ready()
    notifier.status("12 assets\nlearning")
    notifier.watchdog()
    notifier.stopping()
    heard = [end.recv(200) for _ in range(4)]
    assert heard == [b"READY=1", b"STATUS=12 assets learning", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_systemd_nothing_happens():
    notifier = Notifier.from_environment({})
    notifier.ready()
    assert notifier.watchdog_interval_s is None


def test_a_vanished_systemd_does_not_stop_the_agent(tmp_path):
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    notifier.ready()
    notifier.watchdog()


@pytest.mark.parametrize(
    ("environment", "interval_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_needed(environment, interval_s):
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": "/nowhere", **environment})
    assert notifier.watchdog_interval_s == interval_s
