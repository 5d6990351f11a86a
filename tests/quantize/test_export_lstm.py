"""The LSTM graphs: what torch computes, in int8 without any influence of the batch."""

import numpy as np
import pytest
from checkpoints import networks, save_lstm, torch

from edge_agent.io.runtime import Session
from quantize.checkpoint import read_lstm
from quantize.export_lstm import LstmWeights, float_lstm, int8_lstm
from quantize.graph import nodes

STEPS, CLIP = 20, 8.0


@pytest.fixture(params=[(2, 8), (2, 30), (1, 16), (3, 5)], ids=str, scope="module")
def network(request, tmp_path_factory):
    features, hidden = request.param
    folder = tmp_path_factory.mktemp("lstm")
    save_lstm(folder, features=features, hidden=hidden, steps=STEPS, clip=CLIP)
    weights = read_lstm(folder)
    models = {"float32": float_lstm(weights, STEPS), "int8": int8_lstm(weights, STEPS, CLIP)}
    files = {}
    for name, model in models.items():
        files[name] = folder / f"{name}.onnx"
        files[name].write_bytes(model.SerializeToString())
    return folder, features, hidden, files, models


def sequences(rows, features, seed=0):
    steps = np.random.default_rng(seed).normal(0, 1, (rows, STEPS, features)).cumsum(axis=1)
    return steps.clip(-CLIP, CLIP).astype(np.float32)


def forecast(file, batch, threads=1):
    return np.array(Session(file, threads).run(["mean", "log_sigma"], {"sequence": batch}))


def test_the_float32_graph_computes_what_torch_computes(network):
    folder, features, hidden, files, _ = network
    module = networks.ForecastLSTM(features, hidden)
    module.load_state_dict(_state(folder))
    batch = sequences(50, features)
    with torch.no_grad():
        truth = torch.stack(module(torch.from_numpy(batch))).numpy()
    assert np.abs(forecast(files["float32"], batch) - truth).max() < 1e-5


def _state(folder):
    from safetensors.torch import load_file  # noqa: PLC0415 - after the skip in checkpoints

    return load_file(folder / "model.safetensors")


def test_the_int8_forecast_follows_the_float32_forecast(network):
    _, features, _, files, _ = network
    batch = sequences(300, features)
    full, small = (forecast(files[kind], batch) for kind in ("float32", "int8"))
    error = np.sqrt(np.mean((small - full) ** 2, axis=1))
    assert (error < 0.05 * full.std(axis=1)).all()


def test_an_int8_forecast_ignores_its_batch_mates(network):
    _, features, _, files, _ = network
    batch = sequences(40, features)
    still = np.zeros((1, STEPS, features), np.float32)
    together = forecast(files["int8"], np.concatenate([batch, still, still + CLIP, still - CLIP]))
    alone = [forecast(files["int8"], batch[row : row + 1])[:, 0] for row in range(40)]
    assert np.array_equal(together[:, :40].T, np.array(alone))


def test_an_int8_forecast_ignores_the_number_of_threads(network):
    _, features, _, files, _ = network
    batch = sequences(100, features)
    assert np.array_equal(forecast(files["int8"], batch, 1), forecast(files["int8"], batch, 2))


def test_the_only_recurrence_is_in_int8(network):
    *_, models = network
    kinds = [node.op_type for node in nodes(models["int8"].graph)]
    assert kinds.count("DynamicQuantizeLSTM") == 1
    assert not {"LSTM", "Loop", "Scan"} & set(kinds)


def test_values_beyond_the_clip_count_as_the_clip(network):
    _, features, _, files, _ = network
    wild = 100 * sequences(5, features, seed=1)
    tame = wild.clip(-CLIP, CLIP)
    assert np.array_equal(forecast(files["int8"], wild), forecast(files["int8"], tame))


def test_a_measurement_keeps_four_bits_more_than_a_byte(tmp_path):
    slope = 0.01
    inputs, bias = np.zeros((4, 1, 1), np.float32), np.full((4, 1), 40, np.float32)
    inputs[3], bias[3] = slope, 0  # gates open, so the forecast is nearly slope * input
    recurrent, head = np.zeros((4, 1, 1), np.float32), np.ones((1, 2), np.float32)
    weights = LstmWeights(inputs, recurrent, bias, head, np.zeros(2, np.float32))
    models = {"float32": float_lstm(weights, 1), "int8": int8_lstm(weights, 1, CLIP)}
    levels = np.linspace(-CLIP, CLIP, 5000, dtype=np.float32)[:, None, None]
    found = {}
    for name, model in models.items():
        (tmp_path / name).write_bytes(model.SerializeToString())
        found[name] = forecast(tmp_path / name, levels)[0]
    half_a_byte_step = CLIP / 255
    assert np.abs(found["int8"] - found["float32"]).max() < slope * half_a_byte_step / 8
