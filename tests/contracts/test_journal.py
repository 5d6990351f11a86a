"""What the agent's own log tells, and what it keeps to itself."""

import json

import pytest
import structlog

from edge_agent.io import journal


@pytest.fixture(autouse=True)
def afterwards():
    yield
    structlog.reset_defaults()


def open_door(password):
    raise LookupError(f"no door has a key of {len(password)} letters")


def stumble(log_format):
    journal.configure("info", log_format, {})
    try:
        open_door("correct horse")
    except LookupError:
        structlog.get_logger().exception("stumbled", asset="press-1")


@pytest.mark.parametrize("log_format", ["journal", "json", "console"])
def test_a_trace_tells_the_place_and_no_variables(log_format, capsys):
    stumble(log_format)
    told = capsys.readouterr().err
    assert "no door has a key of 13 letters" in told
    assert "open_door" in told
    assert "correct horse" not in told.replace('open_door("correct horse")', "")


def test_a_json_line_is_one_object_with_its_trace(capsys):
    stumble("json")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["asset"]) == ("stumbled", "error", "press-1")
    assert line["exception"][0]["exc_type"] == "LookupError"
    assert [frame["name"] for frame in line["exception"][0]["frames"]] == ["stumble", "open_door"]
