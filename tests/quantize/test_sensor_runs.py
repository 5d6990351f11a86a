"""Recordings as frames of the device, on tiny files of the shape of the shared ones."""

import json

import numpy as np

from edge_agent.core.records import NS_PER_S
from quantize.sensor_runs import (
    EPOCH_NS,
    HYDRAULIC_GOOD,
    before_faults,
    frames_of,
    hydraulic,
    machine_temperature,
)
from quantize.sensor_series import NAB_FILE, nanoseconds

GOOD, CYCLE_S = 7.0, 60


def hydraulic_rig(sensors, good):
    """Write a rig whose only channel tells whether the cycle is a good one."""
    good = np.array(good)
    x = np.where(good, GOOD, 1.0)[:, None, None].repeat(CYCLE_S, axis=1).astype(np.float32)
    parts = {name: np.where(good, value, 1) for name, value in HYDRAULIC_GOOD.items()}
    parts["pump_leak"] = np.where(good, 0, 2)
    (sensors / "hydraulic").mkdir()
    channels = np.array(["PS1"])
    np.savez(sensors / "hydraulic" / "hydraulic_1hz.npz", x=x, channels=channels, **parts)


def test_a_window_holds_its_own_samples_and_no_later_ones():
    at_ns = EPOCH_NS + np.arange(31) * NS_PER_S
    values = np.arange(31.0)[:, None]
    frames = list(frames_of(("a",), at_ns, values, 10))
    assert [(end - EPOCH_NS) // NS_PER_S for _, end, _ in frames] == [10, 20, 30]
    assert [signals["a"] for *_, signals in frames] == [4.5, 14.5, 24.5]


def test_good_cycles_of_the_hydraulic_rig_come_first_and_suffice_for_windows(tmp_path):
    hydraulic_rig(tmp_path, [False, True, False, True, False])
    run = hydraulic(tmp_path)
    told = {
        (signals["PS1"], bad) for (*_, signals), bad in zip(run.frames, run.faulty, strict=True)
    }
    assert (GOOD, False) in told
    assert (1.0, True) in told
    assert not {(GOOD, True), (1.0, False)} & told
    assert run.faulty.index(True) == 2 * CYCLE_S // 5  # windows of 10 s every 5 s


def test_the_first_frames_of_a_run_keep_their_labels_and_tell_their_time(tmp_path):
    hydraulic_rig(tmp_path, [True, False])
    run = hydraulic(tmp_path)
    until = run.faulty.index(True)
    good = run.first(until)
    assert good.frames == run.frames[:until]
    assert not any(good.faulty)
    assert good.learning_ns(4) == (10 + 4 * 5) * NS_PER_S


def test_what_skab_shows_before_a_fault_ends_before_the_fault(tmp_path):
    (tmp_path / "skab" / "valve1").mkdir(parents=True)
    rows = [f"2020-03-09 10:{i // 60:02}:{i % 60:02};{i}.0;{int(i >= 95)};0" for i in range(180)]
    text = "\n".join(["datetime;flow;anomaly;changepoint", *rows])
    (tmp_path / "skab" / "valve1" / "0.csv").write_text(text)
    (run,) = before_faults(tmp_path)
    assert run.frames[-1][1] == nanoseconds("2020-03-09 10:01:30")
    assert max(signals["flow"] for *_, signals in run.frames) < 95


def test_frames_of_the_machine_temperature_are_faulty_where_a_label_touches_them(tmp_path):
    (tmp_path / "nab").mkdir()
    times = [f"2013-12-02 {h:02}:{m:02}:00" for h in range(3) for m in range(0, 60, 5)]
    rows = [f"{time},{place}.0" for place, time in enumerate(times)]
    (tmp_path / "nab" / NAB_FILE).write_text("\n".join(["timestamp,value", *rows]))
    windows = {NAB_FILE: {"windows": [["2013-12-02 01:00:00", "2013-12-02 01:15:00"]]}}
    (tmp_path / "nab" / "windows.json").write_text(json.dumps(windows))
    run = machine_temperature(tmp_path)
    faulty = [s["temperature"] for (*_, s), bad in zip(run.frames, run.faulty, strict=True) if bad]
    assert faulty == [12.0, 13.0, 14.0]
