"""The packages that ship, on whatever processor this is.

Needs nothing but the agent's own dependencies and starts no process, so it runs on an emulated
processor, too (``make arm``).
"""

import json
import platform
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_agent.io import runtime
from edge_agent.io.runtime import OnnxLogModel, OnnxSensorModel, load_package

MODELS = Path(runtime.__file__).parents[1] / "models"


@pytest.fixture(scope="module")
def sensor():
    return OnnxSensorModel(load_package(MODELS / "sensor-lstm"))


@pytest.fixture(scope="module")
def log():
    return OnnxLogModel(load_package(MODELS / "log-albert"))


def stored(name):
    return json.loads((MODELS / name / "selftest.json").read_text(encoding="utf-8"))


def say(figure):
    """Show a figure to whoever runs pytest with -s."""
    sys.stdout.write(f"\n{platform.machine()}: {figure}\n")


@pytest.mark.parametrize("name", ["log-albert", "sensor-lstm"])
def test_a_package_that_ships_passes_its_self_test(name):
    assert runtime.selftest(MODELS / name) is None


def test_this_processor_repeats_the_stored_forecasts(sensor):
    sample = stored("sensor-lstm")
    found = sensor.forecast(np.array(sample["sequence"], np.float32))
    truth = np.array([sample["mean"], sample["log_sigma"]], np.float32)
    say(f"forecasts differ by {np.abs(found - truth).max():.3g}")
    np.testing.assert_allclose(found, truth, atol=1e-5)


def test_this_processor_chooses_the_stored_labels(log):
    lines = stored("log-albert")["lines"]
    found = np.array([log.logits(line["text"]) for line in lines])
    truth = np.array([line["logits"] for line in lines], np.float32)
    say(f"logits differ by {np.abs(found - truth).max():.3g}")
    start = 0
    for labels in log.manifest.log.heads.values():
        head = slice(start, start := start + len(labels))
        assert (found[:, head].argmax(axis=1) == truth[:, head].argmax(axis=1)).all()


def test_a_shipped_forecast_is_the_same_alone_and_in_any_company(sensor):
    shape = (20, sensor.manifest.sensor.steps, sensor.manifest.sensor.features)
    sequences = np.random.default_rng(0).normal(0, 2, shape).astype(np.float32)
    together = np.array(sensor.forecast(sequences))
    alone = [np.array(sensor.forecast(sequences[row : row + 1]))[:, 0] for row in range(20)]
    assert np.array_equal(together.T, np.array(alone))


def test_a_shipped_reading_is_the_same_alone_and_in_any_company(log):
    words = [
        "motor",
        "drive",
        "bearing",
        "10",
        "celsius",
        "fault",
        "overtemperature",
        "pump",
        "lost",
        "complete",
    ]
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(words, n % 30 + 1)) for n in range(120)]
    assert np.array_equal(log.logits_each(texts), np.array([log.logits(text) for text in texts]))
