"""Recordings of real bearings with what is wrong with them, cut into blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.bearings import COMMON, Bearing
from edge_agent.core.diagnosis import Machine, Verdict

_CWRU_FAULTS = {
    "IR": Verdict.INNER_RACE,
    "OR": Verdict.OUTER_RACE,
    "B": Verdict.BALL,
    "Normal": Verdict.HEALTHY,
}
_MFPT_FAULTS = {"Inner": Verdict.INNER_RACE, "Outer": Verdict.OUTER_RACE}
_MFPT_BEARING = Bearing.of_geometry(elements=8, element_mm=0.235, pitch_mm=1.245)
_FEMTO_BEARING = Bearing.of_geometry(elements=13, element_mm=3.5, pitch_mm=25.6)
_FEMTO_RPM = {"1": 1800.0, "2": 1650.0, "3": 1500.0}
DRIVE_END, FAN_END = "DE", "FE"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of acceleration in g, with what is wrong with its bearing.

    ``load`` and ``size`` (of the defect, thousandths of an inch; empty in health) are what a split
    may hold back.
    """

    name: str
    samples: NDArray[np.float64]
    rate_hz: float
    machine: Machine
    truth: Verdict
    load: str = ""
    size: str = ""

    @property
    def group(self) -> str:
        """What it is counted with: the same fault at other loads."""
        return f"{self.truth} {self.size}" if self.size else f"{self.truth}, {self.name}"

    def blocks(self, seconds: float, overlap: float = 0.0) -> list[NDArray[np.float64]]:
        """Return the whole blocks of this length, each ``overlap`` (a share) into the next."""
        size = round(seconds * self.rate_hz)
        step = max(1, round(size * (1 - overlap)))
        starts = range(0, self.samples.size - size + 1, step)
        return [self.samples[start : start + size] for start in starts]


def cwru(data: Path, sensor: str = DRIVE_END) -> list[Recording]:
    """Return the Case Western recordings of one sensor; a healthy one was only made without load.

    The drive end's bearing is the damaged one, whichever sensor listens.
    """
    return list(_cwru(data / "sensors" / "cwru", sensor))


def mfpt(data: Path) -> list[Recording]:
    """Return the MFPT recordings; their licence allows tests, not training."""
    found = []
    for path in sorted((data / "sensors" / "mfpt").glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            recording = Recording(
                name=path.stem,
                samples=arrays["acc"].astype(np.float64),
                rate_hz=float(arrays["fs"]),
                machine=Machine(60 * float(arrays["shaft_hz"]), _MFPT_BEARING),
                truth=_MFPT_FAULTS[path.stem[:5]],
            )
        found.append(recording)
    return found


def femto(data: Path) -> list[Recording]:
    """Return the first and last snapshots of the FEMTO runs, end to end, one axis.

    Only the first are known to be healthy; what fails at the end, nobody has recorded.
    """
    found = []
    for path in sorted((data / "sensors" / "femto").glob("raw_*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            snapshots = arrays["acc"][:, :, 0] * float(arrays["acc_scale"])
            rpm = _FEMTO_RPM[path.stem.partition("Bearing")[2][0]]
        for name, part in (("first", snapshots[:20]), ("last", snapshots[-20:])):
            machine = Machine(rpm, _FEMTO_BEARING)
            truth = Verdict.UNKNOWN
            found.append(Recording(f"{path.stem} {name}", part.ravel(), 25_600.0, machine, truth))
    return found


def _cwru(folder: Path, sensor: str) -> Iterator[Recording]:
    for path in sorted(folder.glob("*.npz")):
        load, fault, *rest = path.stem.split("_")
        truth = _CWRU_FAULTS[fault.rstrip("0123456789")]
        size = "" if truth is Verdict.HEALTHY else rest[0]
        with np.load(path, allow_pickle=False) as arrays:
            machine = Machine(float(arrays["rpm"]), COMMON["6205"])
            rates = {sensor: float(arrays["fs"])}
            if f"{sensor}_48k" in arrays:
                rates[f"{sensor}_48k"] = float(arrays["fs_48k"])
            for key, rate_hz in rates.items():
                samples = arrays[key] * float(arrays[f"{key}_scale"])
                name = f"{path.stem} {key}"
                yield Recording(name, samples, rate_hz, machine, truth, load, size)
