"""Model packages on the device: what loads, what is refused, what a score depends on."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checkpoints import save_albert, save_lstm

from edge_agent import agent
from edge_agent.errors import ModelPackageError
from edge_agent.io import runtime
from edge_agent.io.runtime import OnnxLogModel, OnnxSensorModel, load_package
from edge_agent.settings import Settings
from quantize.agreement import AlbertBounds
from quantize.albert import quantize_albert
from quantize.lstm import LstmBounds, quantize_lstm

STEPS = 12


@pytest.fixture(scope="session")
def sensor_package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sensor")
    checkpoint = save_lstm(folder / "checkpoint", steps=STEPS)
    quantize_lstm(checkpoint, folder / "package", bounds=LstmBounds(slowdown=100))
    return folder / "package"


@pytest.fixture(scope="session")
def log_package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    checkpoint = save_albert(folder / "checkpoint")
    (checkpoint / "edge_agent.json").write_text('{"max_tokens": 16}')
    bounds = AlbertBounds(size_ratio=2, speedup=0)
    quantize_albert(checkpoint, folder / "package", bounds=bounds)
    return folder / "package"


@pytest.fixture(params=["sensor", "log"])
def package(request, tmp_path):
    """Return a copy that a test may spoil."""
    original = request.getfixturevalue(f"{request.param}_package")
    return Path(shutil.copytree(original, tmp_path / "package"))


def sign_again(package):
    """Recompute the sums, as somebody would who edits a package by hand."""
    names = [p.name for p in package.iterdir() if p.name != "SHA256SUMS"]
    sums = [f"{hashlib.sha256((package / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (package / "SHA256SUMS").write_text("".join(sums))


def sequences(rows, seed=0):
    draw = np.random.default_rng(seed)
    return draw.normal(0, 2, (rows, STEPS, 2)).clip(-8, 8).astype(np.float32)


def test_a_whole_package_loads_and_knows_the_fingerprint_of_its_model(package):
    loaded = load_package(package)
    assert loaded.sha256 == hashlib.sha256((package / "model.onnx").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "selftest.json", "report.json"])
def test_an_altered_file_is_refused_by_name(package, name):
    with (package / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelPackageError, match=rf"{name}: altered"):
        load_package(package)


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "selftest.json", "SHA256SUMS"])
def test_a_missing_file_is_refused_by_name(package, name):
    (package / name).unlink()
    with pytest.raises(ModelPackageError, match=name):
        load_package(package)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelPackageError, match="nowhere/SHA256SUMS: cannot be read"):
        load_package(tmp_path / "nowhere")


def test_a_model_that_no_sum_vouches_for_is_refused(package):
    lines = (package / "SHA256SUMS").read_text().splitlines(keepends=True)
    kept = [line for line in lines if "model.onnx" not in line]
    (package / "SHA256SUMS").write_text("".join(kept))
    with pytest.raises(ModelPackageError, match=r"model\.onnx is not listed"):
        load_package(package)


def test_a_sum_of_a_file_outside_the_package_is_refused(package):
    with (package / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  ../elsewhere\n")
    with pytest.raises(ModelPackageError, match="SHA256SUMS: a line is not"):
        load_package(package)


def test_a_log_package_without_its_tokenizer_is_refused(log_package, tmp_path):
    package = shutil.copytree(log_package, tmp_path / "package")
    (package / "tokenizer.json").unlink()
    sign_again(package)
    with pytest.raises(ModelPackageError, match=r"tokenizer\.json is not listed"):
        load_package(package)


def test_a_manifest_that_is_none_is_refused_with_its_flaw(package):
    (package / "manifest.json").write_text('{"schema": "something else"}')
    sign_again(package)
    with pytest.raises(ModelPackageError, match=r"manifest\.json: not a document of schema"):
        load_package(package)


def test_a_model_that_onnx_runtime_cannot_read_is_refused_in_one_line(package):
    (package / "model.onnx").write_bytes(b"no model at all")
    sign_again(package)
    loaded = load_package(package)
    kind = OnnxSensorModel if loaded.manifest.sensor else OnnxLogModel
    with pytest.raises(ModelPackageError, match=r"model\.onnx: ONNX Runtime: ") as caught:
        kind(loaded)
    assert "\n" not in str(caught.value)


def test_a_model_with_other_inputs_than_its_manifest_says_is_refused(sensor_package, tmp_path):
    package = shutil.copytree(sensor_package, tmp_path / "package")
    manifest = json.loads((package / "manifest.json").read_text())
    manifest["sensor"]["features"] = 3
    (package / "manifest.json").write_text(json.dumps(manifest))
    sign_again(package)
    with pytest.raises(ModelPackageError, match=r"model\.onnx: ONNX Runtime: "):
        OnnxSensorModel(load_package(package))


def test_a_tokenizer_that_is_none_is_refused(log_package, tmp_path):
    package = shutil.copytree(log_package, tmp_path / "package")
    (package / "tokenizer.json").write_text("{}")
    sign_again(package)
    with pytest.raises(ModelPackageError, match=r"tokenizer\.json: not a tokenizer"):
        OnnxLogModel(load_package(package))


def test_a_package_of_the_other_task_is_refused(sensor_package, log_package):
    with pytest.raises(ModelPackageError, match="not a log model"):
        OnnxLogModel(load_package(sensor_package))
    with pytest.raises(ModelPackageError, match="not a sensor model"):
        OnnxSensorModel(load_package(log_package))


@pytest.mark.parametrize("rows", [0, 1, 64, 65, 200])
def test_every_sequence_gets_a_forecast(sensor_package, rows):
    mean, log_sigma = OnnxSensorModel(load_package(sensor_package)).forecast(sequences(rows))
    assert mean.shape == log_sigma.shape == (rows,)
    assert mean.dtype == log_sigma.dtype == np.float32
    assert np.isfinite(mean).all()
    assert np.isfinite(log_sigma).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_forecast_is_the_same_alone_and_in_any_company(sensor_package, threads):
    model = OnnxSensorModel(load_package(sensor_package), threads)
    several = sequences(100)
    loud = np.full((1, STEPS, 2), 8, np.float32)
    together = np.array(model.forecast(np.concatenate([several, loud, -loud])))
    alone = [np.array(model.forecast(several[row : row + 1]))[:, 0] for row in range(100)]
    assert np.array_equal(together[:, :100].T, np.array(alone))


def test_a_forecast_is_the_same_with_any_number_of_threads(sensor_package):
    package = load_package(sensor_package)
    one, two = (OnnxSensorModel(package, n).forecast(sequences(200)) for n in (1, 2))
    assert np.array_equal(one, two)


def test_a_line_gets_one_logit_for_each_label(log_package):
    model = OnnxLogModel(load_package(log_package))
    labels = sum(len(names) for names in model.manifest.log.heads.values())
    logits = model.logits("bearing temperature high")
    assert logits.shape == (labels,)
    assert logits.dtype == np.float32


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "温度过高", "fault " * 5000, "\N{RIGHT-TO-LEFT MARK}"]
)
def test_any_text_gets_finite_logits_from_at_most_the_stated_tokens(log_package, text):
    model = OnnxLogModel(load_package(log_package))
    assert 1 <= len(model.tokens(text)) <= model.manifest.log.max_tokens
    assert np.isfinite(model.logits(text)).all()


def test_a_line_scores_the_same_whatever_came_before_it(log_package):
    model = OnnxLogModel(load_package(log_package))
    first = model.logits("motor stopped")
    model.logits("bearing temperature high, drive stopped, encoder lost")
    assert np.array_equal(model.logits("motor stopped"), first)


def test_a_good_package_passes_its_self_test(package):
    assert runtime.verify_in_subprocess(package) is None


def test_a_model_that_computes_something_else_fails_its_self_test(sensor_package, tmp_path):
    package = shutil.copytree(sensor_package, tmp_path / "package")
    sample = json.loads((package / "selftest.json").read_text())
    sample["mean"][0] += 10
    (package / "selftest.json").write_text(json.dumps(sample))
    sign_again(package)
    flaw = runtime.verify_in_subprocess(package)
    assert flaw.startswith(f"{package / 'model.onnx'}: differs from its stored outputs by 10")


def test_other_tokens_than_the_stored_ones_fail_the_self_test(log_package, tmp_path):
    package = shutil.copytree(log_package, tmp_path / "package")
    sample = json.loads((package / "selftest.json").read_text())
    sample["lines"][0]["tokens"][0] += 1
    (package / "selftest.json").write_text(json.dumps(sample))
    sign_again(package)
    assert "differs from its stored outputs by inf" in runtime.verify_in_subprocess(package)


def test_a_damaged_self_test_is_reported(package):
    (package / "selftest.json").write_text("{}")
    sign_again(package)
    assert "selftest.json: not a self-test" in runtime.verify_in_subprocess(package)


def test_an_altered_package_is_reported_by_the_self_test(package):
    (package / "model.onnx").write_bytes(b"")
    assert "model.onnx: altered" in runtime.verify_in_subprocess(package)


def test_an_illegal_instruction_is_reported_and_does_not_kill_the_agent(
    package, tmp_path, monkeypatch
):
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\nkill -ILL $$\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    assert "killed by SIGILL" in runtime.verify_in_subprocess(package)


def test_a_self_test_that_hangs_is_reported(package, tmp_path, monkeypatch):
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\nexec sleep 60\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    assert "longer than 0.2 s" in runtime.verify_in_subprocess(package, timeout_s=0.2)


LOOK_FOR_TELEMETRY = """
import os, sys, time
from pathlib import Path
import numpy as np
from edge_agent.io.runtime import OnnxSensorModel, load_package

model = OnnxSensorModel(load_package(Path(sys.argv[1])))
manifest = model.manifest.sensor
links = set()
for _ in range(20):
    model.forecast(np.zeros((1, manifest.steps, manifest.features), np.float32))
    time.sleep(0.2)
    for fd in os.listdir("/proc/self/fd"):
        try:
            links.add(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            pass
print(sorted(link for link in links if link.startswith("socket:") or "onnxruntime.db" in link))
"""


def test_the_runtime_writes_nothing_at_home_and_opens_no_socket(sensor_package, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    # Nothing else in the environment: ONNX Runtime keeps quiet by itself where it sees a CI.
    done = subprocess.run(
        [sys.executable, "-c", LOOK_FOR_TELEMETRY, str(sensor_package)],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert list(home.rglob("*")) == []


@pytest.mark.parametrize("name", ["log-albert", "sensor-lstm"])
def test_the_package_that_ships_passes_its_self_test(name):
    shipped = Path(runtime.__file__).parents[1] / "models" / name
    assert runtime.verify_in_subprocess(shipped) is None


def test_a_log_model_of_other_labels_does_not_start_the_agent(log_package):
    settings = Settings(log_model=log_package)
    with pytest.raises(ModelPackageError, match="the labels of its category must be normal, mech"):
        agent.check(settings)


def test_many_lines_at_once_score_as_each_does_alone(log_package):
    model = OnnxLogModel(load_package(log_package))
    texts = [
        "motor stopped",
        "fault",
        "drive stopped",
        "",
        "encoder lost " * 9,
        "motor stopped",
    ] * 20
    alone = np.array([model.logits(text) for text in texts])
    assert np.array_equal(model.logits_each(texts), alone)
    assert np.array_equal(model.logits_each(texts[::-1]), alone[::-1])
