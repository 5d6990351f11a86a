"""Faults of sensors, injected into recordings of sound ones: ``quantize evaluate-sensor-faults``.

What is injected copies what sensors do, with sizes taken from the healthy values before; nothing is
taken from the detector that has to find it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.sensorfault import FaultKind

Values = NDArray[np.float64]
# The channel's values from the fault on, how they were before, and the generator of chance.
Injection = Callable[[Values, Values, np.random.Generator], Values]

_SPIKE_RANGES = 40.0  # height of a spike, in learned ranges: a loose plug, not a gust
_SPIKE_EVERY = 25
_CLIPPED = 0.75  # quantile at which a clipped channel is cut off
_LOST = 0.6  # of the samples, in dropouts
_LOST_RUN = 8


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of injected fault; ``expected`` are the kinds that name it rightly."""

    name: str
    inject: Injection
    expected: frozenset[FaultKind]
    thermal_only: bool = False


def _stuck(values: Values, before: Values, rng: np.random.Generator) -> Values:
    del rng
    return np.full_like(values, before[-1])


def _zero(values: Values, before: Values, rng: np.random.Generator) -> Values:
    del before, rng
    return np.zeros_like(values)


def _code(values: Values, before: Values, rng: np.random.Generator) -> Values:
    del before, rng
    return np.full_like(values, -32768.0)


def _gaps(values: Values, before: Values, rng: np.random.Generator) -> Values:
    del before
    runs = rng.random(-(-len(values) // _LOST_RUN)) < _LOST
    return np.where(np.repeat(runs, _LOST_RUN)[: len(values)], np.nan, values)


def _spikes(values: Values, before: Values, rng: np.random.Generator) -> Values:
    shown = values.copy()
    height = _SPIKE_RANGES * (before.max() - before.min())
    shown[::_SPIKE_EVERY] += height * rng.choice([-1.0, 1.0])
    return shown


def _clipped(values: Values, before: Values, rng: np.random.Generator) -> Values:
    del rng
    return np.minimum(values, np.quantile(before, _CLIPPED))


def _times(factor: float) -> Injection:
    return lambda values, _before, _rng: values * factor


def _fahrenheit(values: Values, before: Values, rng: np.random.Generator) -> Values:
    del before, rng
    return values * 1.8 + 32.0


def _open(values: Values, before: Values, rng: np.random.Generator) -> Values:
    """Return full scale after a filter of two samples, with the noise of the input."""
    del before
    scale = 1254.0 + rng.normal(0.0, 0.2, len(values))
    return scale + (values - scale) * np.exp(-np.arange(1, len(values) + 1) / 0.5)


def _below_absolute_zero(values: Values, before: Values, rng: np.random.Generator) -> Values:
    del before
    return np.full_like(values, -300.0) + rng.normal(0.0, 0.5, len(values))


_DEAD = frozenset({FaultKind.STUCK, FaultKind.DROPOUT})
_FAR_OFF = frozenset({FaultKind.OUT_OF_RANGE, FaultKind.DROPOUT})
FAULTS = (
    Fault("stuck", _stuck, _DEAD),
    Fault("drops to zero", _zero, _DEAD),
    Fault("reads -32768", _code, _FAR_OFF),
    Fault("60 % of values lost in runs", _gaps, frozenset({FaultKind.DROPOUT})),
    Fault("spikes, every 25th sample", _spikes, frozenset({FaultKind.JUMP, *_FAR_OFF})),
    Fault("clipped at its upper quartile", _clipped, frozenset({FaultKind.SATURATION})),
    Fault("times 1000", _times(1000.0), frozenset({FaultKind.WRONG_UNIT, *_FAR_OFF})),
    Fault("times 10", _times(10.0), frozenset({FaultKind.WRONG_UNIT})),
    Fault("degF for degC", _fahrenheit, frozenset({FaultKind.WRONG_UNIT}), thermal_only=True),
    Fault(
        "thermocouple opens",
        _open,
        frozenset({FaultKind.OPEN_THERMOCOUPLE}),
        thermal_only=True,
    ),
    Fault(
        "below absolute zero",
        _below_absolute_zero,
        frozenset({FaultKind.OUT_OF_RANGE}),
        thermal_only=True,
    ),
)


def injected(
    table: Values, channel: int, row: int, fault: Fault, rng: np.random.Generator
) -> Values:
    """Return a copy of ``table``, ``(n, channels)``, with a fault in a channel from ``row`` on."""
    shown = table.copy()
    shown[row:, channel] = fault.inject(table[row:, channel], table[:row, channel], rng)
    return shown


def by_name() -> Mapping[str, Fault]:
    """Return the faults by their names."""
    return {fault.name: fault for fault in FAULTS}
