"""Runs to failure and healthy stretches, as frames of the device."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge_agent.core.features import extract
from edge_agent.core.records import NS_PER_S, Block, Reading, TimeQuality
from edge_agent.core.site import Caps, WindowSpec
from edge_agent.core.windowing import Windower
from quantize.sensor_series import Values, nab, nanoseconds, skab, skab_file

Shown = tuple[int, int, dict[str, float]]  # start, end and signals of a window

EPOCH_NS = 1_600_000_000 * NS_PER_S  # of recordings that do not say when they were made
FEMTO_HZ = 25_600.0
FEMTO_S, IMS_S, NAB_S = 10, 600, 300  # between snapshots or values: windows that hold one of them
DEFAULT_S = (10, 5)  # length and hop of the device's windows
HYDRAULIC_GOOD = {"cooler": 100, "valve": 100, "pump_leak": 0, "accumulator": 130, "unstable": 0}


@dataclass(frozen=True, slots=True)
class Run:
    """The frames of one recording, in order of time; ``faulty`` says which are not healthy."""

    source: str
    file: str
    frames: list[Shown]
    faulty: list[bool]

    def first(self, count: int) -> "Run":
        """Return the first frames alone."""
        return replace(self, frames=self.frames[:count], faulty=self.faulty[:count])

    def learning_ns(self, count: int) -> int:
        """Return the time that the first ``count`` frames take."""
        return self.frames[count][1] - self.frames[0][0]


def runs_to_failure(sensors: Path) -> Iterator[Run]:
    """Yield the shared runs: blocks where waveforms are at hand, else features a snapshot."""
    raw = {path.stem.removeprefix("raw_"): path for path in sensors.glob("femto/raw_*.npz")}
    for path in sorted(sensors.glob("femto/features_*.npz")):
        name = path.stem.removeprefix("features_")
        if name in raw:
            frames = list(_blocks(raw[name]))
            yield Run("femto, waveform blocks", name, frames, [False] * len(frames))
            continue
        with np.load(path, allow_pickle=False) as data:
            kinds = ("rms", "kurtosis", "peak")
            values = np.concatenate([data[kind].astype(np.float64) for kind in kinds], axis=1)
        channels = tuple(f"{axis} {kind}" for kind in kinds for axis in ("horizontal", "vertical"))
        at_ns = EPOCH_NS + np.arange(len(values)) * FEMTO_S * NS_PER_S
        frames = list(frames_of(channels, at_ns, values, FEMTO_S))
        yield Run("femto, features", name, frames, [False] * len(frames))
    for path in sorted(sensors.glob("ims_meanabs/*.csv")):
        with path.open() as lines:
            rows = list(csv.DictReader(lines))
        channels = tuple(rows[0])[1:]
        at_ns = np.array([nanoseconds(row["time"]) for row in rows], dtype=np.int64)
        values = np.array([[float(row[channel]) for channel in channels] for row in rows])
        frames = list(frames_of(channels, at_ns, values, IMS_S))
        yield Run("ims, mean magnitude", path.stem, frames, [False] * len(frames))


def hydraulic(sensors: Path) -> Run:
    """Return the hydraulic rig's cycles, good ones first, as they came within either kind.

    All its parts are as good as new in ten minutes of 23 hours: windows have to be short.
    """
    with np.load(sensors / "hydraulic" / "hydraulic_1hz.npz", allow_pickle=False) as data:
        x, channels = data["x"].astype(np.float64), tuple(map(str, data["channels"]))
        good = np.logical_and.reduce([data[name] == v for name, v in HYDRAULIC_GOOD.items()])
    order = np.concatenate((np.flatnonzero(good), np.flatnonzero(~good)))
    seconds = x[order].reshape(-1, len(channels))
    at_ns = EPOCH_NS + np.arange(len(seconds)) * NS_PER_S
    frames = list(frames_of(channels, at_ns, seconds, *DEFAULT_S))
    good_until_ns = EPOCH_NS + int(good.sum()) * x.shape[1] * NS_PER_S
    return Run("hydraulic", "1 Hz", frames, [end_ns > good_until_ns for _, end_ns, _ in frames])


def motor_current(sensors: Path) -> Iterator[Run]:
    """Yield, by class of winding fault, healthy recordings followed by those of the class.

    Values are RMS of 50 ms a phase, a frame is half a second; a frame is faulty where the switched
    short was on.
    """
    with np.load(sensors / "itsc" / "motor_current.npz", allow_pickle=False) as data:
        current, labels = data["current"].astype(np.float64), data["label"]
        begins, ends = data["fault_from"], data["fault_to"]
    rms = np.sqrt((current.reshape(len(current), -1, 50, 3) ** 2).mean(axis=2))
    healthy = [i for i, label in enumerate(labels) if label == "SC_HLT"]
    for label in sorted(set(labels.tolist()) - {"SC_HLT"}):
        order = [*healthy * 3, *[i for i, other in enumerate(labels) if other == label]]
        values = np.concatenate([rms[i] for i in order])
        at_ns = EPOCH_NS + np.arange(len(values)) * NS_PER_S  # 50 ms told as a second
        frames = list(frames_of(("A", "B", "C"), at_ns, values, 10))
        on = [
            begins[i] >= 0 and begins[i] < (k + 1) * 500 and ends[i] > k * 500
            for i in order
            for k in range(10)
        ]
        yield Run("itsc", label, frames, [bool(o) for o in on[: len(frames)]])


def anomaly_free(sensors: Path) -> Run:
    """Return SKAB's long healthy recording."""
    recording = skab_file(sensors / "skab" / "anomaly-free" / "anomaly-free.csv")
    frames = list(frames_of(recording.channels, recording.at_ns, recording.values, *DEFAULT_S))
    return Run("skab", "anomaly-free", frames, [False] * len(frames))


def before_faults(sensors: Path) -> Iterator[Run]:
    """Yield what SKAB's labelled recordings show before their fault is switched on."""
    for recording in skab(sensors):
        until = int(np.argmax(recording.faulty))
        shown = recording.at_ns[:until], recording.values[:until]
        frames = list(frames_of(recording.channels, *shown, *DEFAULT_S))
        yield Run("skab", recording.file, frames, [False] * len(frames))


def switched_faults(sensors: Path) -> Iterator[Run]:
    """Yield SKAB's labelled recordings; frames are faulty that touch a labelled row."""
    for recording in skab(sensors):
        frames = list(frames_of(recording.channels, recording.at_ns, recording.values, *DEFAULT_S))
        bad_ns = recording.at_ns[recording.faulty]
        first = np.searchsorted(bad_ns, [start_ns for start_ns, *_ in frames])
        last = np.searchsorted(bad_ns, [end_ns for _, end_ns, _ in frames])
        yield Run("skab", recording.file, frames, (last > first).tolist())


def machine_temperature(sensors: Path) -> Run:
    """Return NAB's machine temperature; frames are faulty that touch a labelled window."""
    recording, labelled = nab(sensors)
    frames = list(frames_of(recording.channels, recording.at_ns, recording.values, NAB_S))
    faulty = [any(a < end and b > start for start, end in labelled) for a, b, _ in frames]
    return Run("nab", recording.file, frames, faulty)


def frames_of(
    channels: tuple[str, ...],
    at_ns: np.ndarray,
    values: Values,
    length_s: int,
    hop_s: int | None = None,
) -> Iterator[Shown]:
    """Yield start, end and signals of every window of process values, cut as on the device."""
    windower = _windower(length_s, hop_s or length_s)
    for at, row in zip(at_ns.tolist(), values.tolist(), strict=True):
        for channel, value in zip(channels, row, strict=True):
            windower.push(Reading("asset", channel, at, value, TimeQuality.SOURCE))
        for frame in windower.close(at):
            yield frame.start_ns, frame.end_ns, extract(frame)


def _blocks(path: Path) -> Iterator[Shown]:
    """Yield the frames of a raw run: a block of both axes every ten seconds."""
    with np.load(path, allow_pickle=False) as data:
        acc, scale = data["acc"], np.float32(data["acc_scale"])
    windower = _windower(FEMTO_S, FEMTO_S)
    for number, snapshot in enumerate(acc):
        start_ns = EPOCH_NS + number * FEMTO_S * NS_PER_S
        for axis, channel in enumerate(("horizontal", "vertical")):
            samples = np.ascontiguousarray(snapshot[:, axis] * scale)
            windower.push(Block("asset", channel, start_ns, FEMTO_HZ, samples, TimeQuality.SOURCE))
        for frame in windower.close(start_ns + FEMTO_S * NS_PER_S):
            yield frame.start_ns, frame.end_ns, extract(frame)


def _windower(length_s: int, hop_s: int) -> Windower:
    spec = WindowSpec(length_s * NS_PER_S, hop_s * NS_PER_S, lateness_ns=0)
    return Windower("asset", spec, Caps())
