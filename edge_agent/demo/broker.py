"""A throw-away MQTT broker on a free port of the loopback: no users, no files that outlive it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from edge_agent.demo.children import child, last_lines
from edge_agent.errors import ConfigError

HOST = "127.0.0.1"

_START_S = 10.0
_ATTEMPTS = 3
_MOSQUITTO = """\
listener {port} {host}
allow_anonymous true
persistence false
log_dest stderr
"""


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker: which one, and where it listens."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """The address in the form of ``EDGE_AGENT_BROKER_URL``."""
        return f"mqtt://{HOST}:{self.port}"


@contextmanager
def embedded_broker(directory: Path) -> Iterator[Broker]:
    """Run a broker for the length of the context: mosquitto if it is installed, else amqtt.

    Args:
        directory: Where configuration and log may be written.

    Raises:
        ConfigError: Neither broker is installed, or the one that is does not start.
    """
    log = directory / "broker.log"
    with ExitStack() as stack:
        # Between choosing a free port and listening on it, somebody else may take it.
        for _ in range(_ATTEMPTS):
            port = _free_port()
            name, command = _command(directory, port)
            with ExitStack() as attempt:
                process = attempt.enter_context(child(command, log))
                if _listens(process, port):
                    stack.enter_context(attempt.pop_all())
                    break
        else:
            raise ConfigError(f"the broker {name} does not start: {last_lines(log, 3)}")
        yield Broker(name, port)


def _command(directory: Path, port: int) -> tuple[str, list[str]]:
    # Debian keeps mosquitto in /usr/sbin, which is not on the PATH of an ordinary user.
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if mosquitto is not None:
        config = directory / "mosquitto.conf"
        config.write_text(_MOSQUITTO.format(port=port, host=HOST))
        return "mosquitto", [mosquitto, "-c", str(config)]
    if find_spec("amqtt") is not None:
        return "amqtt", [sys.executable, "-m", "edge_agent.demo.amqtt_broker", HOST, str(port)]
    raise ConfigError(
        "the demo needs an MQTT broker: apt install mosquitto, or pip install 'edge-agent[demo]'"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until ``process`` accepts connections; False when it has ended or takes too long."""
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            # whoever holds the port, it is ours only if our process has not given up on it
            time.sleep(0.05)
            return process.poll() is None
    return False
