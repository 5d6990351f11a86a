"""How often a prognosis comes true: ``quantize evaluate-prognosis``.

Series are fed to the device's own trend point by point; every few points it is asked when a
boundary is reached.  The truth is the first time at which the median of nine points lies beyond.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.outlook import interval_of
from edge_agent.core.prognosis import COVERAGE
from edge_agent.core.records import NS_PER_S
from edge_agent.core.trend import Trend
from quantize.errors import QuantizeError

Values = NDArray[np.float64]

_RUNS = 25
_POINTS, _ONSET = 2000, 600  # of a simulated series
_ASKED_EVERY = 20  # points
_SMOOTHED = 9
_HEALTHY = 0.2  # of a run to failure, from which its boundaries are taken
_BOUNDARIES = (1.5, 2.0, 3.0)  # times the healthy median


@dataclass(slots=True)
class Tally:
    """What became of prognoses; ``widths`` are latest by earliest times."""

    series: int = 0
    told_in: int = 0
    told: int = 0
    held: int = 0
    sooner: int = 0
    later: int = 0
    by_series: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    def take(self, values: Values, boundary: float, every: int = _ASKED_EVERY) -> None:
        """Ask for prognoses until ``values`` have reached ``boundary``, and judge them."""
        smooth = np.array(
            [np.median(values[max(0, i - _SMOOTHED + 1) : i + 1]) for i in range(len(values))]
        )
        beyond = np.flatnonzero(smooth >= boundary)
        end = int(beyond[0]) if beyond.size else None
        trend, held, told = Trend(), 0, 0
        self.series += 1
        for index, value in enumerate(values[:end].tolist()):
            trend.push(index * NS_PER_S, value)
            if index % every or trend.newest >= boundary:
                continue
            interval = interval_of(trend, boundary, index * NS_PER_S)
            if interval is None:
                continue
            told += 1
            self.widths.append(interval.latest / max(1.0, interval.earliest))
            left = np.inf if end is None else end - index
            held += interval.earliest <= left <= interval.latest
            self.sooner += left < interval.earliest
            self.later += left > interval.latest
        self.told += told
        self.held += held
        if told:
            self.told_in += 1
            self.by_series.append(held / told)

    def row(self, name: str) -> str:
        """Return the tally as a row of a table."""
        if not self.told:
            return f"| {name} | {self.series} | 0 | 0 | - | - | - | - | - |"
        shares = (self.held, self.sooner, self.later)
        figures = " | ".join(f"{part / self.told:.2f}" for part in shares)
        return (
            f"| {name} | {self.series} | {self.told_in} | {self.told} | {figures}"
            f" | {np.mean(self.by_series):.2f} | {np.median(self.widths):.1f} |"
        )


def evaluate(data: Path) -> None:
    """Print the table.

    Args:
        data: The folder that holds ``sensors/femto`` and ``sensors/ims_meanabs``.

    Raises:
        QuantizeError: Neither is there.
    """
    recordings = {name: list(runs(data / "sensors")) for name, runs in _REAL.items()}
    if not any(recordings.values()):
        raise QuantizeError(f"no recordings in {data}/sensors/femto or ims_meanabs")
    print(f"Prognoses of the time to a boundary; intervals are meant to hold {COVERAGE:.0%}\n")
    print(
        "| series | number | told in | told | held | sooner | later | held, mean over series"
        " | latest by earliest, median |"
    )
    print("|" + " --- |" * 9)
    rng = np.random.default_rng(0)
    for name, simulate in _SIMULATED.items():
        tally = Tally()
        for _ in range(_RUNS):
            tally.take(*simulate(rng))
        print(tally.row(f"simulated: {name}"))
    for name, runs in recordings.items():
        for factor in _BOUNDARIES:
            tally = Tally()
            for values in runs:
                healthy = float(np.median(values[: int(len(values) * _HEALTHY)]))
                tally.take(values, factor * healthy, every=1)
            print(tally.row(f"{name}, {factor:g} times healthy"))


def _since_onset() -> Values:
    return np.arange(_POINTS, dtype=np.float64).clip(_ONSET) - _ONSET


def _linear(rng: np.random.Generator) -> tuple[Values, float]:
    return 1 + 0.002 * _since_onset() + rng.normal(0, 0.1, _POINTS), 3.0


def _exponential(rng: np.random.Generator) -> tuple[Values, float]:
    return np.exp(0.0012 * _since_onset()) * (1 + rng.normal(0, 0.05, _POINTS)), 3.0


def _wandering(rng: np.random.Generator) -> tuple[Values, float]:
    steps = np.where(_since_onset() > 0, 0.002 + rng.normal(0, 0.01, _POINTS), 0.0)
    return 1 + np.cumsum(steps) + rng.normal(0, 0.05, _POINTS), 3.0


def _daily(rng: np.random.Generator) -> tuple[Values, float]:
    cycle = 0.3 * np.sin(2 * np.pi * np.arange(_POINTS) / 288)
    return 1 + cycle + rng.normal(0, 0.03, _POINTS), 1.6


def _steady(rng: np.random.Generator) -> tuple[Values, float]:
    return 1 + rng.normal(0, 0.1, _POINTS), 1.6


def _walk(rng: np.random.Generator) -> tuple[Values, float]:
    return 1 + np.cumsum(rng.normal(0, 0.01, _POINTS)), 1.8


_SIMULATED: dict[str, Callable[[np.random.Generator], tuple[Values, float]]] = {
    "linear wear": _linear,
    "exponential wear": _exponential,
    "wear that wanders": _wandering,
    "daily cycle, no wear": _daily,
    "noise, no wear": _steady,
    "random walk, no wear": _walk,
}


def _femto(sensors: Path) -> Iterator[Values]:
    for path in sorted(sensors.glob("femto/features_*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            yield from arrays["rms"].astype(np.float64).T


def _ims(sensors: Path) -> Iterator[Values]:
    """Yield the bearings' values less the last rows, in which the machine has stopped."""
    for path in sorted(sensors.glob("ims_meanabs/*.csv")):
        with path.open() as lines:
            rows = list(csv.DictReader(lines))
        for channel in list(rows[0])[1:]:
            values = np.array([float(row[channel]) for row in rows])
            stopped = values < np.median(values) / 2
            yield values[: len(values) - int(np.argmin(stopped[::-1]))]


_REAL: dict[str, Callable[[Path], Iterator[Values]]] = {"FEMTO": _femto, "IMS": _ims}
