"""What a sensor package scores on recordings that it never saw: ``quantize evaluate-sensor``.

Everything is fed through the device's own windows, signals and scorer, with its default constants;
nothing is fitted to the recordings but what the device itself learns during commissioning.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import edge_agent
from edge_agent.core.calibration import Floats, fit_normal
from edge_agent.core.cohort import Parts
from edge_agent.core.forecast import LEAST_SIGMA, SensorModel, input_of
from edge_agent.core.records import NS_PER_S
from edge_agent.core.scoring import AssetScorer, SensorScore, score_all
from edge_agent.io.model_package import load_package
from edge_agent.io.runtime import OnnxSensorModel
from quantize import evaluate_runs
from quantize.sensor_runs import Shown, frames_of
from quantize.sensor_series import (
    NAB_COMMISSIONING_DAYS,
    SKAB_COMMISSIONING_ROWS,
    Recording,
    Series,
    held_out_series,
    nab,
    skab,
)
from quantize.tables import markdown

DAY_NS = 86_400 * NS_PER_S

SKAB_WINDOWS_S = ((10, 1), (10, 5), (20, 10), (5, 5))  # length and hop
EQUAL_RATE = 0.16  # of false alarms: parts compare fairly only where they cost the same
THRESHOLD_FACTORS = np.geomspace(0.25, 4.0, 161)
NAB_WINDOWS_S = (300, 600, 1800, 3600)
_PARTS = {
    Parts.BOTH: "levels and LSTM",
    Parts.LEVELS: "levels alone",
    Parts.SURPRISES: "LSTM alone",
}
NAB_EPISODE_NS = DAY_NS // 2  # anomalous windows that lie closer are one alarm


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows of labelled recordings, pooled, by label and verdict."""

    hits: int
    false_alarms: int
    misses: int
    silences: int

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.misses + other.misses,
            self.silences + other.silences,
        )

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.hits / (2 * self.hits + self.false_alarms + self.misses)

    @property
    def false_alarm_rate(self) -> float:
        """Part of the healthy rows that were called anomalous."""
        return self.false_alarms / (self.false_alarms + self.silences)

    @property
    def missed_rate(self) -> float:
        """Part of the faulty rows that were not."""
        return self.misses / (self.misses + self.hits)


def tables(data: Path, package: Path | None = None) -> Iterator[str]:
    """Yield every table of the model card, as Markdown, for the package or the shipped one."""
    shipped = Path(edge_agent.__file__).parent / "models" / "sensor-lstm"
    model = OnnxSensorModel(load_package(package or shipped))
    sensors = data / "sensors"
    yield forecast_table(model, held_out_series(sensors))
    yield skab_table(model, skab(sensors))
    yield nab_table(model, *nab(sensors))
    yield from evaluate_runs.tables(model, sensors)
    yield cost_table(model)


def forecast_table(model: SensorModel, series: list[Series]) -> str:
    """Return how forecasts of held-out series compare with forecasts without a model."""
    rows = []
    for source in dict.fromkeys(one.source for one in series):
        by_file: dict[str, list[Floats]] = {}
        for one in series:
            if one.source == source:
                by_file.setdefault(one.file, []).append(_forecast_figures(model, one.values))
        files = np.array([np.mean(channels, axis=0) for channels in by_file.values()])
        better = f"{(files[:, 0] < files[:, 1]).sum()} of {len(files)}"
        rows.append((source, better, *(f"{figure:.2f}" for figure in files.mean(axis=0))))
    heads = ("recordings", "files better", "NLL", "NLL constant", "MAE", "MAE constant", "MAE last")
    return markdown("Forecast of the next window (standardized; mean over files)", heads, rows)


def _forecast_figures(model: SensorModel, values: Floats) -> Floats:
    """Return NLL and NLL of a constant forecast, then MAE, of a constant, of the last value.

    The constant forecast is what commissioning saw: mean 0, standard deviation 1.
    """
    shape = input_of(model)
    commissioned = min(400, len(values) // 2)
    normal = fit_normal(values[:commissioned], np.arange(-1, commissioned - 1))
    z = np.clip((values - normal.centre) / normal.reach, -shape.clip, shape.clip)
    windows = sliding_window_view(z, shape.steps + 1)[commissioned - shape.steps :]
    past, target = windows[:, :-1], windows[:, -1]
    sequences = np.stack((past, np.ones_like(past)), axis=-1).astype(np.float32)
    mean, log_sigma = model.forecast(sequences)
    variance = np.exp(2.0 * log_sigma.astype(np.float64)) + LEAST_SIGMA**2
    nll = 0.5 * ((target - mean) ** 2 / variance + np.log(variance))
    errors = (nll, 0.5 * target**2, abs(target - mean), abs(target), abs(target - past[:, -1]))
    return np.array([error.mean() for error in errors])


def skab_table(model: SensorModel, recordings: list[Recording]) -> str:
    """Return F1 and false alarms on SKAB, for windows of some lengths and parts of the score."""
    rows = []
    for length_s, hop_s in SKAB_WINDOWS_S:
        frames = [_frames(recording, length_s, hop_s) for recording in recordings]
        for parts in Parts:
            scored = [
                (recording, _scores(model, shown, SKAB_COMMISSIONING_ROWS * NS_PER_S, parts))
                for recording, shown in zip(recordings, frames, strict=True)
            ]
            total = _pooled(scored, 1.0)
            moved = [_pooled(scored, factor) for factor in THRESHOLD_FACTORS]
            best = max((c.f1 for c in moved if c.false_alarm_rate <= EQUAL_RATE), default=0.0)
            rates = (total.f1, total.false_alarm_rate, total.missed_rate, best)
            rows.append(
                (f"{length_s} / {hop_s}", _PARTS[parts], *(f"{rate:.3f}" for rate in rates))
            )
    hindsight = f"F1 at {EQUAL_RATE:.0%} false alarms, by hindsight"
    heads = ("window / hop [s]", "score from", "F1", "false alarms", "missed", hindsight)
    return markdown(f"SKAB, {len(recordings)} recordings, rows from 400 on, pooled", heads, rows)


def nab_table(model: SensorModel, recording: Recording, labelled: list[tuple[int, int]]) -> str:
    """Return which labelled windows of NAB's machine temperature are found, and what else is."""
    commissioning_ns = NAB_COMMISSIONING_DAYS * DAY_NS
    days = (recording.at_ns[-1] - recording.at_ns[0] - commissioning_ns) / DAY_NS
    rows = []
    for length_s in NAB_WINDOWS_S:
        frames = _frames(recording, length_s, length_s)
        scores = _scores(model, frames, commissioning_ns, Parts.BOTH)
        alarms = _episodes([score for score in scores if score.anomalous])
        found = [any(a < end and b > start for a, b in alarms) for start, end in labelled]
        false = sum(all(a >= end or b <= start for start, end in labelled) for a, b in alarms)
        places = " ".join(str(place + 1) for place, seen in enumerate(found) if seen)
        share = f"{sum(found)} of {len(labelled)}"
        rows.append((str(length_s), share, places, str(false), f"{days:.0f}"))
    heads = (
        "window = hop [s]",
        "labelled windows found",
        "by place",
        "false alarms",
        "days scored",
    )
    title = f"NAB machine temperature, the first {NAB_COMMISSIONING_DAYS} days commission"
    return markdown(title, heads, rows)


def cost_table(model: SensorModel) -> str:
    """Return the CPU time of a scored window of 8 process channels, 64 assets in a batch."""
    rng = np.random.default_rng(0)
    names = [f"c{i}{suffix}" for i in range(8) for suffix in ("", ":spread")]
    scorers = [AssetScorer(f"asset-{i}", 40 * NS_PER_S) for i in range(64)]
    cost_ns = []
    for frame in range(100):
        span = (frame * NS_PER_S, (frame + 1) * NS_PER_S)
        batch = [(s, *span, dict(zip(names, rng.normal(size=16), strict=True))) for s in scorers]
        began = time.process_time_ns()
        score_all(model, batch)
        cost_ns.append((time.process_time_ns() - began) / len(scorers))
    cost_us = float(np.median(cost_ns[-50:])) / 1000
    heads = ("channels", "signals", "windows in a batch", "CPU time a window [us]")
    return markdown("Cost of scoring, this machine", heads, [("8", "16", "64", f"{cost_us:.0f}")])


def _frames(recording: Recording, length_s: int, hop_s: int) -> list[Shown]:
    return list(frames_of(recording.channels, recording.at_ns, recording.values, length_s, hop_s))


def _scores(
    model: SensorModel, frames: list[Shown], commissioning_ns: int, parts: Parts
) -> list[SensorScore]:
    scorer = AssetScorer("asset", commissioning_ns, parts)
    scores = score_all(model, [(scorer, *frame) for frame in frames])
    return [score for score in scores if score is not None]


def _pooled(scored: list[tuple[Recording, list[SensorScore]]], factor: float) -> Confusion:
    """Return the counts over all recordings, with every threshold times ``factor``."""
    total = Confusion(0, 0, 0, 0)
    for recording, scores in scored:
        total += _confusion(recording, scores, factor)
    return total


def _confusion(recording: Recording, scores: list[SensorScore], factor: float) -> Confusion:
    """Count rows; each has the verdict of the latest window that had ended a second after it."""
    ends = np.array([score.end_ns for score in scores])
    exceeds = [score.score > factor * score.threshold for score in scores]
    anomalous = np.array([False, *exceeds])
    latest = np.searchsorted(ends, recording.at_ns + NS_PER_S, side="right")
    said = anomalous[latest][SKAB_COMMISSIONING_ROWS:]
    true = recording.faulty[SKAB_COMMISSIONING_ROWS:]
    pairs = ((said & true), (said & ~true), (~said & true), (~said & ~true))
    return Confusion(*(int(pair.sum()) for pair in pairs))


def _episodes(scores: list[SensorScore]) -> list[tuple[int, int]]:
    """Return the spans of anomalous windows, joined where they lie close."""
    spans: list[tuple[int, int]] = []
    for score in scores:
        if spans and score.start_ns - spans[-1][1] < NAB_EPISODE_NS:
            spans[-1] = (spans[-1][0], score.end_ns)
        else:
            spans.append((score.start_ns, score.end_ns))
    return spans
