"""Scores of assets: causal, independent, invariant, and able to survive a restart."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge_agent
from edge_agent.core.forecast import History, Question, surprise_all
from edge_agent.core.manifest import Manifest, SensorInput, Task
from edge_agent.core.scoring import AssetScorer, score_all
from edge_agent.io.model_package import load_package
from edge_agent.io.runtime import OnnxSensorModel

S = 1_000_000_000
LENGTH_NS, HOP_NS = 10 * S, 5 * S
COMMISSIONING_NS = 300 * S
COMMISSIONED = 60  # frames
SHIPPED = Path(edge_agent.__file__).parent / "models" / "sensor-lstm"


class HalfWayHome:
    """Forecasts that a signal returns half-way from where it was last seen to its centre."""

    def __init__(self, version="1"):
        shape = SensorInput(steps=8, features=2, clip=6.0)
        task = Task.SENSOR_FORECAST
        self.manifest = Manifest("half-way-home", version, task, "float32", sensor=shape)

    def forecast(self, sequences):
        mean = np.float32(0.5) * sequences[:, -1, 0]
        return mean, np.full(len(sequences), -0.5, np.float32)


FAKE = HalfWayHome()
FIRST = np.array([0])  # the place of the one signal that is forecast


@pytest.fixture(scope="module", params=["fake", "shipped"])
def model(request):
    return FAKE if request.param == "fake" else OnnxSensorModel(load_package(SHIPPED))


def machine(count=120, seed=0, **faults):
    """Return frames of a healthy machine: ``temperature`` wanders, the others are noise.

    Args:
        count: Frames.
        seed: Of the noise.
        faults: By channel, ``(first frame, shift)``.
    """
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(count, 6))
    wander = np.zeros(count)
    for i in range(1, count):
        wander[i] = 0.9 * wander[i - 1] + 0.4 * noise[i, 5]
    columns = {
        "vibration": 2.0 + 0.1 * noise[:, 0],
        "vibration:spread": 0.3 + 0.02 * np.abs(noise[:, 1]),
        "current": 11.0 + 0.5 * noise[:, 2],
        "temperature": 60.0 + wander,
        "temperature:spread": 0.1 + 0.01 * np.abs(noise[:, 3]),
        "setpoint": np.full(count, 1500.0),
    }
    for channel, (first, shift) in faults.items():
        columns[channel][first:] += shift
    return [
        (i * HOP_NS, i * HOP_NS + LENGTH_NS, {name: float(v[i]) for name, v in columns.items()})
        for i in range(count)
    ]


def scores_of(model, frames, scorer=None):
    scorer = scorer or AssetScorer("pump", COMMISSIONING_NS)
    return score_all(model, [(scorer, *frame) for frame in frames])


def test_nothing_is_anomalous_while_an_asset_is_commissioned():
    frames = machine(COMMISSIONED - 5, current=(30, 50.0))
    for score in scores_of(FAKE, frames):
        assert score.commissioning
        assert not score.anomalous
        assert (score.score, score.threshold, score.contributions) == (0.0, 0.0, {})
        assert score.channels == ("vibration", "current", "temperature", "setpoint")


def test_commissioning_ends_with_the_first_window_after_its_time():
    scores = scores_of(FAKE, machine())
    first = next(i for i, score in enumerate(scores) if not score.commissioning)
    assert scores[first - 1].end_ns <= COMMISSIONING_NS < scores[first].end_ns


def test_thirty_frames_are_learned_from_however_short_commissioning_is():
    scores = scores_of(FAKE, machine(), AssetScorer("pump", 1))
    assert [score.commissioning for score in scores] == [True] * 30 + [False] * 90


def test_a_healthy_machine_is_hardly_ever_anomalous(model):
    scores = [s for s in scores_of(model, machine(1000)) if not s.commissioning]
    assert sum(score.anomalous for score in scores) <= len(scores) // 100


@pytest.mark.parametrize(
    ("channel", "shift"),
    [("vibration", 1.0), ("current", -5.0), ("temperature", 30.0), ("setpoint", 300.0)],
)
def test_a_step_is_anomalous_within_three_windows_and_its_channel_leads(model, channel, shift):
    scores = scores_of(model, machine(120, **{channel: (100, shift)}))
    assert not any(score.anomalous for score in scores[90:100])
    # Of a temperature that wanders five minutes show about four independent values: its step has
    # to be a large one.  However used to it the forecaster grows, it is told while it lasts.
    assert all(score.anomalous for score in scores[103:])
    assert max(scores[103].contributions, key=scores[103].contributions.get) == channel


def test_the_channel_of_a_fault_leads_for_as_long_as_its_score_lasts(model):
    frames = machine(120, current=(100, 10.0))
    healthy_again = [(a, b, v | {"current": v["current"] - 10.0}) for a, b, v in frames[110:]]
    scores = scores_of(model, frames[:110] + healthy_again)
    after = [score for score in scores[110:] if score.anomalous]
    assert after  # the score is smoothed: it outlasts the fault by a window or two
    assert not scores[-1].anomalous
    for score in after:
        assert max(score.contributions, key=score.contributions.get) == "current"


def test_a_snapshot_from_before_contributions_were_remembered_loads():
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    frames = machine(current=(100, 4.0))
    scores_of(FAKE, frames[:-1], scorer)
    state = scorer.snapshot()
    del state["cohorts"][0]["blame"]
    restored = AssetScorer("pump", COMMISSIONING_NS)
    restored.restore(state)
    (last,) = scores_of(FAKE, frames[-1:], restored)
    assert last.score == scores_of(FAKE, frames[-1:], scorer)[0].score


def test_an_anomaly_in_a_snapshot_from_before_it_had_to_insist_is_still_worth_its_alarm():
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    frames = machine(current=(100, 10.0))
    scores_of(FAKE, frames[:-1], scorer)
    state = scorer.snapshot()
    del state["cohorts"][0]["insistence"], state["cohorts"][0]["alarm_threshold"]
    restored = AssetScorer("pump", COMMISSIONING_NS)
    restored.restore(state)
    (last,) = scores_of(FAKE, frames[-1:], restored)
    assert last.alarming


def test_a_step_insists_within_a_minute_and_its_repair_ends_the_alarm():
    frames = machine(200, current=(100, 10.0))
    repaired = [(a, b, v | {"current": v["current"] - 10.0}) for a, b, v in frames[150:]]
    scores = scores_of(FAKE, frames[:150] + repaired)
    assert not any(score.alarming for score in scores[:100])
    assert all(score.alarming for score in scores[112:150])
    assert not any(score.alarming for score in scores[162:])


def test_a_lasting_step_of_a_slow_signal_is_told_until_the_machine_comes_back():
    shipped = OnnxSensorModel(load_package(SHIPPED))
    frames = machine(400, temperature=(100, 15.0))
    repaired = [(a, b, v | {"temperature": v["temperature"] - 15.0}) for a, b, v in frames[300:]]
    scores = scores_of(shipped, frames[:300] + repaired)
    assert all(score.anomalous for score in scores[102:300])
    assert not any(score.anomalous for score in scores[310:])


def test_contributions_sum_to_one(model):
    for score in scores_of(model, machine(current=(100, 3.0)))[COMMISSIONED:]:
        assert sum(score.contributions.values()) == pytest.approx(1.0)
        assert set(score.contributions) == set(score.channels)


@settings(max_examples=20, deadline=None)
@given(cut=st.integers(1, 119), seed=st.integers(0, 3))
def test_later_windows_never_change_an_earlier_score(cut, seed):
    frames = machine(seed=seed, current=(90, 4.0))
    assert scores_of(FAKE, frames[:cut]) == scores_of(FAKE, frames)[:cut]


def test_windows_may_be_scored_one_by_one_or_all_together(model):
    frames = machine(current=(100, 4.0))
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    assert [scores_of(model, [f], scorer)[0] for f in frames] == scores_of(model, frames)


def test_other_assets_in_the_batch_do_not_matter(model):
    frames = machine(current=(100, 4.0))
    alone = scores_of(model, frames)
    pump, fan = AssetScorer("pump", COMMISSIONING_NS), AssetScorer("fan", COMMISSIONING_NS)
    wild = machine(seed=1, temperature=(50, 1e6))
    batch = [item for f, w in zip(frames, wild, strict=True) for item in ((fan, *w), (pump, *f))]
    together = score_all(model, batch)
    assert [score for score in together if score.asset == "pump"] == alone


@pytest.mark.parametrize(("factor", "offset"), [(1000.0, 0.0), (0.01, -40.0), (-2.0, 7.0)])
def test_the_units_of_the_channels_do_not_matter(factor, offset):
    frames = machine(current=(100, 4.0))
    for _, _, signals in frames:
        del signals["setpoint"]  # one that never moved has no scale but its own value
    converted = [(a, b, {n: factor * v + offset for n, v in s.items()}) for a, b, s in frames]
    scores, others = scores_of(FAKE, frames), scores_of(FAKE, converted)
    assert [s.score for s in others] == pytest.approx([s.score for s in scores], rel=1e-4)
    assert [s.threshold for s in others] == pytest.approx([s.threshold for s in scores], rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(cut=st.integers(0, 119))
def test_a_restart_at_any_point_changes_no_score(cut):
    frames = machine(current=(100, 4.0))
    for start_ns, _, signals in frames:
        if start_ns >= 80 * HOP_NS:
            signals["pressure"] = 5.0 + start_ns % 7  # commissions beside the others
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    before = scores_of(FAKE, frames[:cut], scorer)
    restarted = AssetScorer("pump", COMMISSIONING_NS)
    restarted.restore(json.loads(json.dumps(scorer.snapshot(), allow_nan=False)))
    assert before + scores_of(FAKE, frames[cut:], restarted) == scores_of(FAKE, frames)


@pytest.mark.parametrize("state", [{}, {"layout": 2}, {"layout": 2, "cohorts": [{}]}, None, 7])
def test_a_foreign_snapshot_is_refused_and_changes_nothing(state):
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    scores_of(FAKE, machine(), scorer)
    before = scorer.snapshot()
    with pytest.raises((KeyError, TypeError, ValueError)):
        scorer.restore(state)
    assert scorer.snapshot() == before


def test_the_snapshot_of_another_version_starts_commissioning_anew():
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    scores_of(FAKE, machine(), scorer)
    assert scorer.restore({**scorer.snapshot(), "layout": 1}) is False
    assert scorer.commissioning


def test_another_model_learns_the_asset_anew():
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    scores_of(FAKE, machine(), scorer)
    (score,) = scores_of(HalfWayHome("2"), machine(121)[120:], scorer)
    assert score.commissioning


def test_other_windows_learn_the_asset_anew():
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    scores_of(FAKE, machine(), scorer)
    start_ns, end_ns, signals = machine(121)[120]
    (score,) = scores_of(FAKE, [(start_ns - LENGTH_NS, end_ns, signals)], scorer)
    assert score.commissioning


def test_recommissioning_forgets_what_was_normal():
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    scores_of(FAKE, machine(), scorer)
    scorer.recommission()
    assert scorer.commissioning
    assert scorer.snapshot() == AssetScorer("pump", COMMISSIONING_NS).snapshot()


def test_a_channel_that_is_missing_contributes_nothing(model):
    frames = machine()
    start_ns, end_ns, signals = frames[-1]
    present = {name: v for name, v in signals.items() if not name.startswith("temperature")}
    *_, last = scores_of(model, [*frames[:-1], (start_ns, end_ns, present)])
    assert last.contributions["temperature"] == 0.0
    assert "temperature" not in last.channels
    assert not last.anomalous


def test_a_signal_that_appears_later_is_commissioned_beside_the_others():
    frames = machine(240, current=(110, 5.0))
    for start_ns, _, signals in frames:
        if start_ns >= 100 * HOP_NS:
            signals["pressure"] = 3.0 + 0.1 * ((start_ns // HOP_NS * 7) % 11)
        if start_ns >= 200 * HOP_NS:
            signals["current"] -= 5.0
            signals["pressure"] += 10.0
    scores = scores_of(FAKE, frames)
    assert all(score.anomalous and "current" in score.contributions for score in scores[115:150])
    assert all(score.anomalous and "pressure" in score.contributions for score in scores[210:])


def test_channels_that_report_seldom_are_learned_once_they_were_seen_often_enough():
    frames = [
        (start_ns, end_ns, {f"level-{i % 3}": 2.0 + 0.1 * (i % 7)})
        for i, (start_ns, end_ns, _) in enumerate(machine(120))
    ]
    scores = scores_of(FAKE, frames, AssetScorer("tank", 30 * HOP_NS))
    first = next(i for i, score in enumerate(scores) if score is None or not score.commissioning)
    assert first == 58  # twenty values of the first of three
    assert all(score is None or not score.anomalous for score in scores)
    assert None not in scores[first + 2 :]


def test_a_window_of_strangers_has_no_score_while_others_are_known():
    frames = machine()
    start_ns, end_ns, _ = machine(121)[120]
    *_, last = scores_of(FAKE, [*frames, (start_ns, end_ns, {"pressure": 3.0})])
    assert last is None


def test_a_silence_leaves_no_trace_but_a_shorter_history(model):
    frames = machine(200)
    later = [(start + 3600 * S, end + 3600 * S, signals) for start, end, signals in frames[120:]]
    scores = scores_of(model, frames[:120] + later)
    assert all(np.isfinite(score.score) for score in scores)
    assert sum(score.anomalous for score in scores) <= 2


def test_a_clock_that_is_set_back_makes_nothing_anomalous(model):
    frames = machine(140)
    back = [(start - 3600 * S, end - 3600 * S, values) for start, end, values in frames[100:]]
    scores = scores_of(model, frames[:100] + back)
    assert not any(score.anomalous for score in scores[100:])
    assert max(score.score for score in scores[100:]) < 10


def test_long_commissioning_is_held_in_bounded_memory():
    scorer = AssetScorer("pump", 10**9 * S)
    frames = machine(6000)
    scores_of(FAKE, frames[:600], scorer)
    size = len(json.dumps(scorer.snapshot()))
    scores_of(FAKE, frames[600:], scorer)
    assert len(json.dumps(scorer.snapshot())) < 2 * size


def test_names_that_never_cease_to_change_are_held_in_bounded_memory():
    frames = [
        (start_ns, end_ns, {f"{i // 25}-{j}": float(i % 5) for j in range(4)})
        for i, (start_ns, end_ns, _) in enumerate(machine(2000))
    ]
    scorer = AssetScorer("pump", 25 * HOP_NS)
    scores_of(FAKE, frames[:1000], scorer)
    size = len(json.dumps(scorer.snapshot()))
    scores_of(FAKE, frames[1000:], scorer)
    assert len(json.dumps(scorer.snapshot())) < 1.5 * size


def test_a_long_commissioning_is_learned_from_all_of_its_length():
    frames = machine(3000, temperature=(1500, 8.0))
    scores = scores_of(FAKE, frames, AssetScorer("pump", 2600 * HOP_NS))
    assert not any(score.anomalous for score in scores)


def test_a_model_for_something_else_is_our_own_mistake():
    other = HalfWayHome()
    other.manifest = Manifest("reader", "1", Task.LOG_CLASSIFICATION, "int8")
    with pytest.raises(ValueError, match="reader does not forecast"):
        scores_of(other, machine())


def test_after_a_clock_was_set_back_forecasts_are_made_from_the_new_time():
    shape = FAKE.manifest.sensor
    history = History(signals=1)
    for i in range(100, 120):
        history.ask(i * LENGTH_NS, (i + 1) * LENGTH_NS, np.array([1.0]), FIRST, shape)
    for i in range(10):
        question = history.ask(i * LENGTH_NS, (i + 1) * LENGTH_NS, np.array([2.0]), FIRST, shape)
    assert question.sequences[0, :, 1].tolist() == [1.0] * 8
    assert question.sequences[0, :, 0].tolist() == [2.0] * 8


def test_a_clock_that_is_set_back_into_the_history_finds_nothing_of_the_old_time():
    shape = FAKE.manifest.sensor
    history = History(signals=1)
    for i in range(20):
        history.ask(i * LENGTH_NS, (i + 1) * LENGTH_NS, np.array([1.0]), FIRST, shape)
    question = history.ask(15 * LENGTH_NS, 16 * LENGTH_NS, np.array([2.0]), FIRST, shape)
    assert not question.sequences.any()


def test_a_score_that_is_no_number_is_no_score_at_all():
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    frames = machine()
    scores_of(FAKE, frames[:-1], scorer)
    state = scorer.snapshot()
    (cohort,) = state["cohorts"]
    cohort["course"]["score"] = np.nan
    scorer.restore(state)
    assert scores_of(FAKE, frames[-1:], scorer) == [None]


@pytest.mark.parametrize(("mean", "log_sigma"), [(np.nan, 0.0), (0.0, np.inf), (0.0, np.nan)])
def test_a_forecast_that_is_no_number_hides_no_step(mean, log_sigma):
    class Broken(HalfWayHome):
        def forecast(self, sequences):
            count = len(sequences)
            return np.full(count, mean, np.float32), np.full(count, log_sigma, np.float32)

    z = np.zeros(3)
    question = Question(0, LENGTH_NS, z, np.arange(3), np.ones((3, 8, 2), np.float32))
    assert np.isnan(surprise_all([question], Broken())[0]).all()
    scorer = AssetScorer("pump", COMMISSIONING_NS)
    frames = machine(current=(100, 20.0))
    scores_of(FAKE, frames[:100], scorer)
    assert scores_of(Broken(), frames[100:], scorer)[-1].anomalous
