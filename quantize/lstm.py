"""A trained forecasting LSTM → an int8 model package (``quantize lstm``)."""

import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.manifest import Manifest, SensorInput, Task
from edge_agent.io.runtime import Session
from quantize import evaluate as measure
from quantize import package, report
from quantize.checkpoint import CONFIG, read_config, read_lstm, read_tensors, whole
from quantize.errors import ExportMismatch, PackageError
from quantize.evaluate import Gate, at_least, at_most
from quantize.export_lstm import float_lstm, int8_lstm
from quantize.graph import nodes
from quantize.report import Pair, Runners

Array = NDArray[np.float32]
_SAMPLES = 512  # synthetic sequences where no evaluation file is given
_SELFTEST_ROWS = 3
_DEPENDENCE_ROWS = 32  # so many forecasts are made alone, too
_TIMED_ROWS = (1, 8, 64, 512)
_SELFTEST_TOLERANCE = 0.02  # processors round float32 differently; an int8 step is about this much


@dataclass(frozen=True, slots=True)
class LstmBounds:
    """What the gates of an LSTM package demand.

    Attributes:
        rank_correlation: Of the residual scores, int8 against float32.
        mean_shift: Of the forecasts, int8 against float32, in forecast sigmas, 99th percentile.
        dependence: Largest change of a forecast when it is made alone instead of in a batch, or
            with two threads instead of one.
        model_bytes: Size of ``model.onnx``.
        slowdown: Time of int8 over time of float32 at 8 rows.
    """

    rank_correlation: float = 0.99
    mean_shift: float = 0.25
    dependence: float = 1e-6
    model_bytes: int = 100_000
    slowdown: float = 3.0


def quantize_lstm(
    checkpoint: Path,
    out: Path,
    evaluate: Path | None = None,
    *,
    bounds: LstmBounds | None = None,
    seed: int = 0,
) -> None:
    """Quantize the network in ``checkpoint`` and write the package folder ``out``.

    Args:
        checkpoint: A folder with ``config.json`` (features, hidden, steps, clip, name, version),
            ``model.safetensors``, the state dict of :class:`quantize.networks.ForecastLSTM`, and
            optionally ``MODEL_CARD.md``, which is taken over into the package.
        out: The package folder; it is written whole or not at all.
        evaluate: An ``.npz`` with ``sequence`` float32 ``(n, steps, features)`` and ``target``
            float32 ``(n,)``: held-back recordings.  Without it the gates run on noise.
        bounds: What the gates demand.
        seed: Of the noise.

    Raises:
        PackageError: The checkpoint or the evaluation file is unfit.
        ExportMismatch: The float32 graph does not compute what torch computes.
        GateFailed: The int8 network misses a bound.
    """
    bounds = bounds or LstmBounds()
    manifest, shape = _manifest(checkpoint)
    weights = read_lstm(checkpoint)
    sequences, targets = _recordings(evaluate, shape, seed)
    models = Pair(float_lstm(weights, shape.steps), int8_lstm(weights, shape.steps, shape.clip))
    with tempfile.TemporaryDirectory() as scratch:
        runners = models.saved(Path(scratch))
        exported = _exported(checkpoint, runners, sequences)
        speed = _latency(runners, sequences)
        gates = [
            *_agreement(runners, sequences, targets, bounds),
            at_least("int8_lstm_share", _int8_share(models), 1.0),
            at_most("model_bytes", models.small.ByteSize(), bounds.model_bytes),
            at_most("slowdown_at_8_rows", 1 / speed["8"]["speedup"], bounds.slowdown),
        ]
        measure.require(gates)
        sample = _selftest(runners.small, sequences)
    facts = {"evaluated_on": evaluate.name if evaluate else "noise", "rows": len(sequences)}
    document = report.document(manifest, models, [exported, *gates], speed, {**facts, "seed": seed})
    card = package.read_card(checkpoint, manifest)
    contents = package.Contents(manifest, models.small.SerializeToString(), document, sample, card)
    package.write(out, contents)


def _manifest(checkpoint: Path) -> tuple[Manifest, SensorInput]:
    config, file = read_config(checkpoint), checkpoint / CONFIG
    clip = config.get("clip")
    if not isinstance(clip, (int, float)) or not 0 < clip < np.inf:
        raise PackageError(f"{file}: clip must be a number above 0, not {clip!r}")
    shape = SensorInput(whole(config, "steps", file), whole(config, "features", file), float(clip))
    name, version = str(config.get("name", checkpoint.name)), str(config.get("version", "0"))
    return Manifest(name, version, Task.SENSOR_FORECAST, "int8", sensor=shape), shape


def _recordings(evaluate: Path | None, shape: SensorInput, seed: int) -> tuple[Array, Array]:
    """Return sequences and what followed them; noise where nothing was recorded."""
    if evaluate is None:
        draw = np.random.default_rng(seed)
        walk = draw.normal(0, 0.5, (_SAMPLES, shape.steps + 1, shape.features)).cumsum(axis=1)
        values = walk.clip(-shape.clip, shape.clip).astype(np.float32)
        return values[:, :-1], values[:, -1, 0]
    try:
        with np.load(evaluate) as arrays:
            sequences, targets = arrays["sequence"], arrays["target"]
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise PackageError(f"{evaluate}: no arrays sequence and target in it: {error}") from error
    expected = (len(targets), shape.steps, shape.features)
    if sequences.shape != expected or not len(targets):
        raise PackageError(f"{evaluate}: sequence is {sequences.shape}, must be {expected}")
    return sequences.astype(np.float32), targets.astype(np.float32)


def _exported(checkpoint: Path, runners: Runners, sequences: Array) -> Gate:
    """Return how far the float32 graph is from torch.

    Raises:
        ExportMismatch: Too far.
    """
    import torch  # noqa: PLC0415 - slow to import

    from quantize.networks import ForecastLSTM  # noqa: PLC0415

    config = read_config(checkpoint)
    network = ForecastLSTM(int(config["features"]), int(config["hidden"])).eval()
    state = {k: torch.from_numpy(v.copy()) for k, v in read_tensors(checkpoint).by_name.items()}
    network.load_state_dict(state)
    with torch.no_grad():
        truth = network(torch.from_numpy(sequences[:_SAMPLES]))
    found = forecast(runners.full, sequences[:_SAMPLES])
    worst = max(float(np.abs(f - t.numpy()).max()) for f, t in zip(found, truth, strict=True))
    gate = at_most("export_difference", worst, measure.EXPORT_TOLERANCE)
    if not gate.passed:
        raise ExportMismatch(f"{checkpoint}: {gate.sentence}")
    return gate


def forecast(session: Session, sequences: Array) -> tuple[Array, Array]:
    """Return mean and log sigma, each ``(n,)``."""
    mean, log_sigma = session.run(["mean", "log_sigma"], {"sequence": sequences})
    return mean, log_sigma


def _agreement(
    runners: Runners, sequences: Array, targets: Array, bounds: LstmBounds
) -> list[Gate]:
    full, full_log_sigma = forecast(runners.full, sequences)
    small, small_log_sigma = forecast(runners.small, sequences)
    full_score = np.abs(targets - full) / np.exp(full_log_sigma)
    small_score = np.abs(targets - small) / np.exp(small_log_sigma)
    shift = np.quantile(np.abs(small - full) / np.exp(full_log_sigma), 0.99)
    correlation = measure.rank_correlation(full_score, small_score)
    few = sequences[:_DEPENDENCE_ROWS]
    alone = np.concatenate([forecast(runners.small, few[i : i + 1])[0] for i in range(len(few))])
    threaded = forecast(Session(runners.small_file, threads=2), sequences)[0]
    return [
        at_least("score_rank_correlation", correlation, bounds.rank_correlation),
        at_most("mean_shift_in_sigmas", float(shift), bounds.mean_shift),
        at_most("batch_dependence", np.abs(alone - small[: len(few)]).max(), bounds.dependence),
        at_most("thread_dependence", np.abs(threaded - small).max(), bounds.dependence),
    ]


def _int8_share(models: Pair) -> float:
    kinds = Counter(node.op_type for node in nodes(models.small.graph))
    return kinds["DynamicQuantizeLSTM"] / (kinds["DynamicQuantizeLSTM"] + kinds["LSTM"])


def _latency(runners: Runners, sequences: Array) -> dict[str, dict[str, float]]:
    """Return medians on one thread, by the number of rows in a run."""
    speed = {}
    for rows in _TIMED_ROWS:
        batch = np.resize(sequences, (rows, *sequences.shape[1:]))
        taken = measure.latencies_ms(
            {
                "float32": partial(forecast, runners.full, batch),
                "int8": partial(forecast, runners.small, batch),
            }
        )
        speed[str(rows)] = {**taken, "speedup": taken["float32"] / taken["int8"]}
    return speed


def _selftest(session: Session, sequences: Array) -> dict[str, Any]:
    few = sequences[:_SELFTEST_ROWS]
    mean, log_sigma = forecast(session, few)
    return {
        "tolerance": _SELFTEST_TOLERANCE,
        "sequence": few.tolist(),
        "mean": mean.tolist(),
        "log_sigma": log_sigma.tolist(),
    }
