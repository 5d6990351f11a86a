"""How often the diagnosis names the fault of real bearings: the table behind its claims.

The limits of the diagnosis come from simulated noise; its make (log envelope, weights of the bands,
harmonics of each part) was chosen on the Case Western recordings at 1 hp and 7, 14 and 21 mil.  The
other loads, and all of MFPT, were looked at but nothing was fitted to them.  A window is right when
the verdict is the seeded fault's; "unknown" counts as wrong.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.bearings import COMMON, Bearing
from edge_agent.core.diagnosis import Machine, Verdict
from edge_agent.core.spectra import diagnose
from quantize.errors import QuantizeError

_TUNED_LOAD = "1hp"
_WINDOWS_S = (0.5, 1.0, 2.0)
_CWRU_FAULTS = {
    "IR": Verdict.INNER_RACE,
    "OR": Verdict.OUTER_RACE,
    "B_": Verdict.BALL,
    "No": Verdict.HEALTHY,
}
_MFPT_FAULTS = {"Inner": Verdict.INNER_RACE, "Outer": Verdict.OUTER_RACE}
_MFPT_BEARING = Bearing.of_geometry(elements=8, element_mm=0.235, pitch_mm=1.245)


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of acceleration in g, with what is wrong with its bearing."""

    name: str
    group: str
    samples: NDArray[np.float64]
    rate_hz: float
    machine: Machine
    truth: Verdict

    def verdicts(self, window_s: float) -> Counter[Verdict]:
        """Return what each whole window of this length was named."""
        size = round(window_s * self.rate_hz)
        starts = range(0, self.samples.size - size + 1, size)
        windows = (self.samples[start : start + size] for start in starts)
        return Counter(diagnose(w, self.rate_hz, self.machine).verdict for w in windows)


def evaluate(data: Path) -> None:
    """Print the verdicts per recording, and the share that is right per group of recordings.

    Args:
        data: The folder that holds ``sensors/cwru`` and ``sensors/mfpt``.

    Raises:
        QuantizeError: Neither is there.
    """
    recordings = [*_cwru(data / "sensors" / "cwru"), *_mfpt(data / "sensors" / "mfpt")]
    if not recordings:
        raise QuantizeError(f"no recordings in {data}/sensors/cwru or {data}/sensors/mfpt")
    for window_s in _WINDOWS_S:
        print(f"\nwindows of {window_s:g} s\n{'recording':28}{'right':>7}  verdicts")
        tally: dict[str, list[tuple[int, int]]] = {}
        for recording in recordings:
            verdicts = recording.verdicts(window_s)
            right, count = verdicts[recording.truth], verdicts.total()
            named = ", ".join(f"{verdict} {n}" for verdict, n in verdicts.most_common())
            print(f"{recording.name:28}{_percent(right, count)}  {named}")
            for group in (recording.group, f"{recording.group}, {recording.truth}"):
                tally.setdefault(group, []).append((right, count))
        print()
        for group, counts in sorted(tally.items()):
            right, count = (sum(column) for column in zip(*counts, strict=True))
            print(f"{group:44}{_percent(right, count)}  of {count} in {len(counts)} recordings")


def _percent(right: int, count: int) -> str:
    return f"{100 * right / count:6.1f}%" if count else "      -"


def _cwru(folder: Path) -> Iterator[Recording]:
    """Yield the drive-end recordings; a healthy one was only made without load."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            load, _, fault = path.stem.partition("_")
            truth = _CWRU_FAULTS[fault[:2]]
            group = "cwru tuned on" if load == _TUNED_LOAD else "cwru other loads"
            machine = Machine(float(arrays["rpm"]), COMMON["6205"])
            rates = {"DE": float(arrays["fs"])}
            if "DE_48k" in arrays:
                rates["DE_48k"] = float(arrays["fs_48k"])
            for key, rate_hz in rates.items():
                samples = arrays[key] * float(arrays[f"{key}_scale"])
                name = f"cwru {path.stem} {key}"
                yield Recording(name, group, samples, rate_hz, machine, truth)


def _mfpt(folder: Path) -> Iterator[Recording]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            machine = Machine(60 * float(arrays["shaft_hz"]), _MFPT_BEARING)
            yield Recording(
                name=f"mfpt {path.stem}",
                group="mfpt",
                samples=arrays["acc"].astype(np.float64),
                rate_hz=float(arrays["fs"]),
                machine=machine,
                truth=_MFPT_FAULTS[path.stem[:5]],
            )
