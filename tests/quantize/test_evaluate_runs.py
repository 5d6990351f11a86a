"""Alarms over whole runs: when they are raised and cleared, and which of them are false."""

import numpy as np
import pytest

from edge_agent.core.manifest import Manifest, SensorInput, Task
from edge_agent.core.records import NS_PER_S
from edge_agent.core.scoring import SensorScore
from quantize.evaluate_runs import (
    AlarmSpan,
    alarms,
    fault_delays_s,
    healthy_alarms,
    healthy_table,
    run_to_failure_table,
    sanity_table,
)
from quantize.sensor_runs import Run
from quantize.tables import markdown

WINDOW_S = 10


class Returning:
    """Forecasts that a signal is at its centre."""

    manifest = Manifest(
        "returning", "1", Task.SENSOR_FORECAST, "float32", sensor=SensorInput(8, 2, 6.0)
    )

    def forecast(self, sequences):
        return np.zeros(len(sequences), np.float32), np.zeros(len(sequences), np.float32)


def score(place, anomalous, *, commissioning=False, alarming=False):
    span = place * WINDOW_S * NS_PER_S, (place + 1) * WINDOW_S * NS_PER_S
    high = 2.0 if anomalous else 0.5
    said = anomalous, {"a": 1.0}, commissioning, alarming
    return SensorScore("asset", ("a",), *span, high, 1.0, *said)


def scores(text):
    """Return a score for each letter: commissioning, ``.`` normal, odd, ``x`` odd and insisting."""
    return [
        score(i, said in "ox", commissioning=said == "c", alarming=said == "x")
        for i, said in enumerate(text)
    ]


def run_of(values, faulty=None, source="rig"):
    """Return a run with one signal and a frame for each value."""
    frames = [
        (i * WINDOW_S * NS_PER_S, (i + 1) * WINDOW_S * NS_PER_S, {"a": float(value)})
        for i, value in enumerate(values)
    ]
    return Run(source, "one", frames, faulty or [False] * len(frames))


def breaking(at, count=400):
    """Return noise that is far away for good from frame ``at`` on."""
    values = np.random.default_rng(0).normal(size=count)
    values[at:] += 50.0
    return values


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ("c..x..x..", []),
        ("c.oooo...", []),
        ("c.ooox...", [AlarmSpan(5, None)]),
        ("c.xx....", [AlarmSpan(3, 4)]),
        ("c.xx...x", [AlarmSpan(3, None)]),
        ("cxx....xx", [AlarmSpan(2, 3), AlarmSpan(8, None)]),
    ],
)
def test_two_windows_in_a_row_raise_an_alarm_and_four_clear_it(seen, told):
    assert alarms(scores(seen)) == told


def test_a_window_that_could_not_be_scored_raises_nothing():
    before, _, after = scores("x.x")
    assert alarms([before, None, after]) == []


def test_an_alarm_of_a_faulty_window_is_not_false_and_its_time_not_healthy():
    told = scores("cc.xx....xx....")
    faulty = [False] * 8 + [True] * 7
    number, scored_ns = healthy_alarms(run_of([0.0] * len(told), faulty), told)
    assert number == 1
    assert scored_ns == 6 * WINDOW_S * NS_PER_S


@pytest.mark.parametrize(("at", "verdict"), [(120, "no"), (280, "yes"), (396, "no")])
def test_an_alarm_is_in_time_if_it_stands_from_the_latter_half_of_a_life(at, verdict):
    table = run_to_failure_table(Returning(), [run_of(breaking(at))])
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()[4:]]
    assert [row[5] for row in rows] == [verdict, verdict]
    count = int(verdict == "yes")
    assert f"in time: {count} of 1 with 10%, {count} of 1 with 20% commissioned" in table


def test_alarms_of_healthy_stretches_are_counted_by_asset_and_day():
    noise = run_of(breaking(400))
    table = healthy_table(
        Returning(),
        [(name, noise, noise.learning_ns(200)) for name in ("quiet", "quiet", "alone")],
    )
    days = 199 * WINDOW_S / 86_400
    assert f"| quiet | 2 | {2 * days:.3f} | 0 | 0.0 |" in table
    assert f"| alone | 1 | {days:.3f} | 0 | 0.0 |" in table


def test_a_stretch_too_short_to_be_commissioned_has_no_rate():
    short = run_of([0.0] * 5)
    assert "| short | 1 | 0.000 | 0 | - |" in healthy_table(Returning(), [("short", short, 10**18)])


def test_a_rig_shows_how_often_it_is_anomalous_with_its_fault_and_without():
    rig = run_of(breaking(300), [False] * 300 + [True] * 100)
    *_, row = sanity_table(Returning(), [rig]).splitlines()
    _, _, _, healthy, faulty, _ = (cell.strip() for cell in row.split("|"))
    assert float(healthy) < 0.05
    assert float(faulty) > 0.95


def test_a_table_has_its_title_its_heads_and_a_line_for_each_row():
    table = markdown("Sizes", ("name", "size"), [("a", "1"), ("b", "2")])
    assert table == "Sizes\n\n| name | size |\n| --- | --- |\n| a | 1 |\n| b | 2 |\n"


def test_a_fault_is_found_when_an_alarm_stands_in_it_and_late_by_what_went_before():
    bad = [place in (3, 4, 5, 8, 9, 12) for place in range(15)]
    run = run_of(np.zeros(15), bad)
    spans = [AlarmSpan(5, 7), AlarmSpan(7, 11)]
    assert fault_delays_s(run, spans) == [2 * WINDOW_S, 0.0, None]
