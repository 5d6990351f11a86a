"""Records survive being written down."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.alarms import Alarm
from edge_agent.core.board import BoardState
from edge_agent.core.evidence import (
    Diagnosed,
    Episode,
    Evidence,
    EvidenceKind,
    FoundLine,
    Prognosed,
    Sign,
)
from edge_agent.core.records import Category
from edge_agent.core.snapshot import freeze, thaw

numbers = st.floats(allow_nan=False, allow_infinity=False)
evidence = st.builds(Evidence, score=numbers, threshold=numbers)
alarms = st.builds(Alarm, evidence=st.tuples(evidence))
signs = st.builds(Sign, evidence=evidence)
weights = st.dictionaries(st.sampled_from(Category), numbers)
boards = st.builds(
    BoardState,
    alarms=st.dictionaries(st.text(max_size=5), alarms, max_size=2),
    signs=st.dictionaries(st.text(max_size=5), signs, max_size=2),
    episode=st.none() | st.builds(Episode, weight=weights),
)


@settings(deadline=None)  # the first example also reads all type hints
@given(boards)
def test_a_board_is_the_same_after_being_stored(board):
    assert thaw(BoardState, json.loads(json.dumps(freeze(board)))) == board


def test_a_field_that_an_older_snapshot_does_not_have_takes_its_default():
    alarm = Alarm("pump-2", "thermal", category="thermal")
    stored = freeze(alarm)
    assert isinstance(stored, dict)
    del stored["occurrence"]
    assert thaw(Alarm, stored).occurrence == 0


@pytest.mark.parametrize(
    "stored",
    [None, [], {}, {"asset": 3}, {"nonsense": 1}],
    ids=["none", "list", "empty", "type", "name"],
)
def test_what_is_not_ours_is_refused(stored):
    with pytest.raises(ValueError, match="a stored Alarm cannot be read"):
        thaw(Alarm, stored)


@dataclass(frozen=True)
class Holder:
    held: object


def test_an_array_is_nobodys_snapshot():
    with pytest.raises(ValueError, match="cannot freeze"):
        freeze(Holder(np.zeros(3)))


def test_a_diagnosis_and_a_prognosis_are_stored_with_their_evidence():
    evidence = Evidence(
        EvidenceKind.SENSOR,
        "vib",
        6.0,
        2.5,
        0,
        1,
        diagnosis=Diagnosed("ball", 0.8, "it strikes", lines=(FoundLine("2xBSF", 1.0, 90.0, 9.0),)),
        prognosis=Prognosed("zone C", 2.8, 60.0, 120.0),
    )
    assert thaw(Evidence, json.loads(json.dumps(freeze(evidence)))) == evidence
