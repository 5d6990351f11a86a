"""A line that nothing fits and that is not routine: said once, low, and over by itself."""

import itertools
import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from plant import SITE, START_S, StillSensorModel, TwoWordLogModel, play, told

from edge_agent.core.commands import Command, Verb
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.records import NS_PER_S


class DoubtingModel(TwoWordLogModel):
    """Is sure of "hot" and of "fine", and of nothing else."""

    manifest = replace(
        TwoWordLogModel.manifest, log=replace(TwoWordLogModel.manifest.log, abstain_below=0.5)
    )

    def logits(self, text):
        known = {"hot", "fine"} & set(text.split())
        return super().logits(text) if known else np.zeros(14, np.float32)


@pytest.fixture
def line():
    return Pipeline(SITE, StillSensorModel(), DoubtingModel(), {}, itertools.count(1).__next__)


def at(second):
    return (START_S + second) * NS_PER_S


def test_it_raises_one_low_alarm_that_ends_by_itself(line):
    raised, cleared = (
        a.body for a in play(line, [told(0, "zxqw 17"), told(59, "fine"), told(61, "fine")])
    )
    assert (raised["alarm"], raised["category"], raised["priority"]) == (
        "unknown",
        "unknown",
        "low",
    )
    (evidence,) = raised["evidence"]
    assert (evidence["kind"], evidence["template"], evidence["text"]) == (
        "log",
        "zxqw <num>",
        "zxqw 17",
    )
    assert "something unknown" in raised["summary"]
    assert "zxqw 17" in raised["summary"]
    assert (cleared["active"], cleared["cleared_at"]) == (False, "2024-05-01T10:01:00Z")


def test_its_documents_keep_to_their_schema(line):
    schema = json.loads((files("edge_agent") / "core" / "alert.schema.json").read_text())
    for document in play(line, [told(0, "zxqw"), told(100, "fine")]):
        jsonschema.Draft202012Validator(schema).validate(document.body)


def test_what_is_said_again_and_again_is_routine_by_then(line):
    alerts = play(line, [told(second, "zxqw") for second in range(0, 1000, 10)])
    assert [a.body["active"] for a in alerts] == [True, False]


@pytest.mark.parametrize(
    "text", ["fine", "17", "\u202e", "2024-05-01 10:00:00 INFO zxqw"], ids=ascii
)
def test_a_routine_line_or_one_without_words_raises_nothing(line, text):
    assert play(line, [told(0, text)]) == []


def test_a_fault_that_fits_is_named_not_called_unknown(line):
    assert [a.alarm for a in play(line, [told(0, "OIL HOT")])] == ["thermal"]


def test_a_storm_of_unknown_lines_is_one_alarm(line):
    words = ["".join(letters) for letters in itertools.product("abcdefghij", repeat=4)][:2000]
    alerts = play(line, [told(n // 100, f"zx{word}") for n, word in enumerate(words)])
    assert [a.alarm for a in alerts] == ["unknown"]


def test_other_words_later_raise_it_again(line):
    lines = [told(0, "zxqw"), told(100, "fine"), told(200, "vbnm"), told(300, "zxqw")]
    raised = [a for a in play(line, lines) if a.body["active"]]
    assert [a.body["evidence"][0]["template"] for a in raised] == ["zxqw", "vbnm"]


def test_it_survives_a_restart_and_can_be_acknowledged(line):
    play(line, [told(0, "zxqw")])
    other = Pipeline(SITE, StillSensorModel(), DoubtingModel(), {}, itertools.count(9).__next__)
    other.restore(line.snapshot(), line.boards())
    assert other.command(Command(Verb.ACKNOWLEDGE, "pump-2", "unknown"), at(1)) == "done"
    acknowledged, cleared = play(other, [told(2, "zxqw"), told(100, "fine")])
    assert acknowledged.body["state"] == "active_acknowledged"
    assert (cleared.body["state"], cleared.body["category"]) == ("normal", "unknown")
