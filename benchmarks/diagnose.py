"""What a diagnosis costs: one block of 1 s at 25.6 kHz, in process, one thread.

The variants take turns, so that what else the machine does falls on all of them alike; CPU time is
counted, and medians are printed.

    OMP_NUM_THREADS=1 python benchmarks/diagnose.py [--runs 200]
"""

import argparse
import statistics
import time

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.bearings import COMMON
from edge_agent.core.diagnosis import Machine, Verdict
from edge_agent.core.spectra import diagnose

RATE_HZ = 25_600.0
SHAFT_HZ = 24.7
FAST_HZ = 75.3  # whose bearing needs another envelope than one nobody has named
RESONANCE_HZ = 3_200.0
BEARING = COMMON["6205"]


def machines(shaft_hz: float) -> dict[str, Machine]:
    """Return what may be known of one machine."""
    return {
        "speed and bearing known": Machine(60 * shaft_hz, BEARING),
        "speed estimated": Machine(None, BEARING),
        "neither known": Machine(None, None),
    }


def main() -> None:
    """Time every variant in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    blocks = {
        "outer race": _struck(SHAFT_HZ),
        "outer race, 4518 rpm": _struck(FAST_HZ),
        "quiet": _noise(),
    }
    taken: dict[tuple[str, str], list[float]] = {}
    said: dict[tuple[str, str], Verdict] = {}
    for _ in range(runs):
        for block, samples in blocks.items():
            for name, machine in machines(FAST_HZ if "4518" in block else SHAFT_HZ).items():
                began = time.process_time_ns()
                said[block, name] = diagnose(samples, RATE_HZ, machine).verdict
                taken.setdefault((block, name), []).append(time.process_time_ns() - began)
    print(f"1 s at {RATE_HZ:g} Hz, {runs} runs in turn, CPU time of one thread\n")
    print("| block | machine | verdict | median | 9 of 10 below |")
    print("|---|---|---|---|---|")
    for (block, name), times in taken.items():
        median, most = statistics.median(times), statistics.quantiles(times, n=10)[-1]
        verdict = said[block, name]
        print(f"| {block} | {name} | {verdict} | {median / 1e6:.2f} ms | {most / 1e6:.2f} ms |")


def _noise() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(0.0, 0.05, round(RATE_HZ))


def _struck(shaft_hz: float) -> NDArray[np.float64]:
    """Return noise with a ringing of the structure at every pass of a spall on the outer race."""
    samples, at_s = _noise(), np.arange(round(RATE_HZ)) / RATE_HZ
    # Rolling elements slip: strikes in step with the shaft would be its tones.
    slips = 0.004 * np.sin(2 * np.pi * 1.7 * at_s) / (2 * np.pi * 1.7)
    age_s = (at_s + slips) % (1 / (BEARING.outer * shaft_hz))
    ringing = np.exp(-1200.0 * age_s) * np.sin(2 * np.pi * RESONANCE_HZ * age_s)
    turning = np.sin(2 * np.pi * shaft_hz * at_s) + 0.6 * np.sin(4 * np.pi * shaft_hz * at_s)
    return np.asarray(samples + 0.5 * ringing + 0.05 * turning)


if __name__ == "__main__":
    main()
