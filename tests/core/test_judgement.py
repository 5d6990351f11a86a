"""Clues are weighed alike for every part, and examples speak only for what is like them."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.core.diagnosis import Verdict
from edge_agent.core.judgement import CANDIDATES, CLUES, PARTS, Clues, probabilities, rows
from edge_agent.core.learned_diagnosis import SHIPPED
from edge_agent.core.likeness import Example, likeness

QUIET = Clues(
    families_db=dict.fromkeys(PARTS, -3.0),
    shaft_db=-3.0,
    carried_db=0.0,
    stray_db=0.0,
    impulsiveness=0.0,
    kurtosis=0.0,
    likeness={},
)
SHAPE = np.linspace(-1.0, -5.0, 10)
BALL = Example(Verdict.BALL, tuple(SHAPE.tolist()))
OUTER = Example(Verdict.OUTER_RACE, tuple(SHAPE[::-1].tolist()))


def leading(clues):
    chances = probabilities(clues, SHIPPED)
    return max(chances, key=chances.get)


def test_probabilities_sum_to_one_over_all_candidates():
    chances = probabilities(QUIET, SHIPPED)
    assert tuple(chances) == CANDIDATES
    assert sum(chances.values()) == pytest.approx(1.0)


def test_what_shows_nothing_is_most_likely_healthy():
    assert leading(QUIET) is Verdict.HEALTHY


@pytest.mark.parametrize("part", PARTS)
def test_lines_name_their_part_and_more_decibels_make_it_likelier(part):
    chances = [
        probabilities(replace(QUIET, families_db=QUIET.families_db | {part: level}), SHIPPED)[part]
        for level in (-3.0, -1.0, 1.0, 3.0, 6.0, 12.0)
    ]
    assert chances == sorted(chances)
    assert chances[-1] > 0.99


@pytest.mark.parametrize(
    "doubt", [{"impulsiveness": 5.0}, {"kurtosis": 5.0}, {"stray_db": 6.0}, {"shaft_db": 8.0}]
)
def test_every_doubt_lowers_the_chance_of_health(doubt):
    before, after = (probabilities(c, SHIPPED) for c in (QUIET, replace(QUIET, **doubt)))
    assert after[Verdict.HEALTHY] < before[Verdict.HEALTHY]


def test_lines_that_stand_out_well_outweigh_a_likeness():
    like = replace(QUIET, likeness={Verdict.BALL: 0.9})
    assert leading(like) is Verdict.BALL
    struck = replace(like, families_db=QUIET.families_db | {Verdict.INNER_RACE: 8.0})
    assert leading(struck) is Verdict.INNER_RACE


def test_a_family_that_cannot_be_seen_counts_as_one_that_does_not_show():
    unseen = replace(QUIET, families_db={})
    np.testing.assert_array_equal(rows(unseen), rows(QUIET))


def test_every_clue_is_given_by_some_block():
    loud = replace(
        QUIET,
        families_db=dict.fromkeys(PARTS, 12.0),
        shaft_db=5.0,
        carried_db=5.0,
        stray_db=5.0,
        impulsiveness=5.0,
        kurtosis=5.0,
        likeness={Verdict.BALL: 0.5},
    )
    given = np.abs(rows(loud)).sum(axis=0) + np.abs(rows(QUIET)).sum(axis=0)
    assert dict(zip(CLUES, given > 0, strict=True)) == dict.fromkeys(CLUES, True)


def test_a_spectrum_like_an_example_points_to_its_fault():
    shares = likeness(SHAPE + 0.1, [BALL, OUTER])
    assert shares[Verdict.BALL] > 0.9
    assert shares[Verdict.OUTER_RACE] < 0.05


def test_a_spectrum_unlike_every_example_points_nowhere():
    shares = likeness(SHAPE + 4.0 * np.cos(np.arange(10)), [BALL, OUTER])
    assert max(shares.values()) < 0.1
    assert likeness(SHAPE, []) == {}


def test_a_spectrum_three_times_as_loud_or_soft_in_every_band_is_like_no_example():
    apart = SHAPE + np.where(np.arange(10) % 2, 1.1, -1.1)
    assert likeness(apart, [BALL])[Verdict.BALL] < 0.5
    assert likeness(SHAPE + (apart - SHAPE) / 3, [BALL])[Verdict.BALL] > 0.9


def test_no_part_is_preferred_where_nothing_speaks_for_any():
    chances = probabilities(QUIET, SHIPPED)
    assert len({round(chances[part], 9) for part in PARTS}) == 1


def test_two_examples_of_a_fault_say_more_than_one_of_another():
    middle = np.full(10, -3.0)
    shares = likeness(middle, [BALL, BALL, OUTER])
    assert shares[Verdict.BALL] == pytest.approx(2 * shares[Verdict.OUTER_RACE])
