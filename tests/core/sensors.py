"""A small asset with sensors that can break, for the tests of the watch over sensors."""

import numpy as np

from edge_agent.core.records import NS_PER_S, Reading, TimeQuality
from edge_agent.core.sensorwatch import SensorWatch
from edge_agent.core.site import Caps, WindowSpec
from edge_agent.core.windowing import Windower

LEARNED_S, FAULT_S, END_S = 300, 400, 600
SPEC = WindowSpec(10 * NS_PER_S, 5 * NS_PER_S, 0)


def sound_values(seed=0, end_s=END_S):
    """Return second by second what four sound sensors of a running pump show."""
    rng = np.random.default_rng(seed)
    at_s = np.arange(end_s)
    return {
        "oil_temp": 60 + 3 * np.sin(at_s / 60) + rng.normal(0, 0.1, end_s),
        "motor_current": 12 + rng.normal(0, 0.5, end_s),
        "flow": 30 + rng.normal(0, 0.4, end_s),
        "vibration": 2 + rng.normal(0, 0.1, end_s),
    }


def watch(**settings):
    return SensorWatch(LEARNED_S * NS_PER_S, settings.get("ranges", {}), Caps().channels)


def frames_of(values, first_s=0):
    """Yield the windows of ``values``, by channel; NaN is a sample that never came."""
    windower = Windower("pump", SPEC, Caps())
    length = len(next(iter(values.values())))
    for at_s in range(length):
        at_ns = (first_s + at_s) * NS_PER_S
        for channel, series in values.items():
            if not np.isnan(series[at_s]):
                reading = Reading("pump", channel, at_ns, float(series[at_s]), TimeQuality.SOURCE)
                windower.push(reading)
        yield from windower.close(at_ns)


def told(values, line=None):
    """Return every window's end in seconds, masked channels and faults by channel."""
    line = line or watch()
    rows = []
    for frame in frames_of(values):
        sensors = line.observe(frame)
        faults = {fault.channel: fault for fault in sensors.faults}
        rows.append((frame.end_ns / NS_PER_S, sensors.masked, faults))
    return rows


def first(rows, channel):
    """Return when a channel was first called faulty, and of what, or ``None``."""
    found = ((end_s, faults[channel].kind) for end_s, _, faults in rows if channel in faults)
    return next(found, None)
