"""CPU time of a scored window of 8 channels in batches of 64: its score and the watch over sensors.

``OMP_NUM_THREADS=1 python benchmarks/window_cost.py [WINDOWS IN A BATCH]``
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import edge_agent
from edge_agent.core.features import extract
from edge_agent.core.records import NS_PER_S, Frame, Reading, TimeQuality
from edge_agent.core.scoring import AssetScorer, score_all
from edge_agent.core.sensorwatch import SensorWatch
from edge_agent.core.site import Caps, WindowSpec
from edge_agent.core.windowing import Windower
from edge_agent.io.model_package import load_package
from edge_agent.io.runtime import OnnxSensorModel

BATCH, CHANNELS = 64, 8
LENGTH_S, HOP_S = 10, 5
COMMISSIONING_S, MEASURED_S = 300, 500
MODEL = Path(edge_agent.__file__).parent / "models" / "sensor-lstm"


def frames() -> Iterator[Frame]:
    """Yield the frames of a machine of noise at 1 Hz."""
    rng = np.random.default_rng(0)
    windower = Windower("asset", WindowSpec(LENGTH_S * NS_PER_S, HOP_S * NS_PER_S, 0), Caps())
    for second in range(COMMISSIONING_S + MEASURED_S):
        at_ns = second * NS_PER_S
        for channel, value in enumerate(rng.normal(size=CHANNELS)):
            name = f"channel-{channel}"
            windower.push(Reading("asset", name, at_ns, float(value), TimeQuality.SOURCE))
        yield from windower.close(at_ns)


def main(batch: int = BATCH) -> None:
    """Print medians over batches, in microseconds a window."""
    model = OnnxSensorModel(load_package(MODEL))
    names = [f"asset-{place}" for place in range(batch)]
    scorers = [AssetScorer(name, COMMISSIONING_S * NS_PER_S) for name in names]
    watches = [SensorWatch(COMMISSIONING_S * NS_PER_S, {}, CHANNELS) for _ in names]
    cost_us = []
    for frame in frames():
        signals = extract(frame)
        began = time.process_time_ns()
        for watch in watches:
            watch.observe(frame)
        watched = time.process_time_ns()
        score_all(model, [(one, frame.start_ns, frame.end_ns, signals) for one in scorers])
        ended = time.process_time_ns()
        if frame.start_ns > (COMMISSIONING_S + LENGTH_S) * NS_PER_S:
            cost_us.append(np.array((ended - watched, watched - began)) / batch / 1000)
    score, watch = np.median(cost_us, axis=0)
    total = np.median(np.sum(cost_us, axis=1))
    print(f"score {score:.0f} us, watch over sensors {watch:.0f} us, together {total:.0f} us")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
