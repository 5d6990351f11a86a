"""The ``diagnose`` command: one recorded waveform in, one verdict out."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np

from edge_agent.core.bearings import COMMON, Bearing, common_bearing
from edge_agent.core.diagnosis import Machine, Unit, not_assessable
from edge_agent.core.severity import COMMON_CLASS, MachineClass
from edge_agent.core.soundness import health_of
from edge_agent.core.spectra import diagnose as assess
from edge_agent.errors import ConfigError
from edge_agent.io.waveform_file import read_waveform

_STEADY = 0.03  # of the speed, which the search for slipping lines bears


@dataclass(frozen=True, slots=True)
class Question:
    """What ``diagnose`` is asked; ``factors`` are BPFO, BPFI, BSF and FTF by shaft speed.

    ``healthy`` are recordings of the same machine in health, by the same sensor, about as fast.
    """

    file: Path
    rate_hz: float
    speed_rpm: float | None = None
    bearing: str | None = None
    factors: tuple[float, float, float, float] | None = None
    machine_class: MachineClass = COMMON_CLASS
    unit: Unit = Unit.G
    scale: float = 1.0
    column: str | None = None
    speed_column: str | None = None
    healthy: tuple[Path, ...] = ()


def diagnose(question: Question, out: TextIO) -> None:
    """Read one waveform and write its diagnosis as one JSON object.

    Raises:
        ConfigError: The file cannot be read, or the bearing is not in the table.
    """
    samples = read_waveform(question.file, question.column) * question.scale
    machine = _machine(question, samples.size)
    if isinstance(machine, str):
        diagnosis = not_assessable(machine)
    else:
        diagnosis = assess(samples, question.rate_hz, machine)
    out.write(json.dumps(asdict(diagnosis), ensure_ascii=False) + "\n")


def _machine(question: Question, size: int) -> Machine | str:
    """Return what is known of the machine, or why that is wrong."""
    bearing, speed_rpm = _bearing(question), _speed_rpm(question)
    if isinstance(bearing, str):
        return bearing
    if isinstance(speed_rpm, str):
        return speed_rpm
    machine = Machine(speed_rpm, bearing, question.machine_class, question.unit)
    if not question.healthy:
        return machine
    recordings = [read_waveform(p, question.column) * question.scale for p in question.healthy]
    health = health_of(recordings, question.rate_hz, machine, size)
    return health if isinstance(health, str) else replace(machine, health=health)


def _speed_rpm(question: Question) -> float | str | None:
    """Return the speed that was given or recorded beside the samples, or why that is none."""
    if question.speed_rpm is not None or question.speed_column is None:
        return question.speed_rpm
    speeds = read_waveform(question.file, question.speed_column)
    speeds = speeds[np.isfinite(speeds)]  # a slow channel beside a fast one has gaps
    if not speeds.size:
        return f"no speed in the column {question.speed_column}"
    middle, apart = float(np.median(speeds)), float(np.ptp(speeds))
    if apart > _STEADY * abs(middle):
        return f"the speed changes by {apart:.4g} rpm within the block: its lines smear"
    return middle


def _bearing(question: Question) -> Bearing | str | None:
    """Return the bearing that was named or given by its factors, or why that is none."""
    if question.factors is not None:
        return Bearing.of_factors(*question.factors)
    if question.bearing is None:
        return None
    if (bearing := common_bearing(question.bearing)) is None:
        raise ConfigError(
            f"no bearing {question.bearing!r} in the table, which has {', '.join(sorted(COMMON))};"
            " give --bpfo, --bpfi, --bsf and --ftf"
        )
    return bearing
