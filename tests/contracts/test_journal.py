"""What the agent's own log tells, and what it keeps to itself."""

import json
import subprocess
import sys

import pytest

# In a process of its own: the configuration is the process's, and loggers keep what they first saw.
STUMBLE = """
import structlog
from edge_agent.io import journal

def open_door(password):
    raise LookupError(f"no door has a key of {len(password)} letters")

def stumble():
    try:
        open_door("correct" + " horse")
    except LookupError:
        structlog.get_logger().exception("stumbled", asset="press-1")

journal.configure("info", "FORMAT", {})
stumble()
"""


def stumble(log_format):
    """Return what a process writes to standard error when something of ours goes wrong."""
    script = STUMBLE.replace("FORMAT", log_format)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    return done.stderr


@pytest.mark.parametrize("log_format", ["journal", "json", "console"])
def test_a_trace_tells_the_place_and_no_variables(log_format):
    told = stumble(log_format)
    assert "no door has a key of 13 letters" in told
    assert "open_door" in told
    assert "correct horse" not in told


def test_a_json_line_is_one_object_with_its_trace():
    line = json.loads(stumble("json"))
    assert (line["event"], line["level"], line["asset"]) == ("stumbled", "error", "press-1")
    assert line["exception"][0]["exc_type"] == "LookupError"
    frames = [frame["name"] for frame in line["exception"][0]["frames"]]
    assert frames == ["stumble", "open_door"]
