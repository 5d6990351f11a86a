"""How well faulty sensors are told from faulty machines: ``quantize evaluate-sensor-faults``.

Recordings go through the device's own windows and its watch over sensors, with default constants.
Three questions: how many injected sensor faults are found, and when; how many are claimed where no
sensor is faulty; how much of a machine's fault is taken for a sensor's and so hidden.
"""

import csv
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge_agent.core.quantities import nature_of
from edge_agent.core.records import NS_PER_S, Frame, Reading, TimeQuality
from edge_agent.core.sensorfault import SensorFault
from edge_agent.core.sensorwatch import Sensors, SensorWatch
from edge_agent.core.site import Caps, WindowSpec
from edge_agent.core.windowing import Windower
from quantize.errors import QuantizeError
from quantize.inject_faults import FAULTS, Fault, Values, injected
from quantize.sensor_series import SKAB_COMMISSIONING_ROWS, Recording, nab, skab
from quantize.waveform_sensors import hidden_rows, injected_rows

DAY_NS = 86_400 * NS_PER_S
_ROWS_TO_FIND = 120  # after which an injected fault counts as missed
_ROWS_BEFORE = 1600  # commissioning included
_HEALTHY_PART = 0.5  # of a run to failure
_SKAB_EVERY = 4  # recordings into which faults are injected: one in so many
_FREE_ROWS, _HYDRAULIC_ROWS = 3000, 3 * 3600


@dataclass(frozen=True, slots=True)
class Set:
    """Recordings of one kind with the windows and the commissioning that suit them.

    Rows from ``commissioning`` on are watched; ``healthy`` ends where a fault may begin.
    """

    name: str
    recording: Recording
    window_s: int
    hop_s: int
    commissioning: int
    healthy: int
    judged: int = 0  # rows in which claims are false but for those that are labelled


@dataclass(slots=True)
class Tally:
    """What became of the injected faults of one kind."""

    injected: int = 0
    found: int = 0
    named: int = 0
    delays: list[int] | None = None


def evaluate(data: Path) -> None:
    """Print the tables.

    Args:
        data: The folder that holds ``sensors``.

    Raises:
        QuantizeError: It holds no recordings.
    """
    if not (data / "sensors" / "skab").is_dir():
        raise QuantizeError(f"no recordings in {data}/sensors")
    sets = list(_sets(data / "sensors"))
    print(_detection_table([s for s in sets if s.name in _INJECTED]))
    print(_false_table(sets))
    print(_hidden_table(sets))
    heads = ("injected into waveforms", "blocks", "found")
    print(_markdown("Faulty accelerometers", heads, injected_rows(data / "sensors")))
    heads = ("waveforms of machine faults", "blocks", "taken for a faulty sensor's")
    print(_markdown("Waveforms of machine faults", heads, hidden_rows(data / "sensors")))
    print(_cost_table())


_INJECTED = ("SKAB", "SKAB anomaly-free", "hydraulic", "NAB")


def _watched(given: Set, table: Values) -> Iterator[tuple[Frame, Sensors]]:
    """Yield every window of a recording with what its sensors are worth, as on the device."""
    at_ns = given.recording.at_ns
    spec = WindowSpec(given.window_s * NS_PER_S, given.hop_s * NS_PER_S, lateness_ns=0)
    windower = Windower("asset", spec, Caps())
    watch = SensorWatch(int(at_ns[given.commissioning] - at_ns[0]), {}, Caps().channels)
    for now_ns, row in zip(at_ns.tolist(), table.tolist(), strict=False):
        for channel, value in zip(given.recording.channels, row, strict=True):
            if value == value:  # noqa: PLR0124  (NaN: the sample was lost)
                windower.push(Reading("asset", channel, now_ns, value, TimeQuality.SOURCE))
        for frame in windower.close(now_ns):
            yield frame, watch.observe(frame)


def _detection_table(sets: Sequence[Set]) -> str:
    rng = np.random.default_rng(0)
    tallies = {fault.name: Tally(delays=[]) for fault in FAULTS}
    for given, row in map(_around_fault, sets):
        table = given.recording.values
        for index, channel in enumerate(given.recording.channels):
            for fault in FAULTS:
                if fault.thermal_only and not nature_of(channel, {}).thermal:
                    continue
                if _changes_nothing(fault, table, index, row, rng):
                    continue
                shown = injected(table, index, row, fault, rng)
                first = _first_claim(given, shown, channel, row)
                _count(tallies[fault.name], fault, first, given, row)
    rows = []
    for name, tally in tallies.items():
        delays = np.array(tally.delays)
        later = [f"{np.quantile(delays, q):.0f}" if len(delays) else "-" for q in (0.5, 0.9)]
        rows.append(
            (
                name,
                str(tally.injected),
                _share(tally.found, tally.injected),
                _share(tally.named, tally.injected),
                *later,
            )
        )
    heads = ("injected fault", "channels", "found", "named", "delay, median [rows]", "90 % [rows]")
    return _markdown("Injected sensor faults", heads, rows)


def _around_fault(given: Set) -> tuple[Set, int]:
    """Return the rows around the time of the fault, and its row: long recordings take minutes."""
    row = given.commissioning + (given.healthy - given.commissioning) // 3
    first = max(0, row - _ROWS_BEFORE)
    rows = slice(first, min(given.healthy, row + _ROWS_TO_FIND))
    whole = given.recording
    part = Recording(
        whole.file, whole.channels, whole.at_ns[rows], whole.values[rows], whole.faulty[rows]
    )
    commissioning = max(given.commissioning - first, (row - first) * 3 // 4)
    return replace(given, recording=part, commissioning=commissioning), row - first


def _changes_nothing(
    fault: Fault, table: Values, index: int, row: int, rng: np.random.Generator
) -> bool:
    """Return whether the channel shows next to nothing of the fault, as one that is constant."""
    before = table[:row, index]
    shown = injected(table, index, row, fault, rng)[row:, index]
    return bool(before.min() == before.max()) or np.array_equal(shown, table[row:, index])


def _first_claim(
    given: Set, shown: Values, channel: str, row: int
) -> tuple[SensorFault, int] | None:
    """Return the first fault of the channel after ``row`` and when it was told."""
    began_ns = int(given.recording.at_ns[row])
    for frame, sensors in _watched(given, shown):
        if frame.end_ns <= began_ns:
            continue
        for fault in sensors.faults:
            if fault.channel == channel:
                return fault, frame.end_ns
    return None


def _count(
    tally: Tally, fault: Fault, first: tuple[SensorFault, int] | None, given: Set, row: int
) -> None:
    tally.injected += 1
    if first is None or tally.delays is None:
        return
    claim, told_ns = first
    tally.found += 1
    tally.named += claim.kind in fault.expected
    at_ns = given.recording.at_ns
    tally.delays.append(int(np.searchsorted(at_ns, told_ns)) - row)


def _false_table(sets: Sequence[Set]) -> str:
    rows = []
    for name in dict.fromkeys(given.name for given in sets):
        days, claims = 0.0, []
        masked = windows = 0
        for given in sets:
            if given.name != name:
                continue
            at_ns, channels = given.recording.at_ns, given.recording.channels
            end = given.judged or given.healthy
            watched_ns = int(at_ns[end - 1] - at_ns[given.commissioning])
            days += len(channels) * watched_ns / DAY_NS
            standing: set[tuple[str, str]] = set()
            for frame, sensors in _watched(given, given.recording.values[:end]):
                present = {(fault.channel, fault.kind.value) for fault in sensors.faults}
                inside = (at_ns >= frame.start_ns) & (at_ns < frame.end_ns)
                if not given.recording.faulty[inside].any():
                    claims += sorted(present - standing)
                standing = present
                if frame.end_ns > at_ns[given.commissioning]:
                    masked += len(sensors.masked)
                    windows += len(channels)
        told = ", ".join(f"{channel} {kind}" for channel, kind in sorted(set(claims))[:4]) or "-"
        rows.append(
            (
                name,
                f"{days:.1f}",
                str(len(claims)),
                f"{len(claims) / days:.2f}",
                f"{100 * masked / max(1, windows):.2f} %",
                told,
            )
        )
    heads = (
        "healthy stretches",
        "channel-days",
        "false faults",
        "per channel-day",
        "channel-windows masked",
        "which",
    )
    return _markdown("Sensor faults claimed where no sensor is faulty", heads, rows)


def _hidden_table(sets: Sequence[Set]) -> str:
    rows = []
    for name in dict.fromkeys(given.name for given in sets):
        masked = windows = hit = frames = 0
        for given in sets:
            recording = given.recording
            if given.name != name or not recording.faulty[given.commissioning :].any():
                continue
            for frame, sensors in _watched(given, recording.values):
                inside = (recording.at_ns >= frame.start_ns) & (recording.at_ns < frame.end_ns)
                if frame.start_ns < recording.at_ns[given.commissioning]:
                    continue
                if recording.faulty[inside].any():
                    frames += 1
                    hit += bool(sensors.masked)
                    masked += len(sensors.masked)
                    windows += len(recording.channels)
        if frames:
            rows.append((name, str(frames), str(hit), f"{100 * masked / windows:.2f} %"))
    heads = ("machine faults", "windows", "with a masked channel", "channel-windows masked")
    return _markdown("Machine faults hidden as sensor faults", heads, rows)


def _cost_table() -> str:
    """Return the CPU time of the watch over 8 channels, 10 s windows every 5 s at 1 Hz."""
    rng = np.random.default_rng(0)
    rows = 2000
    at_ns = np.arange(rows, dtype=np.int64) * NS_PER_S
    spec = WindowSpec(10 * NS_PER_S, 5 * NS_PER_S, lateness_ns=0)
    windower, frames = Windower("asset", spec, Caps()), []
    for now_ns, row in zip(at_ns.tolist(), rng.normal(size=(rows, 8)).tolist(), strict=True):
        for channel, value in enumerate(row):
            windower.push(Reading("asset", f"c{channel}", now_ns, value, TimeQuality.SOURCE))
        frames += windower.close(now_ns)
    watch = SensorWatch(300 * NS_PER_S, {}, Caps().channels)
    cost_ns = []
    for frame in frames:
        began = time.process_time_ns()
        watch.observe(frame)
        cost_ns.append(time.process_time_ns() - began)
    cost_us = float(np.median(cost_ns[-200:])) / 1000
    heads = ("channels", "new samples of each", "CPU time a window [us]")
    return _markdown("Cost of the watch, this machine", heads, [("8", "5", f"{cost_us:.0f}")])


def _sets(sensors: Path) -> Iterator[Set]:
    """Yield every recording that can be watched; those of run-to-failure up to half of life."""
    for number, recording in enumerate(skab(sensors)):
        healthy = int(np.argmax(recording.faulty))
        name = "SKAB" if number % _SKAB_EVERY == 0 else "SKAB, others"
        yield Set(name, recording, 10, 5, SKAB_COMMISSIONING_ROWS, healthy)
    yield _anomaly_free(sensors)
    yield _hydraulic(sensors)
    recording, _ = nab(sensors)
    first, rows = int(np.argmax(recording.faulty)), len(recording.values)
    yield Set("NAB", recording, 1800, 900, 2016, first, rows)
    yield from _femto(sensors)
    yield from _ims(sensors)


def _plain(name: str, channels: tuple[str, ...], step_s: float, values: Values) -> Recording:
    at_ns = (np.arange(len(values)) * step_s * NS_PER_S).astype(np.int64)
    return Recording(name, channels, at_ns, values, np.zeros(len(values), dtype=np.bool_))


def _anomaly_free(sensors: Path) -> Set:
    with (sensors / "skab" / "anomaly-free" / "anomaly-free.csv").open() as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    channels = tuple(name for name in rows[0] if name != "datetime")
    values = np.array([[float(row[name]) for name in channels] for row in rows])
    recording = _plain("anomaly-free", channels, 1.0, values)
    return Set("SKAB anomaly-free", recording, 10, 5, _FREE_ROWS, len(values))


def _hydraulic(sensors: Path) -> Set:
    """Return the rig second by second; its machine faults are set from the start and stay."""
    with np.load(sensors / "hydraulic" / "hydraulic_1hz.npz", allow_pickle=False) as arrays:
        values, channels = arrays["x"].astype(np.float64), arrays["channels"]
    table = values.reshape(-1, values.shape[2])[: 8 * 3600]
    recording = _plain("hydraulic", tuple(map(str, channels)), 1.0, table)
    return Set("hydraulic", recording, 10, 5, _HYDRAULIC_ROWS, len(table))


def _femto(sensors: Path) -> Iterator[Set]:
    for path in sorted(sensors.glob("femto/features_*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            values = arrays["rms"].astype(np.float64)
        recording = _plain(path.stem, ("vibration_h", "vibration_v"), 10.0, values)
        yield _run(recording, "FEMTO", 60)


def _ims(sensors: Path) -> Iterator[Set]:
    for path in sorted(sensors.glob("ims_meanabs/*.csv")):
        with path.open() as lines:
            rows = list(csv.DictReader(lines))
        channels = tuple(list(rows[0])[1:])
        values = np.array([[float(row[name]) for name in channels] for row in rows])
        yield _run(_plain(path.stem, channels, 600.0, values), "IMS", 3600)


def _run(recording: Recording, name: str, window_s: int) -> Set:
    """Return a run to failure, of which the last tenth counts as the machine's fault."""
    rows = len(recording.values)
    faulty = np.arange(rows) >= rows - rows // 10
    labelled = Recording(
        recording.file, recording.channels, recording.at_ns, recording.values, faulty
    )
    return Set(name, labelled, window_s, window_s, rows // 5, int(rows * _HEALTHY_PART))


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _markdown(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{title}\n\n{body}\n"
