"""Tables of alarms: runs to failure, healthy stretches, and rigs with known faults."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.core.cohort import Parts
from edge_agent.core.forecast import SensorModel
from edge_agent.core.records import NS_PER_S
from edge_agent.core.scoring import AssetScorer, SensorScore, score_all
from quantize.sensor_runs import Shown, anomaly_free, hydraulic, motor_current, runs_to_failure
from quantize.tables import markdown

DAY_NS = 86_400 * NS_PER_S
COMMISSIONED = (0.1, 0.2)  # parts of a life
ON, OFF = 2, 4  # windows in a row that raise an alarm and clear it: delays of 10 and 30 s at 10 s
FIRST_QUARTER, HALF, LATEST = 0.25, 0.5, 0.98  # of a life


@dataclass(frozen=True, slots=True)
class AlarmSpan:
    """An alarm by the places of the windows that raised and cleared it; ``None``: it stands."""

    raised: int
    cleared: int | None


def scored(
    model: SensorModel, frames: Sequence[Shown], commissioning_ns: int, parts: Parts = Parts.BOTH
) -> list[SensorScore | None]:
    """Return the score of every frame of one asset."""
    scorer = AssetScorer("asset", commissioning_ns, parts)
    return score_all(model, [(scorer, *frame) for frame in frames])


def alarms(scores: Sequence[SensorScore | None]) -> list[AlarmSpan]:
    """Return the alarms that windows raise, debounced by ``ON`` and ``OFF``."""
    found: list[AlarmSpan] = []
    raised, above, below = None, 0, 0
    for place, score in enumerate(scores):
        anomalous = score is not None and score.anomalous
        above, below = (above + 1, 0) if anomalous else (0, below + 1)
        if raised is None and above >= ON:
            raised = place - ON + 1
        elif raised is not None and below >= OFF:
            found.append(AlarmSpan(raised, place - OFF + 1))
            raised = None
    return found if raised is None else [*found, AlarmSpan(raised, None)]


def run_to_failure_table(model: SensorModel, sensors: Path) -> str:
    """Return when an alarm stands for good, and which cleared by themselves."""
    rows = []
    for run in runs_to_failure(sensors):
        for part in COMMISSIONED:
            count = len(run.frames)
            learned_ns = run.frames[int(count * part)][1] - run.frames[0][0]
            spans = alarms(scored(model, run.frames, learned_ns))
            standing = next((s.raised / count for s in spans if s.cleared is None), None)
            timely = standing is not None and HALF <= standing <= LATEST
            passing = [s for s in spans if s.cleared is not None]
            early = sum((s.cleared or 0) <= FIRST_QUARTER * count for s in passing)
            told = "never" if standing is None else f"{standing:.1%}"
            verdict = "yes" if timely else "no"
            rows.append(
                (run.source, run.file, f"{part:.0%}", told, verdict, str(early), str(len(passing)))
            )
    heads = (
        "recordings",
        "run",
        "commissioned",
        "alarm stands from",
        "50 to 98 %",
        "cleared in the first quarter",
        "cleared at all",
    )
    return markdown("Runs to failure, by part of life", heads, rows)


def healthy_table(model: SensorModel, sensors: Path) -> str:
    """Return alarms by asset and day on stretches in which nothing is known to be wrong."""
    spans: dict[str, list[tuple[int, int]]] = {}
    free = anomaly_free(sensors)
    _count(spans, "skab, anomaly-free", model, free.frames, 400 * NS_PER_S)
    for run in runs_to_failure(sensors):
        quarter = run.frames[: int(len(run.frames) * FIRST_QUARTER)]
        learned_ns = run.frames[int(len(run.frames) * COMMISSIONED[0])][1] - run.frames[0][0]
        _count(spans, f"{run.source}, first quarter", model, quarter, learned_ns)
    rig = hydraulic(sensors)
    good = [f for f, faulty in zip(rig.frames, rig.faulty, strict=True) if not faulty]
    _count(spans, "hydraulic, good cycles", model, good, _half(good))
    rows = []
    for name, counted in spans.items():
        days = sum(duration for _, duration in counted) / DAY_NS
        total = sum(number for number, _ in counted)
        rate = f"{total / days:.1f}" if days > 0 else "-"
        rows.append((name, str(len(counted)), f"{days:.2f}", str(total), rate))
    heads = ("stretches", "assets", "asset-days scored", "alarms", "alarms by asset-day")
    return markdown("Healthy stretches, default settings", heads, rows)


def sanity_table(model: SensorModel, sensors: Path) -> str:
    """Return how many windows are anomalous on rigs with known faults."""
    rows = []
    for run in (hydraulic(sensors), *motor_current(sensors)):
        learned_ns = _half([f for f, bad in zip(run.frames, run.faulty, strict=True) if not bad])
        told = scored(model, run.frames, learned_ns)
        by_label: dict[bool, list[bool]] = {False: [], True: []}
        for score, faulty in zip(told, run.faulty, strict=False):
            if score is not None and not score.commissioning:
                by_label[faulty].append(score.anomalous)
        rates = [f"{np.mean(by_label[bad]):.2f}" if by_label[bad] else "-" for bad in (False, True)]
        rows.append((run.source, run.file, *rates))
    heads = ("rig", "recording", "healthy windows anomalous", "faulty windows anomalous")
    return markdown("Rigs with known faults", heads, rows)


def _count(
    spans: dict[str, list[tuple[int, int]]],
    name: str,
    model: SensorModel,
    frames: Sequence[Shown],
    learned_ns: int,
) -> None:
    told = scored(model, frames, learned_ns)
    known = [score for score in told if score is not None and not score.commissioning]
    length_ns = known[-1].end_ns - known[0].start_ns if known else 0
    spans.setdefault(name, []).append((len(alarms(told)), length_ns))


def _half(frames: Sequence[Shown]) -> int:
    return frames[len(frames) // 2][1] - frames[0][0]


def tables(model: SensorModel, sensors: Path) -> Iterator[str]:
    """Yield all tables of this module, as Markdown."""
    yield run_to_failure_table(model, sensors)
    yield healthy_table(model, sensors)
    yield sanity_table(model, sensors)
