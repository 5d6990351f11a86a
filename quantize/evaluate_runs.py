"""Tables of alarms: runs to failure, healthy stretches, and rigs with known faults."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.core.cohort import Parts
from edge_agent.core.forecast import SensorModel
from edge_agent.core.records import NS_PER_S
from edge_agent.core.scoring import AssetScorer, SensorScore, score_all
from quantize.sensor_runs import (
    Run,
    Shown,
    anomaly_free,
    before_faults,
    hydraulic,
    machine_temperature,
    motor_current,
    runs_to_failure,
    switched_faults,
)
from quantize.sensor_series import NAB_COMMISSIONING_DAYS, SKAB_COMMISSIONING_ROWS
from quantize.tables import markdown

DAY_NS = 86_400 * NS_PER_S
COMMISSIONED = (0.1, 0.2)  # parts of a life
ON, OFF = 2, 4  # windows in a row: the delays of 10 and 30 s for windows of 10 s
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
    """Return the alarms of an asset: what insists, debounced by ``ON`` and ``OFF``."""
    found: list[AlarmSpan] = []
    raised, above, below = None, 0, 0
    for place, score in enumerate(scores):
        above = above + 1 if score is not None and score.anomalous else 0
        below = 0 if score is not None and score.alarming else below + 1
        if raised is None and below == 0 and above >= ON:
            raised = place
        elif raised is not None and below >= OFF:
            found.append(AlarmSpan(raised, place - OFF + 1))
            raised = None
    return found if raised is None else [*found, AlarmSpan(raised, None)]


def run_to_failure_table(model: SensorModel, runs: Sequence[Run]) -> str:
    """Return when an alarm stands for good, and which cleared by themselves."""
    rows, timely = [], dict.fromkeys(COMMISSIONED, 0)
    for run in runs:
        for part in COMMISSIONED:
            count = len(run.frames)
            spans = alarms(scored(model, run.frames, run.learning_ns(int(count * part))))
            standing = next((s.raised / count for s in spans if s.cleared is None), None)
            in_time = standing is not None and HALF <= standing <= LATEST
            timely[part] += in_time
            cleared = [s.cleared for s in spans if s.cleared is not None]
            early = sum(place <= FIRST_QUARTER * count for place in cleared)
            told = "never" if standing is None else f"{standing:.1%}"
            verdict = "yes" if in_time else "no"
            rows.append(
                (run.source, run.file, f"{part:.0%}", told, verdict, str(early), str(len(cleared)))
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
    shares = ", ".join(f"{n} of {len(runs)} with {part:.0%}" for part, n in timely.items())
    return markdown(
        f"Runs to failure, by part of life; in time: {shares} commissioned", heads, rows
    )


def healthy_table(model: SensorModel, stretches: Iterable[tuple[str, Run, int]]) -> str:
    """Return alarms by asset and day on stretches in which nothing is known to be wrong.

    Args:
        model: Of the package.
        stretches: From :func:`healthy_stretches`.
    """
    counted: dict[str, list[tuple[int, int]]] = {}
    for name, run, learned_ns in stretches:
        told = scored(model, run.frames, learned_ns)
        counted.setdefault(name, []).append(healthy_alarms(run, told))
    rows = []
    for name, assets in counted.items():
        total = sum(number for number, _ in assets)
        days = sum(scored_ns for _, scored_ns in assets) / DAY_NS
        rate = f"{total / days:.1f}" if days > 0 else "-"
        rows.append((name, str(len(assets)), f"{days:.3f}", str(total), rate))
    heads = ("stretches", "assets", "asset-days scored", "alarms", "alarms by asset-day")
    return markdown("Healthy stretches, default settings", heads, rows)


def healthy_alarms(run: Run, told: Sequence[SensorScore | None]) -> tuple[int, int]:
    """Return how many alarms were raised while nothing was wrong, and the time scored then [ns]."""
    raised = sum(not run.faulty[span.raised] for span in alarms(told))
    known = [score is not None and not score.commissioning for score in told]
    healthy = sum(scored and not bad for scored, bad in zip(known, run.faulty, strict=True))
    return raised, healthy * (run.frames[1][1] - run.frames[0][1])


def healthy_stretches(
    sensors: Path, runs: Iterable[Run], rig: Run
) -> Iterator[tuple[str, Run, int]]:
    """Yield by name what is healthy, or tells where it is, and how long to commission it [ns]."""
    yield "skab, anomaly-free", anomaly_free(sensors), SKAB_COMMISSIONING_ROWS * NS_PER_S
    for run in before_faults(sensors):
        yield "skab, before the fault", run, SKAB_COMMISSIONING_ROWS * NS_PER_S
    for run in runs:
        count = len(run.frames)
        quarter = run.first(int(count * FIRST_QUARTER))
        learned_ns = run.learning_ns(int(count * COMMISSIONED[0]))
        yield f"{run.source}, first quarter", quarter, learned_ns
    temperature = machine_temperature(sensors)
    yield "nab, outside the labelled windows", temperature, NAB_COMMISSIONING_DAYS * DAY_NS
    good = rig.first(rig.faulty.index(True))
    yield "hydraulic, good cycles", good, good.learning_ns(len(good.frames) // 2)


def found_table(model: SensorModel, runs: Iterable[tuple[Run, int]]) -> str:
    """Return how many faults raise an alarm, and how soon.

    Args:
        model: Of the package.
        runs: With faulty frames, and how long to commission each [ns].
    """
    delays: dict[str, list[float | None]] = {}
    for run, learned_ns in runs:
        told = delays.setdefault(run.source, [])
        told += fault_delays_s(run, alarms(scored(model, run.frames, learned_ns)))
    rows = []
    for source, all_s in delays.items():
        found_s = [delay_s for delay_s in all_s if delay_s is not None]
        typical = [f"{f(found_s):.0f}" if found_s else "-" for f in (np.median, np.max)]
        rows.append((source, str(len(all_s)), str(len(found_s)), *typical))
    heads = ("recordings", "faults", "with an alarm", "after [s], median", "after [s], longest")
    return markdown("Faults that raise an alarm, default settings", heads, rows)


def fault_delays_s(run: Run, spans: Sequence[AlarmSpan]) -> list[float | None]:
    """Return, by fault, how long after its first window an alarm stood; ``None``: it never did."""
    edges = np.flatnonzero(np.diff([False, *run.faulty, False])).tolist()
    delays: list[float | None] = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        standing = (
            max(span.raised, first)
            for span in spans
            if span.raised < last and (span.cleared is None or span.cleared > first)
        )
        place = next(standing, None)
        waited_ns = None if place is None else run.frames[place][1] - run.frames[first][1]
        delays.append(None if waited_ns is None else waited_ns / NS_PER_S)
    return delays


def sanity_table(model: SensorModel, rigs: Iterable[Run]) -> str:
    """Return how many windows are anomalous on rigs with known faults."""
    rows = []
    for run in rigs:
        good = run.first(run.faulty.index(True))
        told = scored(model, run.frames, good.learning_ns(len(good.frames) // 2))
        by_label: dict[bool, list[bool]] = {False: [], True: []}
        for score, faulty in zip(told, run.faulty, strict=True):
            if score is not None and not score.commissioning:
                by_label[faulty].append(score.anomalous)
        rates = [f"{np.mean(by_label[bad]):.2f}" if by_label[bad] else "-" for bad in (False, True)]
        rows.append((run.source, run.file, *rates))
    heads = ("rig", "recording", "healthy windows anomalous", "faulty windows anomalous")
    return markdown("Rigs with known faults", heads, rows)


def tables(model: SensorModel, sensors: Path) -> Iterator[str]:
    """Yield all tables of this module, as Markdown."""
    runs, rig = list(runs_to_failure(sensors)), hydraulic(sensors)
    yield run_to_failure_table(model, runs)
    yield healthy_table(model, healthy_stretches(sensors, runs, rig))
    switched = [(run, SKAB_COMMISSIONING_ROWS * NS_PER_S) for run in switched_faults(sensors)]
    failing = machine_temperature(sensors), NAB_COMMISSIONING_DAYS * DAY_NS
    yield found_table(model, [*switched, failing])
    yield sanity_table(model, [rig, *motor_current(sensors)])
