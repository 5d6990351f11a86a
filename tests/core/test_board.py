"""From scores, lines and limits to alarms, for one asset."""

import json
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.core.alarms import Acknowledge, Shelve, State, Suppression
from edge_agent.core.board import Board
from edge_agent.core.evidence import EvidenceKind, Remarks
from edge_agent.core.logscore import LogScore, SeveritySource
from edge_agent.core.records import (
    NS_PER_S,
    Category,
    Frame,
    LogLine,
    Priority,
    Severity,
    TimeQuality,
    Window,
)
from edge_agent.core.scoring import SensorScore
from edge_agent.core.signs import sign_of_limit
from edge_agent.core.site import AlarmSpec, AssetSite, Limit

SPEC = AlarmSpec(
    on_delay_ns=10 * NS_PER_S,
    off_delay_ns=30 * NS_PER_S,
    log_hold_ns=60 * NS_PER_S,
    silence_ns=300 * NS_PER_S,
)
OVERHEATED = Limit("oil_temp", Category.THERMAL, high=80.0, deadband=5.0)


@pytest.fixture
def board():
    return Board("pump-2", SPEC, AssetSite(limits=(OVERHEATED,)))


def score(end_s, value, *, threshold=2.0, **contributions):
    return SensorScore(
        asset="pump-2",
        channels=tuple(contributions),
        start_ns=(end_s - 10) * NS_PER_S,
        end_ns=end_s * NS_PER_S,
        score=value,
        threshold=threshold,
        anomalous=value > threshold,
        contributions=contributions or {"oil_temp": 1.0},
        commissioning=False,
        alarming=value > threshold,
    )


def holding(end_s, value):
    """Return a score of which the scorer says that the alarm before it is not over."""
    return replace(score(end_s, value), alarming=True)


def weigh(board, *scores):
    """Return (time, alarm, active) of every transition that these scores cause."""
    changed = [alarm for s in scores for alarm in board.weigh_score(s, TimeQuality.SOURCE)]
    return [(alarm.changed_ns // NS_PER_S, alarm.name, alarm.active) for alarm in changed]


def line(at_s, category=Category.THERMAL, severity=Severity.ERROR, *, abstained=False):
    logged = LogLine("pump-2", at_s * NS_PER_S, "OIL HOT 93", None, TimeQuality.SOURCE)
    judged = LogScore(
        text="oil hot",
        template="oil hot <num>",
        level=None,
        category=category,
        severity=severity,
        severity_from=SeveritySource.TEXT,
        probability=0.9,
        threshold=0.4,
        novel=False,
        abstained=abstained,
    )
    return logged, judged


def frame(end_s, mean):
    window = Window(
        "pump-2",
        "oil_temp",
        (end_s - 10) * NS_PER_S,
        end_s * NS_PER_S,
        np.array([end_s * NS_PER_S - 1]),
        np.array([mean], np.float32),
        None,
    )
    return Frame("pump-2", window.start_ns, window.end_ns, {"oil_temp": window}, TimeQuality.SOURCE)


def test_an_anomaly_that_stays_raises_one_alarm_and_its_end_clears_it(board):
    scores = [score(t, 5.0 if 10 <= t < 40 else 1.0) for t in range(0, 100, 5)]
    assert weigh(board, *scores) == [(20, "thermal", True), (70, "thermal", False)]


@pytest.mark.parametrize(("value", "priority"), [(3.9, Priority.MEDIUM), (4.0, Priority.HIGH)])
def test_a_score_of_two_thresholds_is_of_high_priority(board, value, priority):
    weigh(board, *[score(t, value, threshold=2.0) for t in (0, 5, 10)])
    assert board.alarms["thermal"].priority is priority


def test_a_single_anomalous_window_raises_nothing(board):
    assert weigh(board, score(5, 1.0), score(10, 9.0), score(15, 1.0), score(20, 1.0)) == []


def test_commissioning_scores_are_no_evidence(board):
    learning = [replace(score(t, 9.0), commissioning=True) for t in range(0, 60, 5)]
    assert weigh(board, *learning) == []


def test_an_anomaly_that_does_not_insist_raises_nothing(board):
    mere = [replace(score(t, 9.0), alarming=False) for t in range(0, 60, 5)]
    assert weigh(board, *mere) == []


def test_an_anomaly_that_has_insisted_since_long_ago_waits_for_no_more_on_delay(board):
    mere = [replace(score(t, 3.0), alarming=False) for t in range(0, 60, 5)]
    assert weigh(board, *mere, score(60, 3.0)) == [(60, "thermal", True)]


def test_an_alarm_stands_for_as_long_as_the_scorer_says_that_it_is_not_over(board):
    scores = [score(t, 5.0) if t < 20 else holding(t, 0.5) for t in range(0, 120, 5)]
    assert weigh(board, *scores) == [(10, "thermal", True)]


def test_the_alarm_names_the_channel_that_contributes_most(board):
    parts = {"oil_temp": 0.7, "motor_current": 0.3}
    weigh(board, *[score(t, 5.0, **parts) for t in (0, 5, 10)])
    (evidence,) = board.alarms["thermal"].evidence
    assert evidence.source == "oil_temp"
    assert evidence.contributions == (("oil_temp", 0.7), ("motor_current", 0.3))


def test_the_site_file_decides_what_a_channel_speaks_of():
    board = Board("pump-2", SPEC, AssetSite(categories={"oil_temp": Category.SENSOR}))
    assert weigh(board, *[score(t, 5.0) for t in (0, 5, 10)]) == [(10, "sensor", True)]


def test_a_grave_line_raises_at_once_and_clears_when_it_has_not_come_again(board):
    raised = board.weigh_line(*line(100))
    board.weigh_line(*line(130))
    assert [alarm.state for alarm in raised] == [State.ACTIVE_UNACKNOWLEDGED]
    assert board.elapse(0, 189 * NS_PER_S) == []
    (cleared,) = board.elapse(0, 500 * NS_PER_S)
    assert cleared.cleared_ns == 190 * NS_PER_S


@pytest.mark.parametrize(
    "told",
    [
        line(1, severity=Severity.WARNING),
        line(1, Category.NORMAL, Severity.INFO),
        line(1, abstained=True),
    ],
    ids=["warning", "normal", "abstained"],
)
def test_a_line_that_is_not_grave_or_not_certain_raises_nothing(board, told):
    assert board.weigh_line(*told) == []


def test_the_evidence_of_a_line_names_the_limit_it_was_judged_against(board):
    (raised,) = board.weigh_line(*line(100))
    assert [(e.score, e.threshold) for e in raised.evidence] == [(0.9, 0.4)]


def test_a_line_is_explained_only_where_an_alert_shows_it():
    asked = []

    def explain(score):
        asked.append(score.severity)
        return (("hot", 3.5), ("oil", 0.5), ("very", -0.25))

    board = Board("pump-2", SPEC, AssetSite(), explain)
    told = [line(100), line(110), line(115, severity=Severity.CRITICAL), line(116)]
    told += [line(120, abstained=True), line(121, Category.NORMAL, Severity.INFO)]
    for each in told:
        board.weigh_line(*each)
    assert asked == [Severity.ERROR, Severity.CRITICAL]
    (evidence,) = board.alarms["thermal"].evidence
    assert evidence.words == (("hot", 3.5), ("oil", 0.5))


def test_a_graver_line_lifts_the_priority(board):
    board.weigh_line(*line(100))
    (lifted,) = board.weigh_line(*line(101, severity=Severity.CRITICAL))
    assert lifted.priority is Priority.CRITICAL


def test_sensor_and_log_share_the_alarm_of_one_fault(board):
    weigh(board, *[score(t, 5.0) for t in (0, 5, 10)])
    (lifted,) = board.weigh_line(*line(12))
    assert lifted.occurrence == 1
    assert {e.kind for e in lifted.evidence} == {EvidenceKind.SENSOR, EvidenceKind.LOG}
    assert weigh(board, *[score(t, 0.1) for t in range(15, 60, 5)]) == []
    assert board.alarms["thermal"].active  # the line still stands for it
    (cleared,) = board.elapse(0, 72 * NS_PER_S)
    assert not cleared.active


def test_a_limit_has_delays_and_a_deadband(board):
    means = {0: 70, 5: 82, 10: 82, 15: 82, 20: 77, 60: 77, 65: 74, 70: 74, 100: 74}
    changed = [alarm for t, mean in means.items() for alarm in board.weigh_limits(frame(t, mean))]
    assert [(a.changed_ns // NS_PER_S, a.active) for a in changed] == [(15, True), (100, False)]


def test_silence_raises_and_the_next_sign_of_life_clears(board):
    (raised,) = board.weigh_silence(0, 400 * NS_PER_S)
    assert (raised.name, raised.category) == ("silence", Category.COMMUNICATION)
    assert board.weigh_silence(0, 401 * NS_PER_S) == []
    (cleared,) = board.weigh_silence(None, 410 * NS_PER_S)
    assert not cleared.active


def test_a_shelving_ends_by_itself(board):
    board.weigh_line(*line(100))
    board.apply("thermal", Shelve(0, until_ns=50))
    assert board.elapse(49, 0) == []
    (shown,) = board.elapse(50, 0)
    assert shown.suppression is Suppression.NONE
    assert shown.active


def test_a_restored_board_goes_on_where_it_was_even_in_the_middle_of_a_delay(board):
    weigh(board, score(0, 5.0), score(5, 5.0))
    restored = Board("pump-2", SPEC, AssetSite())
    restored.restore(json.loads(json.dumps(board.snapshot())))
    assert weigh(restored, score(10, 5.0)) == [(10, "thermal", True)]


def test_an_alarm_that_was_active_before_a_restart_can_still_clear(board):
    weigh(board, *[score(t, 5.0) for t in (0, 5, 10)])
    restored = Board("pump-2", SPEC, AssetSite())
    restored.restore(json.loads(json.dumps(board.snapshot())))
    scores = [score(t, 0.1) for t in range(15, 60, 5)]
    assert weigh(restored, *scores) == [(45, "thermal", False)]


def test_learning_anew_clears_what_the_sensor_model_had_raised(board):
    weigh(board, *[score(t, 5.0) for t in (0, 5, 10)])
    (cleared,) = board.reset(20 * NS_PER_S)
    assert not cleared.active


def test_acknowledging_changes_the_alarm_once(board):
    board.weigh_line(*line(100))
    assert len(board.apply("thermal", Acknowledge(1))) == 1
    assert board.apply("thermal", Acknowledge(2)) == []


def test_only_what_a_restart_must_not_forget_makes_the_board_dirty(board):
    weigh(board, score(0, 5.0))
    assert not board.dirty
    weigh(board, score(5, 5.0), score(10, 5.0))
    assert board.dirty


def test_an_alarm_that_rests_on_a_channel_whose_sensor_has_failed_is_not_cleared(board):
    weigh(board, *[score(t, 5.0, oil_temp=0.9, flow=0.1) for t in range(0, 40, 5)])
    blind = [score(t, 1.0, flow=1.0) for t in range(40, 200, 5)]
    for window in blind:
        assert board.weigh_score(window, TimeQuality.SOURCE, Remarks(faulty={"oil_temp"})) == []
    assert board.alarms["thermal"].active
    seeing = [score(t, 1.0, oil_temp=0.5, flow=0.5) for t in range(200, 300, 5)]
    assert weigh(board, *seeing) == [(230, "thermal", False)]


def test_an_alarm_that_rests_on_another_channel_is_cleared_beside_a_failed_sensor(board):
    weigh(board, *[score(t, 5.0, oil_temp=0.9, flow=0.1) for t in range(0, 40, 5)])
    for t in range(40, 100, 5):
        window = score(t, 1.0, oil_temp=1.0)
        board.weigh_score(window, TimeQuality.SOURCE, Remarks(faulty={"flow"}))
    assert not board.alarms["thermal"].active


def test_a_verdict_on_a_channel_whose_sensor_has_failed_stays(board):
    for t in range(0, 40, 5):
        severe = sign_of_limit(OVERHEATED, 90.0, 80.0, frame(t, 90.0))
        board.weigh_verdicts("zone:", {"oil_temp": severe}, t * NS_PER_S)
    for t in range(40, 200, 5):
        assert board.weigh_verdicts("zone:", {}, t * NS_PER_S, {"oil_temp"}) == []
    assert board.alarms["thermal"].active
    cleared = [
        a for t in range(200, 300, 5) for a in board.weigh_verdicts("zone:", {}, t * NS_PER_S)
    ]
    assert [alarm.active for alarm in cleared] == [False]
