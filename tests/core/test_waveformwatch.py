import numpy as np
import pytest

from edge_agent.core.channelwatch import Mood
from edge_agent.core.records import NS_PER_S
from edge_agent.core.sensorfault import FaultKind
from edge_agent.core.waveformwatch import WaveformState, WaveformWatch

RATE = 6400


def sound(seed=0, level=1.0):
    rng = np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * 50 * np.arange(RATE) / RATE)
    return (level * (tone + rng.normal(0, 0.3, RATE))).astype(np.float32)


def learned():
    watch = WaveformWatch("vibration", WaveformState(0))
    for second in range(12):
        watch.take(sound(second), second * NS_PER_S, NS_PER_S)
    watch.state.learned = True
    return watch


def coarse(values, step):
    return (np.round(values / step) * step).astype(np.float32)


def told(values, *, company=True):
    watch = learned()
    watch.take(values, 20 * NS_PER_S, NS_PER_S)
    watch.settle(company=company)
    return watch.fault and watch.fault.kind


HOLED = sound(30)
HOLED[1000:2500] = 0.0


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.clip(sound(20), -1.1, 1.1), FaultKind.SATURATION),
        (np.minimum(sound(20), 1.2), FaultKind.SATURATION),
        (np.full(RATE, 0.4, np.float32), FaultKind.STUCK),
        (np.zeros(RATE, np.float32), FaultKind.DROPOUT),
        (HOLED, FaultKind.DROPOUT),
        (sound(20, 1000.0), FaultKind.WRONG_UNIT),
    ],
    ids=["clipped", "clipped above", "constant", "dead", "holed", "thousandths"],
)
def test_a_faulty_sensor_is_named(values, kind):
    assert told(values) is kind


@pytest.mark.parametrize(
    "values",
    [
        sound(20),
        sound(20, 30.0),
        sound(20, 0.001),
        coarse(sound(20, 0.01), 0.005),
        coarse(sound(20), 0.05),
        sound(20) + np.where(np.arange(RATE) % 400 == 0, 15.0, 0.0).astype(np.float32),
    ],
    ids=["sound", "shaking", "at rest", "rounded at rest", "rounded", "struck"],
)
def test_a_vibration_is_never_a_faulty_sensor(values):
    assert told(values) is None


def test_a_dead_channel_beside_a_resting_machine_is_not_called_faulty():
    assert told(np.zeros(RATE, np.float32), company=False) is None


def test_it_is_believed_again_after_three_good_windows():
    watch = learned()
    watch.take(np.clip(sound(20), -1.1, 1.1), 20 * NS_PER_S, NS_PER_S)
    watch.settle(company=True)
    masked = []
    for second in (21, 22, 23, 24):
        watch.take(sound(second), second * NS_PER_S, NS_PER_S)
        masked.append(watch.masked)
    assert masked == [True, True, False, False]
    assert watch.mood is Mood.CALM
