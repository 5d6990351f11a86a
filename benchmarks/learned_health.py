"""What it is worth that a machine's health is learned in commissioning, and what that costs.

The Case Western motor, as if it were commissioned: in health, by the first half of its healthy
recording, and with each of its faults.  Windows of 1 s overlap where a recording is short.

    OMP_NUM_THREADS=1 python benchmarks/learned_health.py --data ../shared/data
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.bearings import COMMON
from edge_agent.core.diagnosis import Machine, Verdict
from edge_agent.core.features import extract
from edge_agent.core.health_reference import HealthReference
from edge_agent.core.healthwatch import MOST_WINDOWS, HealthWatch
from edge_agent.core.learned_diagnosis import SHIPPED
from edge_agent.core.records import NS_PER_S, Frame, TimeQuality, Window
from edge_agent.core.site import WaveformSite
from edge_agent.core.spectra import diagnose

Samples = NDArray[np.float64]

RATE_HZ, SIZE = 12_000.0, 12_000  # 1 s
HEALTHY, HEALTHY_RPM = "0hp_Normal_first", 1797.0
WINDOWS = 20
BEARING = COMMON["6205"]
STRANGER = replace(SHIPPED, healths=())  # knows no machine of this make in health


def main() -> None:
    """Print a table by sensor, then bytes and milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data / "sensors" / "cwru"
    faults = sorted(path.stem for path in folder.glob("*.npz") if path.stem != HEALTHY)
    print("| sensor | reference | healthy blocks called so | faulty blocks called healthy |")
    print("|---|---|---|---|")
    for sensor in ("DE", "FE"):
        samples, _ = read(folder, HEALTHY, sensor)
        first, second = np.split(samples, 2)
        health = commissioned(blocks(first), HEALTHY_RPM).references["vib"]
        for name, known in (("none", None), ("learned", health)):
            sound = [said(block, HEALTHY_RPM, known) for block in blocks(second)]
            wrong = [
                said(block, rpm, known)
                for fault in faults
                for samples, rpm in [read(folder, fault, sensor)]
                for block in samples[: samples.size // SIZE * SIZE].reshape(-1, SIZE)
            ]
            print(
                f"| {sensor} | {name} | {sound.count(Verdict.HEALTHY)} of {len(sound)}"
                f" | {wrong.count(Verdict.HEALTHY)} of {len(wrong)} |"
            )
    print()
    for sensor in ("DE", "FE"):
        learned = []
        for fault in faults:
            samples, rpm = read(folder, fault, sensor)
            if commissioned(blocks(samples), rpm).references:
                learned.append(fault)
        print(f"{sensor}, commissioned with its fault: {len(learned)} of {len(faults)} learned")
        print(f"  {', '.join(learned) or 'none'}")
    print()
    cost()


def read(folder: Path, name: str, sensor: str) -> tuple[Samples, float]:
    """Return a recording in g and its speed in rpm."""
    with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
        rpm = float(file["rpm"]) if "rpm" in file else HEALTHY_RPM
        return file[sensor] * float(file[f"{sensor}_scale"]), rpm


def blocks(samples: Samples) -> list[Samples]:
    """Return windows of 1 s spread evenly over a recording, overlapping if need be."""
    starts = np.linspace(0, samples.size - SIZE, WINDOWS).astype(int)
    return [samples[start : start + SIZE] for start in starts]


def said(block: Samples, rpm: float, health: HealthReference | None) -> Verdict:
    """Return the verdict on a block."""
    return diagnose(block, RATE_HZ, Machine(rpm, BEARING, health=health), STRANGER).verdict


def commissioned(windows: list[Samples], rpm: float, rate_hz: float = RATE_HZ) -> HealthWatch:
    """Return a watch that was commissioned by all but the last of these windows."""
    site = WaveformSite(bearing=BEARING, speed_rpm=rpm)
    watch = HealthWatch({"vib": site}, (len(windows) - 1) * NS_PER_S)
    for second, samples in enumerate(windows):
        shown = frame(samples, second, rate_hz)
        watch.learn(shown, extract(shown), quiet=True)
    return watch


def frame(samples: Samples, second: int, rate_hz: float) -> Frame:
    """Return the frame of one channel that begins at ``second``."""
    start_ns, end_ns = second * NS_PER_S, (second + 1) * NS_PER_S
    at_ns = start_ns + np.round(np.arange(samples.size) * NS_PER_S / rate_hz).astype(np.int64)
    values = samples.astype(np.float32)
    window = Window("motor", "vib", start_ns, end_ns, at_ns, values, rate_hz)
    return Frame("motor", start_ns, end_ns, {"vib": window}, TimeQuality.SOURCE)


def cost() -> None:
    """Print the bytes in a snapshot, and the CPU time of a window before and after freezing."""
    rate_hz, windows = 25_600.0, MOST_WINDOWS + 1
    random = np.random.default_rng(0)
    made = [random.normal(0.0, 0.05, round(rate_hz)) for _ in range(windows)]
    watch = HealthWatch(
        {"vib": WaveformSite(bearing=BEARING, speed_rpm=1482.0)}, (windows - 1) * NS_PER_S
    )
    taken, most_bytes = [], 0
    for second, samples in enumerate(made):
        shown = frame(samples, second, rate_hz)
        signals = extract(shown)
        began = time.process_time_ns()
        watch.learn(shown, signals, quiet=True)
        taken.append(time.process_time_ns() - began)
        most_bytes = max(most_bytes, len(json.dumps(watch.snapshot())))
    shown = frame(made[0], windows, rate_hz)
    began = time.process_time_ns()
    for _ in range(1000):
        watch.learn(shown, signals, quiet=True)
    after_us = (time.process_time_ns() - began) / 1e6
    frozen_bytes = len(json.dumps(watch.snapshot()))
    print(f"snapshot: {most_bytes} bytes at most while learning, {frozen_bytes} bytes afterwards")
    print(f"CPU: {statistics.median(taken) / 1e6:.1f} ms a window, {after_us:.1f} µs afterwards")


if __name__ == "__main__":
    main()
