"""`quantize lstm`, from a checkpoint to a package, and every way to get it wrong."""

import json

import numpy as np
import pytest
from checkpoints import safetensors, save_lstm

from edge_agent.io.runtime import OnnxSensorModel, load_package
from quantize.errors import ExportMismatch, GateFailed, PackageError
from quantize.lstm import LstmBounds, quantize_lstm

LENIENT = LstmBounds(slowdown=1000)


@pytest.fixture
def checkpoint(tmp_path):
    return save_lstm(tmp_path / "tiny")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "packages" / "sensor"


def recordings(file, steps=12, features=2, rows=300):
    walk = np.random.default_rng(1).normal(0, 0.3, (rows, steps + 1, features)).cumsum(axis=1)
    np.savez(file, sequence=walk[:, :-1].astype(np.float32), target=walk[:, -1, 0])
    return file


def edit(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def rejected(checkpoint, out, error, match, **files):
    with pytest.raises(error, match=match):
        quantize_lstm(checkpoint, out, bounds=LENIENT, **files)
    assert not out.exists()


def test_a_checkpoint_becomes_a_package_that_the_agent_loads(checkpoint, out, tmp_path):
    quantize_lstm(checkpoint, out, recordings(tmp_path / "held-back.npz"), bounds=LENIENT)
    package = load_package(out)
    assert (package.manifest.name, package.manifest.precision) == ("tiny-lstm", "int8")
    mean, _ = OnnxSensorModel(package).forecast(np.zeros((3, 12, 2), np.float32))
    assert mean.shape == (3,)


def test_the_report_holds_every_gate(checkpoint, out, tmp_path):
    quantize_lstm(checkpoint, out, recordings(tmp_path / "held-back.npz"), bounds=LENIENT)
    report = json.loads((out / "report.json").read_text())
    gates = {gate["name"]: gate for gate in report["gates"]}
    assert set(gates) == {
        "export_difference",
        "score_rank_correlation",
        "mean_shift_in_sigmas",
        "batch_dependence",
        "thread_dependence",
        "int8_lstm_share",
        "model_bytes",
        "slowdown_at_8_rows",
    }
    assert gates["batch_dependence"]["value"] == gates["thread_dependence"]["value"] == 0
    assert (report["evaluated_on"], report["rows"]) == ("held-back.npz", 300)
    assert report["nodes"]["DynamicQuantizeLSTM"] == 1


def test_a_network_of_64_hidden_units_fits_in_100_kilobytes(tmp_path, out):
    checkpoint = save_lstm(tmp_path / "large", hidden=64)
    quantize_lstm(checkpoint, out, bounds=LENIENT)
    assert (out / "model.onnx").stat().st_size <= 100_000


def test_every_failed_gate_is_named_with_its_figure(checkpoint, out):
    with pytest.raises(GateFailed) as caught:
        quantize_lstm(checkpoint, out, bounds=LstmBounds(rank_correlation=1.1, model_bytes=10))
    names = [failure.split()[0] for failure in caught.value.failures]
    assert names[:2] == ["score_rank_correlation", "model_bytes"]
    assert not out.exists()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(checkpoint, out, name):
    (checkpoint / name).unlink()
    rejected(checkpoint, out, PackageError, name)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden": 9}, r"lstm\.weight_ih_l0 is \(32, 2\), config.json says \(36, 2\)"),
        ({"features": 0}, "features must be a whole number"),
        ({"steps": None}, "steps must be a whole number"),
        ({"clip": 0}, "clip must be a number above 0"),
        ({"clip": "wide"}, "clip must be a number above 0"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(checkpoint, out, changes, reason):
    edit(checkpoint / "config.json", **changes)
    rejected(checkpoint, out, PackageError, reason)


def test_a_weight_that_is_no_number_is_named(checkpoint, out):
    file = checkpoint / "model.safetensors"
    state = safetensors.load_file(file)
    state["head.bias"][0] = float("nan")
    safetensors.save_file(state, file)
    rejected(checkpoint, out, PackageError, r"head\.bias holds NaN or infinity")


def test_recordings_of_another_length_are_refused(checkpoint, out, tmp_path):
    file = recordings(tmp_path / "held-back.npz", steps=11)
    rejected(checkpoint, out, PackageError, r"held-back\.npz: sequence is", evaluate=file)


def test_recordings_without_targets_are_refused(checkpoint, out, tmp_path):
    file = tmp_path / "held-back.npz"
    np.savez(file, sequence=np.zeros((1, 12, 2)))
    rejected(checkpoint, out, PackageError, "no arrays sequence and target", evaluate=file)


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_file_that_is_no_archive_is_refused(checkpoint, out, tmp_path, content):
    file = tmp_path / "held-back.npz"
    file.write_bytes(content)
    rejected(checkpoint, out, PackageError, "held-back", evaluate=file)


def test_a_graph_that_does_not_compute_what_torch_computes_is_refused(checkpoint, out, monkeypatch):
    monkeypatch.setattr("quantize.checkpoint._ONNX_GATES", (0, 1, 2, 3))  # torch's own order
    rejected(checkpoint, out, ExportMismatch, "export_difference is")
