"""What quantize/README.md promises, its commands above all, is what happens."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import numpy as np
import pytest
from checkpoints import WORDS, safetensors, save_albert, torch
from mosquitto import Listener

from edge_agent.core.records import Category, Severity
from quantize.cli import main

LABELS = [
    *(f"category:{category}" for category in Category),
    *(f"severity:{severity}" for severity in Severity),
]
README = (Path(__file__).parents[2] / "quantize/README.md").read_text(encoding="utf-8")


def commands(heading):
    """Return the lines of the first block of commands below ``heading``."""
    section = README.partition(f"## {heading}\n")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    return block.group(1).splitlines()


def shell(line, folder, **settings):
    """Start a line as somebody would type it in ``folder``."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("EDGE_AGENT_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited["PATH"]])
    own = {f"EDGE_AGENT_{name}": str(value) for name, value in settings.items()}
    return subprocess.Popen(
        ["bash", "-c", f"exec env {line}"],
        cwd=folder,
        env=inherited | own | {"PATH": path, "ORT_DISABLE_TELEMETRY": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def lines(count, seed):
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, 4)) for _ in range(count)]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Return a folder with a checkpoint and its lines.

    The network is large enough to gain from int8, and sure enough of itself to pass the gates.
    """
    shape = {"labels": LABELS, "hidden_size": 256, "intermediate_size": 1024}
    checkpoint = save_albert(tmp_path / "my-checkpoint", **shape)
    weights = safetensors.load_file(checkpoint / "model.safetensors")
    sure = [9.0 if label in {"category:thermal", "severity:error"} else 0.0 for label in LABELS]
    weights["classifier.bias"] = torch.tensor(sure)
    safetensors.save_file(weights, checkpoint / "model.safetensors")
    (tmp_path / "lines.txt").write_text("\n".join(lines(100, seed=1)))
    rows = [{"text": text, "category": "thermal", "severity": "error"} for text in lines(30, 2)]
    (tmp_path / "held-back.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_five_commands_lead_from_a_checkpoint_to_a_running_gateway(workplace, broker):
    install, quantize, verify, check, run = commands(
        "Your own ALBERT on a gateway in five commands"
    )
    extra = re.fullmatch(r"pip install 'edge-agent\[(\w+)\]'", install).group(1)
    assert extra in metadata("edge-agent").get_all("Provides-Extra")

    for line in (quantize, verify):
        program, *arguments = shlex.split(line)
        assert program == "quantize"
        assert main(arguments) == 0

    settings = {"STATE_DIR": workplace / "state", "NODE": "gw1", "BROKER_URL": broker.url}
    checked = shell(check, workplace, **settings)
    printed, _ = checked.communicate(timeout=60)
    assert checked.returncode == 0, printed
    assert "EDGE_AGENT_LOG_MODEL=my-package\n" in printed

    with Listener(broker.port, "edge-agent/gw1/status", name="readme") as listener:
        agent = shell(run, workplace, **settings)
        try:
            listener.wait(lambda: any(b'"online": true' in x for x in listener.payloads()), 60)
        finally:
            agent.send_signal(signal.SIGTERM)
            printed, _ = agent.communicate(timeout=20)
    assert agent.returncode == 0, printed


def test_a_package_is_signed_and_verified_as_the_page_says(tmp_path, monkeypatch):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH")
    pytest.importorskip("cryptography", reason="cryptography (extra [sign]) is not installed")
    shipped = Path(__file__).parents[2] / "edge_agent/models/sensor-lstm"
    shutil.copytree(shipped, tmp_path / "my-package")
    monkeypatch.chdir(tmp_path)
    for line in commands("Signed packages"):
        program, *arguments = shlex.split(line)
        if program == "quantize":
            assert main(arguments) == 0
        else:
            assert program == "openssl"
            subprocess.run([program, *arguments], check=True)
    assert (tmp_path / "my-package/SHA256SUMS.sig").stat().st_size == 64
