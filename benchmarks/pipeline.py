"""How fast messages go from the broker through the agent, beside a client that only counts them.

Both get the same messages from the same mosquitto, in turn, and each drains a backlog that was
published while it was away: nothing else runs meanwhile.  The unit is one plant message at QoS 1
with one JSON reading.  Prints a table; ratios of one run are worth more than its absolute numbers.

    python benchmarks/pipeline.py [--messages 30000] [--runs 3]
"""

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

ASSETS, CHANNELS = 10, 8
NODE = "bench"
WAIT_S = 300.0
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Drain:
    """One client's way through the backlog."""

    wall_s: float
    cpu_s: float
    rss_mb: float


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=30_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--count-only", type=int, help=argparse.SUPPRESS)  # the bare subscriber
    arguments = parser.parse_args()
    if arguments.count_only:
        _count(arguments.count_only)
        return
    with tempfile.TemporaryDirectory() as folder, _mosquitto(Path(folder)) as port:
        environment = _environment(port, Path(folder))
        bare, agent = [], []
        for _ in range(arguments.runs):
            _visit(port, "bare", ["plant/#"])
            with _agent(port, environment):
                pass
            _publish(port, arguments.messages)  # the broker collects for both
            bare.append(_drain_bare(port, arguments.messages))
            agent.append(_drain_agent(port, environment))
    _print_table(arguments.messages, bare, agent)


def _print_table(messages: int, bare: list[Drain], agent: list[Drain]) -> None:
    print(f"{messages} messages a run, {len(bare)} runs in turn, medians; {_machine()}\n")
    print("| | messages/s | messages per CPU second | RSS after |")
    print("|---|---|---|---|")
    for name, drains in (("bare paho subscriber", bare), ("broker → agent", agent)):
        wall = messages / statistics.median(d.wall_s for d in drains)
        cpu = messages / statistics.median(d.cpu_s for d in drains)
        rss = statistics.median(d.rss_mb for d in drains)
        print(f"| {name} | {wall:,.0f} | {cpu:,.0f} | {rss:.0f} MB |")
    ratio = statistics.median(b.cpu_s / a.cpu_s for b, a in zip(bare, agent, strict=True))
    print(f"\nThe agent reaches {ratio:.2f} of the bare subscriber per CPU second.")


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _drain_bare(port: int, messages: int) -> Drain:
    """Let a client that only counts fetch the backlog."""
    command = [sys.executable, __file__, "--count-only", str(port), "--messages", str(messages)]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return Drain(**json.loads(result.stdout))


def _count(port: int) -> None:
    """Be the bare subscriber: count until the marker that ends the backlog."""
    done = threading.Event()
    begun: list[float] = []

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        if not begun:
            begun.append(time.perf_counter())
        if message.topic == "plant/end":
            done.set()

    client = _client("bare")
    client.on_message = on_message
    cpu_s = time.process_time()
    client.connect("127.0.0.1", port, clean_start=False, properties=_lasting())
    client.loop_start()
    if not done.wait(WAIT_S):
        raise SystemExit("the backlog did not come")
    wall_s, cpu_s = time.perf_counter() - begun[0], time.process_time() - cpu_s
    client.disconnect()
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "rss_mb": _rss_mb(os.getpid())}))


def _environment(port: int, folder: Path) -> dict[str, str]:
    return os.environ | {
        "EDGE_AGENT_BROKER_URL": f"mqtt://127.0.0.1:{port}",
        "EDGE_AGENT_NODE": NODE,
        "EDGE_AGENT_STATE_DIR": str(folder / "state"),
        "EDGE_AGENT_LOG_LEVEL": "error",
    }


def _drain_agent(port: int, environment: dict[str, str]) -> Drain:
    """Let the agent fetch the backlog, until it answers a command that was published last."""
    with _agent(port, environment, await_reply=True) as (pid, online_at, cpu_at):
        return Drain(time.perf_counter() - online_at, _cpu_s(pid) - cpu_at, _rss_mb(pid))


@contextmanager
def _agent(
    port: int, environment: dict[str, str], *, await_reply: bool = False
) -> Iterator[tuple[int, float, float]]:
    """Run the agent until it is online, or has answered; give its pid and when it came online."""
    online, answered = threading.Event(), threading.Event()
    online_at, cpu_at = [0.0], [0.0]

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic.endswith("/status") and not message.retain:
            if b'"online": true' in message.payload:
                online_at[0], cpu_at[0] = time.perf_counter(), _cpu_s(process.pid)
                online.set()
        elif "/replies/" in message.topic:
            answered.set()

    watcher = _client("watcher")
    watcher.on_message = on_message
    watcher.connect("127.0.0.1", port)
    watcher.subscribe([(f"edge-agent/{NODE}/status", 1), (f"edge-agent/{NODE}/replies/#", 1)])
    watcher.loop_start()
    process = subprocess.Popen([sys.executable, "-m", "edge_agent", "run"], env=environment)
    try:
        if not (answered if await_reply else online).wait(WAIT_S):
            raise SystemExit("the agent did not come through")
        yield process.pid, online_at[0], cpu_at[0]
    finally:
        process.terminate()
        process.wait(30)
        watcher.disconnect()
        watcher.loop_stop()


def _visit(port: int, client_id: str, filters: list[str]) -> None:
    """Subscribe and leave, so that the broker collects for this client from now on."""
    granted = threading.Event()
    client = _client(client_id)
    client.on_subscribe = lambda *_: granted.set()
    client.connect("127.0.0.1", port, clean_start=False, properties=_lasting())
    client.loop_start()
    client.subscribe([(name, 1) for name in filters])
    granted.wait(WAIT_S)
    client.disconnect()
    client.loop_stop()


def _publish(port: int, messages: int) -> None:
    """Publish a backlog at QoS 1: readings of all channels in turn, then the two end markers."""
    client = _client("plant")
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    start_s = time.time() - messages / (ASSETS * CHANNELS)
    for number in range(messages):
        asset, channel = number % ASSETS, number // ASSETS % CHANNELS
        at_s = start_s + number / (ASSETS * CHANNELS)
        payload = json.dumps({"value": 20 + number % 7, "timestamp": round(at_s, 3)})
        client.publish(f"plant/hall/machine-{asset}/channel-{channel}", payload, qos=1)
    last = [
        client.publish("plant/end", b"1", qos=1),
        client.publish(f"edge-agent/{NODE}/commands/recommission", b'{"asset": "none"}', qos=1),
    ]
    for info in last:
        info.wait_for_publish(WAIT_S)
    client.disconnect()
    client.loop_stop()


def _client(client_id: str) -> Client:
    return Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)


def _lasting() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    return properties


@contextmanager
def _mosquitto(folder: Path) -> Iterator[int]:
    """Run a mosquitto that keeps any backlog, on a free loopback port."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
