"""Runs model packages under ONNX Runtime; the only file that imports it.

Importing ONNX Runtime's wheel starts telemetry: it writes below ``~/.cache`` and opens sockets.
``ORT_DISABLE_TELEMETRY`` has to be set before the import, so both happen in :func:`_onnxruntime`.
Every error of ONNX Runtime becomes a :class:`ModelPackageError` here: the arrays that the agent
passes in have the shapes of the manifest, so whatever fails lies in the package or in the machine.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edge_agent.errors import AgentError, ModelPackageError
from edge_agent.io.model_package import MODEL, SELFTEST, TOKENIZER, Package, load_package, read

__all__ = ["OnnxLogModel", "OnnxSensorModel", "load_package", "verify_in_subprocess"]

SELFTEST_TIMEOUT_S = 120
_ROWS_PER_RUN = 64  # a run of more rows leaves the cache of a small core and is no faster per row
_LINES_PER_RUN = 16  # twice as many are no faster a line
_FLAWED = 3  # exit code of this module: the package failed; anything else means the process did


class OnnxSensorModel:
    """Forecasts sequences; implements ``core.scoring.SensorModel``.

    Args:
        package: A package of task ``sensor-forecast``.
        threads: Intra-op threads of ONNX Runtime.

    Raises:
        ModelPackageError: Another task, or the model does not load or run.
    """

    def __init__(self, package: Package, threads: int = 1) -> None:
        if package.manifest.sensor is None:
            raise ModelPackageError(f"{package.path}: not a sensor model")
        self.manifest = package.manifest
        self.sha256 = package.sha256
        self._input = package.manifest.sensor
        self._session = Session(package.file(MODEL), threads)
        self.forecast(np.zeros((1, self._input.steps, self._input.features), np.float32))

    def forecast(
        self, sequences: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean and log sigma of the next value, each ``(n,)`` float32.

        Args:
            sequences: Float32 ``(n, steps, features)`` of the manifest, ``n >= 0``.  Rows do not
                influence each other, so how they are divided into runs is free.
        """
        mean = np.empty(len(sequences), np.float32)
        log_sigma = np.empty(len(sequences), np.float32)
        for start in range(0, len(sequences), _ROWS_PER_RUN):
            rows = slice(start, start + _ROWS_PER_RUN)
            answer = self._session.run(["mean", "log_sigma"], {"sequence": sequences[rows]})
            mean[rows], log_sigma[rows] = answer
        return mean, log_sigma


class OnnxLogModel:
    """Classifies normalized log lines; implements ``core.logscore.LogModel``.

    Args:
        package: A package of task ``log-classification``.
        threads: Intra-op threads of ONNX Runtime.

    Raises:
        ModelPackageError: Another task, or tokenizer or model do not load or run.
    """

    def __init__(self, package: Package, threads: int = 1) -> None:
        if package.manifest.log is None:
            raise ModelPackageError(f"{package.path}: not a log model")
        self.manifest = package.manifest
        self.sha256 = package.sha256
        self._input = package.manifest.log
        self._tokenizer = load_tokenizer(package.file(TOKENIZER), self._input.max_tokens)
        self.pairs = package.word_pairs()
        self._session = Session(package.file(MODEL), threads)
        self.logits("")

    def tokens(self, text: str) -> list[int]:
        """Return the token ids of ``text`` as the model sees them, at most ``max_tokens``."""
        return list(self._tokenizer.encode(text).ids)

    def logits(self, text: str) -> NDArray[np.float32]:
        """Return the raw logits of all heads, float32 ``(labels,)``."""
        first: NDArray[np.float32] = self._run([self.tokens(text)])[0]
        return first

    def logits_each(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what :meth:`logits` gives for each text, bit by bit, float32 ``(n, labels)``.

        Lines of one length share a run, so none is padded.  They may: our graphs scale the
        activations of every token by themselves, where a scale for the whole tensor would let
        neighbours decide how a line is rounded.

        Args:
            texts: Normalized lines, at least one.
        """
        rows = [self.tokens(text) for text in texts]
        places: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            places.setdefault(len(row), []).append(place)
        logits: dict[int, NDArray[np.float32]] = {}
        for alike in places.values():
            for start in range(0, len(alike), _LINES_PER_RUN):
                run = alike[start : start + _LINES_PER_RUN]
                logits |= zip(run, self._run([rows[place] for place in run]), strict=True)
        return np.stack([logits[place] for place in range(len(rows))])

    def _run(self, rows: Sequence[list[int]]) -> NDArray[np.float32]:
        """Return the logits of token rows of one length, float32 ``(n, labels)``."""
        tokens = np.array(rows, np.int64)
        feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
        return self._session.run(["logits"], feed)[0]


def load_tokenizer(file: Path, max_tokens: int) -> Tokenizer:
    """Return the tokenizer in ``file``, cutting at ``max_tokens`` and never padding.

    Raises:
        ModelPackageError: The file is no tokenizer.
    """
    try:
        tokenizer = Tokenizer.from_buffer(read(file))
    except ValueError as error:
        raise ModelPackageError(f"{file}: not a tokenizer: {error}") from error
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


class Session:
    """One model file in ONNX Runtime, set up for a small gateway.

    Spinning is off, because a gateway has other things to do between windows; so is the memory
    arena, which keeps the largest run's memory for ever.

    Args:
        file: The ONNX file.
        threads: Intra-op threads.

    Raises:
        ModelPackageError: ONNX Runtime does not load the file.
    """

    def __init__(self, file: Path, threads: int = 1) -> None:
        self._file = file
        runtime = _onnxruntime()
        self._foreign = _foreign()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3  # errors
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = runtime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except self._foreign as error:
            raise _flaw(file, error) from error

    def run(
        self, outputs: Sequence[str], feed: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        """Return the named outputs for ``feed``.

        Raises:
            ModelPackageError: The model does not take these inputs or fails while it runs.
        """
        try:
            answer: list[NDArray[np.float32]] = self._session.run(list(outputs), dict(feed))
        except self._foreign as error:
            raise _flaw(self._file, error) from error
        return answer


def _onnxruntime() -> Any:  # noqa: ANN401 - the wheel has no types
    """Return the module, with its telemetry off."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # noqa: PLC0415 - not before the line above

    return onnxruntime


def _foreign() -> tuple[type[Exception], ...]:
    """Return the errors of ONNX Runtime.

    They have no base of their own, so they are collected from the module that makes them; its
    Python half adds ``ValueError`` for inputs that the model does not have.
    """
    from onnxruntime.capi import onnxruntime_pybind11_state as native  # noqa: PLC0415

    kinds = [kind for kind in vars(native).values() if isinstance(kind, type)]
    return (RuntimeError, ValueError, *(kind for kind in kinds if issubclass(kind, Exception)))


def _flaw(file: Path, error: Exception) -> ModelPackageError:
    reason = " ".join(str(error).split())
    return ModelPackageError(f"{file}: ONNX Runtime: {reason}")


def selftest(path: Path, public_key: Path | None = None) -> str | None:
    """Run the stored sample of the package in ``path``; return what is wrong, or ``None``.

    The tolerance stored beside the sample covers what processors may differ in, the rounding of
    float32 and here and there one step of an eight-bit activation, and no more.
    """
    try:
        package = load_package(path, public_key)
        sample = json.loads(read(package.file(SELFTEST)))
        difference = _log_difference if package.manifest.log else _sensor_difference
        worst = difference(package, sample)
        tolerance = float(sample["tolerance"])
    except AgentError as error:
        return str(error)
    except (KeyError, TypeError, ValueError) as error:
        return f"{path / SELFTEST}: not a self-test: {error!r}"
    if worst <= tolerance:
        return None
    return f"{path / MODEL}: differs from its stored outputs by {worst:.3g}, above {tolerance:g}"


def _sensor_difference(package: Package, sample: Mapping[str, Any]) -> float:
    found = OnnxSensorModel(package).forecast(np.array(sample["sequence"], np.float32))
    return _worst(found, (sample["mean"], sample["log_sigma"]))


def _log_difference(package: Package, sample: Mapping[str, Any]) -> float:
    model = OnnxLogModel(package)
    lines = sample["lines"]
    if any(model.tokens(line["text"]) != line["tokens"] for line in lines):
        return float("inf")
    return _worst([model.logits(line["text"]) for line in lines], [x["logits"] for x in lines])


def _worst(found: Sequence[NDArray[np.float32]], stored: Sequence[Sequence[float]]) -> float:
    """Return the largest absolute difference; NaN counts as infinite."""
    worst = float(np.max(np.abs(np.array(found) - np.array(stored, np.float32))))
    return worst if np.isfinite(worst) else float("inf")


def verify_in_subprocess(
    path: Path, public_key: Path | None = None, *, timeout_s: float = SELFTEST_TIMEOUT_S
) -> str | None:
    """Run :func:`selftest` in a process of its own; return what is wrong, or ``None``.

    A processor that lacks an instruction kills the process that meets it: better this one.
    """
    command = [sys.executable, "-m", "edge_agent.io.runtime", str(path)]
    if public_key is not None:
        command.append(str(public_key))
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, check=False, timeout=timeout_s, text=True
        )
    except subprocess.TimeoutExpired:
        return f"{path}: the self-test took longer than {timeout_s:g} s"
    if done.returncode == 0:
        return None
    if done.returncode == _FLAWED:
        return done.stdout.strip()
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"{path}: the self-test was killed by {name}: this processor cannot run the model"
    last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return f"{path}: the self-test failed: {last[0]}"


def main(path: str, public_key: str | None = None) -> int:
    """Run the self-test of the package in ``path``; print what is wrong; return the exit code."""
    flaw = selftest(Path(path), Path(public_key) if public_key else None)
    if flaw is None:
        return 0
    sys.stdout.write(flaw + "\n")
    return _FLAWED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
