"""A real mosquitto for tests, and a plain client that knows nothing of the agent."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

# Debian installs the broker where only root looks.
_PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_STARTED_WITHIN_S = 10.0


def free_port() -> int:
    """Return a loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A broker process on a free loopback port, with its own folder and configuration."""

    def __init__(self, executable: str, folder: Path, settings: str, *, durable: bool) -> None:
        self.port = free_port()
        self._executable = executable
        self._configuration = folder / "mosquitto.conf"
        # Saving after every change is slow; it is what lets acknowledged messages survive SIGKILL.
        saving = (
            f"persistence true\npersistence_location {folder}/\n"
            "autosave_on_changes true\nautosave_interval 1\n"
        )
        # Started by root, it would change to a user who cannot read the test's folder.
        user = "user root\n" if os.geteuid() == 0 else ""
        self._configuration.write_text(
            f"listener {self.port} 127.0.0.1\n{user}{saving if durable else ''}{settings}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "mosquitto.log"

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._executable, "-c", self._configuration], stdout=log, stderr=log
            )
        until = time.monotonic() + _STARTED_WITHIN_S
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < until, "mosquitto does not listen"
            threading.Event().wait(0.02)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def freeze(self) -> None:
        """Make the link half-open: bytes are accepted by the kernel, and never answered."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Cut the link as a power failure of the broker does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def running(
    folder: Path, settings: str = "allow_anonymous true", *, durable: bool = True
) -> Iterator[Mosquitto]:
    """Yield a started broker, or skip the test with the reason.

    Args:
        folder: For configuration, log and saved sessions.
        settings: Further lines of mosquitto.conf.
        durable: Save sessions and messages at every change, so that ``kill`` loses none.
    """
    executable = shutil.which("mosquitto", path=_PLACES)
    if executable is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    broker = Mosquitto(executable, folder, settings, durable=durable)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as a subscriber got it."""

    topic: str
    payload: bytes
    retained: bool


class Listener:
    """A subscriber and publisher beside the agent; reconnects, and keeps what it saw in order."""

    def __init__(
        self, port: int, *filters: str, name: str = "listener", version: str = "5"
    ) -> None:
        self.seen: list[Seen] = []
        self._filters = filters
        self._changed = threading.Condition()
        self._subscribed = False
        five = version == "5"
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._granted
        self._client.on_message = self._message
        if five:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600
            self._client.connect(
                "127.0.0.1", port, keepalive=5, clean_start=False, properties=properties
            )
        else:
            self._client.connect("127.0.0.1", port, keepalive=5)
        self._client.loop_start()
        self.wait(lambda: self._subscribed)

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait(self, condition, timeout_s: float = 10.0) -> None:
        """Wait until ``condition()`` holds, which only a message or a SUBACK can bring about."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout_s), (
                f"saw {len(self.seen)} messages, the latest {self.seen[-3:]}"
            )

    def payloads(self, prefix: str = "") -> list[bytes]:
        return [seen.payload for seen in self.seen if seen.topic.startswith(prefix)]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, properties=None) -> None:
        """Publish at QoS 1 and wait for the broker to have it."""
        info = self._client.publish(topic, payload, 1, retain, properties)
        info.wait_for_publish(10.0)
        assert info.is_published()

    def _connected(self, client, _userdata, _flags, reason, _properties) -> None:
        assert not reason.is_failure, reason
        if self._filters:
            client.subscribe([(one, 1) for one in self._filters])
        else:
            self._granted()

    def _granted(self, *_: object) -> None:
        with self._changed:
            self._subscribed = True
            self._changed.notify_all()

    def _message(self, _client, _userdata, message) -> None:
        with self._changed:
            self.seen.append(Seen(message.topic, message.payload, message.retain))
            self._changed.notify_all()
