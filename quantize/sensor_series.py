"""Real recordings of process values, as named series, split by file.

What may ship inside weights (NAB and ITSC, both MIT) is apart from what only measures them: the
licences of the other sets do not allow more, or are not stated.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# NAB's file holds four labelled windows.  Training ends a week before the third, so that two
# failures and the weeks around them stay unseen.
NAB_FILE = "machine_temperature_system_failure.csv"
NAB_TRAINED_UNTIL = "2014-01-20 00:00:00"
ITSC_RMS_SAMPLES = 50  # three cycles of the 60 Hz supply at 1 kHz
ITSC_HELD_OUT_REPETITION = 3
SKAB_COMMISSIONING_ROWS = 400
NAB_COMMISSIONING_DAYS = 7
HEALTHY_PART = 0.5  # of a run to failure: what serves to measure forecasts of healthy machines


@dataclass(frozen=True, slots=True)
class Series:
    """One channel of one recording; ``values`` has shape ``(n,)`` and is evenly spaced."""

    source: str
    file: str
    channel: str
    values: Values


@dataclass(frozen=True, slots=True)
class Recording:
    """A labelled recording, to be scored as the device would score it.

    ``at_ns`` has shape ``(n,)``; ``values`` ``(n, channels)``; ``faulty`` ``(n,)`` booleans.
    """

    file: str
    channels: tuple[str, ...]
    at_ns: NDArray[np.int64]
    values: Values
    faulty: NDArray[np.bool_]


def training_series(sensors: Path) -> list[Series]:
    """Return the real series that shipped weights may be trained on, NaN where they are faulty."""
    recording, _ = nab(sensors)
    trained = recording.at_ns < nanoseconds(NAB_TRAINED_UNTIL)
    healthy = np.where(recording.faulty, np.nan, recording.values[:, 0])
    series = [Series("nab", NAB_FILE, "temperature", healthy[trained])]
    return series + [s for held_out, s in _itsc(sensors) if not held_out]


def held_out_series(sensors: Path) -> list[Series]:
    """Return series of files, machines and plants that no weight was fitted to."""
    at_ns, values = _nab(sensors)
    unseen = at_ns >= nanoseconds(NAB_TRAINED_UNTIL)
    return [
        Series("nab", NAB_FILE, "temperature", values[unseen]),
        *(s for held_out, s in _itsc(sensors) if held_out),
        *_femto(sensors),
        *_ims(sensors),
        *_hydraulic(sensors),
        *_skab_healthy(sensors),
    ]


def skab(sensors: Path) -> list[Recording]:
    """Return SKAB's shared recordings with an anomaly column, in order of name."""
    files = sorted(sensors.glob("skab/valve1/*.csv")) + sorted(sensors.glob("skab/other/*.csv"))
    return [skab_file(path) for path in files]


def nab(sensors: Path) -> tuple[Recording, list[tuple[int, int]]]:
    """Return NAB's machine temperature and its labelled windows, in nanoseconds."""
    at_ns, values = _nab(sensors)
    labels = json.loads((sensors / "nab" / "windows.json").read_text())[NAB_FILE]["windows"]
    windows = [(nanoseconds(start), nanoseconds(end)) for start, end in labels]
    faulty = np.zeros(len(at_ns), dtype=np.bool_)
    for start, end in windows:
        faulty |= (at_ns >= start) & (at_ns <= end)
    return Recording(NAB_FILE, ("temperature",), at_ns, values[:, None], faulty), windows


def nanoseconds(text: str) -> int:
    """Return a time without zone, read as UTC, in nanoseconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def _nab(sensors: Path) -> tuple[NDArray[np.int64], Values]:
    """Return times and values; the hour that the file repeats is dropped the second time."""
    with (sensors / "nab" / NAB_FILE).open() as lines:
        rows = [
            (nanoseconds(row["timestamp"]), float(row["value"])) for row in csv.DictReader(lines)
        ]
    kept, latest = [], -1
    for at_ns, value in rows:
        if at_ns > latest:
            kept.append((at_ns, value))
            latest = at_ns
    return np.array([at for at, _ in kept], dtype=np.int64), np.array([v for _, v in kept])


def _itsc(sensors: Path) -> Iterator[tuple[bool, Series]]:
    """Yield whether it is held out, and the RMS series of each phase current."""
    with np.load(sensors / "itsc" / "motor_current.npz", allow_pickle=False) as data:
        current, labels, repetitions = data["current"], data["label"], data["rep"]
    for recording, label, repetition in zip(current, labels, repetitions, strict=True):
        pieces = recording.astype(np.float64).reshape(-1, ITSC_RMS_SAMPLES, 3)
        rms = np.sqrt((pieces**2).mean(axis=1))
        for phase in range(3):
            name = f"{label}_{repetition}"
            held_out = int(repetition) == ITSC_HELD_OUT_REPETITION
            yield held_out, Series("itsc", name, "ABC"[phase], rms[:, phase])


def _femto(sensors: Path) -> Iterator[Series]:
    for path in sorted(sensors.glob("femto/features_*.npz")):
        with np.load(path, allow_pickle=False) as data:
            rms = data["rms"].astype(np.float64)
        healthy = rms[: int(len(rms) * HEALTHY_PART)]
        for axis, name in enumerate(("horizontal", "vertical")):
            yield Series("femto", path.stem, name, healthy[:, axis])


def _ims(sensors: Path) -> Iterator[Series]:
    for path in sorted(sensors.glob("ims_meanabs/*.csv")):
        with path.open() as lines:
            rows = list(csv.DictReader(lines))
        for channel in list(rows[0])[1:]:
            values = np.array([float(row[channel]) for row in rows])
            yield Series("ims", path.stem, channel, values[: int(len(values) * HEALTHY_PART)])


def _hydraulic(sensors: Path) -> Iterator[Series]:
    """Yield the channels of the rig second by second, cycle after cycle, from the first hour."""
    with np.load(sensors / "hydraulic" / "hydraulic_1hz.npz", allow_pickle=False) as data:
        values, channels = data["x"].astype(np.float64), data["channels"]
    rows = values.reshape(-1, values.shape[2])[: 3600 * 4]
    for index, channel in enumerate(channels):
        # Ten seconds a frame, as the agent's default window.
        yield Series(
            "hydraulic", "hydraulic_1hz", str(channel), rows[:, index].reshape(-1, 10).mean(axis=1)
        )


def _skab_healthy(sensors: Path) -> Iterator[Series]:
    for recording in skab(sensors):
        before = recording.values[: int(np.argmax(recording.faulty))]
        for index, channel in enumerate(recording.channels):
            yield Series("skab", recording.file, channel, before[:, index])


def skab_file(path: Path) -> Recording:
    """Return one of SKAB's files."""
    with path.open() as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    channels = tuple(name for name in rows[0] if name not in {"datetime", "anomaly", "changepoint"})
    return Recording(
        file=f"{path.parent.name}/{path.name}",
        channels=channels,
        at_ns=np.array([nanoseconds(row["datetime"]) for row in rows], dtype=np.int64),
        values=np.array([[float(row[name]) for name in channels] for row in rows]),
        faulty=np.array([float(row.get("anomaly", 0)) > 0 for row in rows]),
    )
