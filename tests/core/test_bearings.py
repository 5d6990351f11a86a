"""The formulas of a bearing's frequencies give what makers and data centres publish."""

from math import inf, nan

import pytest

from edge_agent.core.bearings import COMMON, Bearing, common_bearing


def test_formulas_give_the_published_factors_of_a_6205():
    # SKF 6205: 9 balls of 0.3126 in on 1.537 in, as the CWRU Bearing Data Center gives them.
    bearing = Bearing.of_geometry(elements=9, element_mm=0.3126, pitch_mm=1.537)
    published = COMMON["6205"]
    assert bearing.outer == pytest.approx(published.outer, rel=1e-4)
    assert bearing.inner == pytest.approx(published.inner, rel=1e-4)
    assert bearing.ball == pytest.approx(published.ball, rel=1e-3)
    assert bearing.cage == pytest.approx(published.cage, rel=1e-4)


def test_formulas_give_the_published_frequencies_of_the_mfpt_rig():
    bearing = Bearing.of_geometry(elements=8, element_mm=0.235, pitch_mm=1.245)
    assert 25 * bearing.outer == pytest.approx(81.12, abs=0.01)
    assert 25 * bearing.inner == pytest.approx(118.88, abs=0.01)


def test_a_contact_angle_brings_the_races_closer():
    # Rexnord ZA-2115 of the IMS rig: at 2000 rpm 236.4 and 296.9 Hz are published.
    bearing = Bearing.of_geometry(16, element_mm=8.41, pitch_mm=71.5, contact_deg=15.17)
    assert 2000 / 60 * bearing.outer == pytest.approx(236.4, rel=2e-3)
    assert 2000 / 60 * bearing.inner == pytest.approx(296.9, rel=2e-3)


@pytest.mark.parametrize("name", COMMON)
def test_common_bearings_are_consistent(name):
    bearing = COMMON[name]
    elements = bearing.outer + bearing.inner
    assert elements == pytest.approx(round(elements), abs=1e-3)
    assert bearing.outer == pytest.approx(elements * bearing.cage, rel=1e-3)
    assert 0.35 < bearing.cage < 0.42


@pytest.mark.parametrize("name", ["6205", "SKF 6205", "6205-2RS JEM", "skf6205ZZ"])
def test_makers_and_suffixes_do_not_matter(name):
    assert common_bearing(name) is COMMON["6205"]


@pytest.mark.parametrize("name", ["", "62055", "NU 205", "x"])
def test_other_bearings_are_not_guessed(name):
    assert common_bearing(name) is None


@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize("name", COMMON)
def test_factors_may_name_the_spin_or_twice_the_spin(name, share):
    known = COMMON[name]
    given = share * known.ball
    bearing = Bearing.of_factors(known.outer, known.inner, given, known.cage)
    assert isinstance(bearing, Bearing)
    assert bearing.ball == pytest.approx(known.ball)


@pytest.mark.parametrize(
    "factors",
    [
        (0, 5.4, 2.4, 0.4),
        (3.6, -5.4, 2.4, 0.4),
        (nan, 5.4, 2.4, 0.4),
        (3.6, inf, 2.4, 0.4),
        (5.4, 3.6, 2.4, 0.4),
        (107.0, 162.0, 70.0, 11.9),
    ],
)
def test_factors_of_no_bearing_are_refused_with_a_reason(factors):
    assert isinstance(Bearing.of_factors(*factors), str)


@pytest.mark.parametrize("sizes", [(0, 8, 39), (9, 0, 39), (9, 39, 39), (9, 8, 39, 90)])
def test_dimensions_of_no_bearing_are_our_bug(sizes):
    with pytest.raises(ValueError, match="pitch circle"):
        Bearing.of_geometry(*sizes)
