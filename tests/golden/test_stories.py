"""What a recording meant when it was put here, it still means.

Each folder holds settings, a capture and the events that must come out of it.
"""

import io
import json
import os
from pathlib import Path

import pytest

from edge_agent.offline import Sinks, replay
from edge_agent.settings import load_settings

STORIES = sorted(path.parent for path in Path(__file__).parent.glob("*/settings.env"))
# What must not change; scores may differ in the last digit between processors.
TOLD = ("changed_at", "asset", "alarm", "category", "priority", "state", "occurrence", "id")


def settings_of(story, monkeypatch):
    for name in list(os.environ):
        if name.startswith("EDGE_AGENT_"):
            monkeypatch.delenv(name)
    for line in (story / "settings.env").read_text().splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value.replace("{story}", str(story)))
    return load_settings()


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_a_story_still_has_the_same_end(story, monkeypatch, request):
    out = io.StringIO()
    replay(settings_of(story, monkeypatch), [story / "capture.jsonl"], Sinks(events=out))
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    told = "".join(json.dumps({key: e[key] for key in TOLD}) + "\n" for e in events)
    expected = story / "events.jsonl"
    if request.config.getoption("--update-golden"):
        expected.write_text(told)
    assert told == expected.read_text()
