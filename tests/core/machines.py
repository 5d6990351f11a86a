"""Simulated vibration of machines with one fault each, for the tests of the diagnosis."""

import numpy as np
import scipy.signal

from edge_agent.core.records import NS_PER_S
from edge_agent.core.scoring import SensorScore

SHAFT_HZ = 24.7
RATE_HZ = 25_600.0
RESONANCE_HZ = 3_200.0
DAMPING = 0.06
ANOMALY = SensorScore(
    asset="pump",
    channels=("vib",),
    start_ns=0,
    end_ns=NS_PER_S,
    score=9.0,
    threshold=3.0,
    anomalous=True,
    contributions={"vib": 1.0},
    commissioning=False,
    alarming=True,
)


def noise(seconds=1.0, level=0.05, seed=0, rate_hz=RATE_HZ):
    return np.random.default_rng(seed).normal(0.0, level, round(seconds * rate_hz))


def turning(harmonics, *, seed=0, level=0.05):
    """Return noise with tones: ``harmonics`` maps multiples of the speed to amplitudes in g."""
    signal = noise(level=level, seed=seed)
    at_s = np.arange(signal.size) / RATE_HZ
    for order, amplitude in harmonics.items():
        signal += amplitude * np.sin(2 * np.pi * order * SHAFT_HZ * at_s + order)
    return signal


def striking(
    strikes_hz,
    *,
    seconds=1.0,
    seed=0,
    rate_hz=RATE_HZ,
    impact=0.5,
    slip=0.008,
    carried_hz=0.0,
):
    """Return noise with impacts that ring a resonance, each up to about ``slip`` periods off.

    ``carried_hz`` is how often the spall passes through the load, which is where it strikes.
    """
    random = np.random.default_rng((seed, 1))
    signal = noise(seconds, seed=seed, rate_hz=rate_hz)
    at_s = np.arange(signal.size) / rate_hz
    numbers = np.arange(int(seconds * strikes_hz) + 1)
    times_s = (numbers + random.normal(0.0, slip, numbers.size)) / strikes_hz
    strengths = impact * (1 + 0.9 * np.cos(2 * np.pi * carried_hz * times_s) * (carried_hz > 0))
    decay = 2 * np.pi * RESONANCE_HZ * DAMPING
    tail = int(8 / decay * rate_hz)
    for struck_s, strength in zip(times_s, strengths, strict=True):
        first = max(0, int(np.ceil(struck_s * rate_hz)))
        age_s = at_s[first : first + tail] - struck_s
        ringing = np.exp(-decay * age_s) * np.sin(2 * np.pi * RESONANCE_HZ * age_s)
        signal[first : first + tail] += strength * ringing
    return signal


def rolling(seed, *, ringing=1.0):
    """Return the noise of a machine whose structure answers, broadly, around 3 kHz."""
    taps = scipy.signal.firwin(101, [1500, 6000], fs=RATE_HZ, pass_zero=False)
    rung = np.convolve(noise(seed=seed + 100), taps, "same")
    return noise(level=0.02, seed=seed) + ringing * rung


def cwru(shared_data, name, sensor):
    """Return the samples of a recording of the Case Western motor, in g."""
    with np.load(shared_data / "sensors" / "cwru" / f"{name}.npz", allow_pickle=False) as file:
        return file[sensor] * float(file[f"{sensor}_scale"])
