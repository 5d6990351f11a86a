"""The agent as a real process, and real recordings as the traffic of a plant."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

_STOPS_WITHIN_S = 20
_ORT = {"ORT_DISABLE_TELEMETRY": "1"}


def environment(folder: Path, **settings: object) -> dict[str, str]:
    """Return an environment with these settings, state below ``folder`` and nothing inherited."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("EDGE_AGENT_")}
    own = {"STATE_DIR": folder / "state", "NODE": "gw1", "LOG_FORMAT": "json"} | settings
    return inherited | _ORT | {f"EDGE_AGENT_{name}": str(value) for name, value in own.items()}


def command(*arguments: str, env: dict[str, str], **options: object):
    """Run one command of the agent to its end."""
    return subprocess.run(
        [sys.executable, "-m", "edge_agent", *arguments],
        env=env,
        capture_output=True,
        check=False,
        timeout=90,
        **options,
    )


@contextlib.contextmanager
def running_agent(env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon; on leaving, stop it as systemd does and see that it stops well."""
    with log.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-m", "edge_agent", "run"], env=env, stderr=out)
    try:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(_STOPS_WITHIN_S) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def skab_messages(path: Path, topic: str) -> Iterator[dict[str, str]]:
    """Yield a SKAB recording as captured messages, one a row, labels left out."""
    with path.open() as lines:
        for row in csv.DictReader(lines, delimiter=";"):
            values = {k: v for k, v in row.items() if k not in {"anomaly", "changepoint"}}
            stamp = values.pop("datetime").replace(" ", "T") + "Z"
            body = {"timestamp": stamp} | {name: float(v) for name, v in values.items()}
            yield {"received_at": stamp, "topic": topic, "payload": json.dumps(body)}


def skab_fault(path: Path) -> tuple[str, str]:
    """Return the first and the last time that is labelled as anomalous."""
    with path.open() as lines:
        rows = [r for r in csv.DictReader(lines, delimiter=";") if float(r["anomaly"])]
    return rows[0]["datetime"].replace(" ", "T"), rows[-1]["datetime"].replace(" ", "T")


def bgl_messages(path: Path, topic: str) -> Iterator[dict[str, str]]:
    """Yield Blue Gene's log as captured messages, without its first column, the alert label."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        text = line.partition(" ")[2]
        seconds = int(text.partition(" ")[0])
        stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield {"received_at": stamp, "topic": topic, "payload": text}


def bgl_alert_lines(path: Path) -> int:
    """Return how many lines Blue Gene's own operators had labelled as alerts."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return sum(not line.startswith("- ") for line in lines)
