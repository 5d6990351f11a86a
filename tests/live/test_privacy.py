"""The agent talks to its broker and to nobody else, and writes its state and nothing else."""

import threading
from pathlib import Path

from agent_process import environment, running_agent
from mosquitto import Listener

TELEMETRY_WAKES_AFTER_S = 6  # ONNX Runtime's own, where it is on


def remote_ports(pid):
    """Return (protocol, local port, remote port) of every network socket of a process."""
    links = [str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    ours = {link[8:-1] for link in links if link.startswith("socket:[")}
    found = set()
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        for row in Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]:
            _, local, remote, *rest = row.split()
            if rest[6] in ours:
                ports = (int(end.rpartition(":")[2], 16) for end in (local, remote))
                found.add((protocol, *ports))
    return found


def test_no_socket_but_the_brokers_and_no_file_outside_the_state_directory(tmp_path, broker):
    home = tmp_path / "home"
    home.mkdir()
    env = environment(tmp_path, BROKER_URL=broker.url) | {"HOME": str(home)}
    env.pop("ORT_DISABLE_TELEMETRY")  # the agent has to see to that itself
    env.pop("XDG_CACHE_HOME", None)
    status = "edge-agent/gw1/status"
    with (
        Listener(broker.port, status, name="watcher") as watcher,
        running_agent(env, tmp_path / "agent.log") as agent,
    ):
        watcher.wait(lambda: any(b'"online": true' in p for p in watcher.payloads(status)), 30)
        watcher.publish("plant/hall/fan-1/log", b"motor overcurrent")  # runs the log model
        threading.Event().wait(TELEMETRY_WAKES_AFTER_S)
        sockets = remote_ports(agent.pid)
    own = {local for _, local, _ in sockets}
    strangers = {s for s in sockets if s[2] != broker.port and s[2] not in own}
    assert any(remote == broker.port for _, _, remote in sockets)
    assert strangers == set()
    assert list(home.rglob("*")) == []
    written = {p.name for p in tmp_path.iterdir()} - {"home", "agent.log"}
    assert written == {"state"}
