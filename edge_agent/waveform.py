"""The ``diagnose`` command: one recorded waveform in, one verdict out."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from edge_agent.core.bearings import COMMON, Bearing, common_bearing
from edge_agent.core.diagnosis import Machine, Unit, not_assessable
from edge_agent.core.severity import COMMON_CLASS, MachineClass
from edge_agent.core.spectra import diagnose as assess
from edge_agent.errors import ConfigError
from edge_agent.io.waveform_file import read_waveform

_STEADY = 0.03  # of the speed, which the search for slipping lines bears


@dataclass(frozen=True, slots=True)
class Question:
    """What ``diagnose`` is asked; ``factors`` are BPFO, BPFI, BSF and FTF by shaft speed."""

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


def diagnose(question: Question, out: TextIO) -> None:
    """Read one waveform and write its diagnosis as one JSON object.

    Raises:
        ConfigError: The file cannot be read, or the bearing is not in the table.
    """
    samples = read_waveform(question.file, question.column) * question.scale
    bearing, speed_rpm = _bearing(question), _speed_rpm(question)
    if isinstance(bearing, str) or isinstance(speed_rpm, str):
        diagnosis = not_assessable(bearing if isinstance(bearing, str) else str(speed_rpm))
    else:
        machine = Machine(speed_rpm, bearing, question.machine_class, question.unit)
        diagnosis = assess(samples, question.rate_hz, machine)
    out.write(json.dumps(asdict(diagnosis), ensure_ascii=False) + "\n")


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
