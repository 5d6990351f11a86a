"""The recipe of the default sensor package: ``quantize train-sensor --data DIR OUT``.

A forecaster for every channel of every machine: it learns from simulated plants and the few real
recordings whose licence allows it, all standardized as the device standardizes them, to say where
the next window's value will lie *if the machine is healthy*, and how sure that is.  What it reads
may be a fault in progress; what it is asked for never is (:mod:`quantize.machine_faults`).
"""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from edge_agent.core.calibration import LEAST_VALUES, fit_normal
from edge_agent.core.forecast import FEATURES, LEAST_SIGMA
from quantize import evaluate_sensor
from quantize.lstm import quantize_lstm
from quantize.machine_faults import with_faults
from quantize.networks import ForecastLSTM
from quantize.sensor_card import card
from quantize.sensor_series import Series, held_out_series, training_series
from quantize.simulate_series import simulate

Singles = NDArray[np.float32]

NAME, VERSION = "sensor-lstm", "0.2.0"
# 30 units and the two that int8 adds for its ranges fill whole registers.
HIDDEN, STEPS, CLIP = 30, 16, 6.0

SIMULATED, FRAMES = 4000, 800  # series and frames of each
COMMISSIONING = (60, 400)  # frames a series is standardized with, at least and at most
AVERAGED = (1, 2, 6, 12)  # a recording is also learned as if its windows were that much longer
BATCH, REAL_SHARE = 512, 0.125
UPDATES, RATE, DECAY = 3_000, 6e-3, 1e-3
EVALUATED_ROWS = 4096  # of held-out recordings, for the gates of int8

RECIPE = f"""\
{SIMULATED} simulated series of {FRAMES} windows each, standardized by their first
{COMMISSIONING[0]} to {COMMISSIONING[1]}, and the recordings below, as they are and averaged over
{", ".join(map(str, AVERAGED[1:]))} windows. {UPDATES} updates with {BATCH} sequences each, of which
{REAL_SHARE:.1%} real. Into two of three series one or two faults are put after commissioning
(shift, drift, noise, stuck value, spike, oscillation); the loss is the Gaussian negative
log-likelihood of every *healthy* value given what was shown before it."""


def train(data: Path, out: Path, *, seed: int = 0) -> None:
    """Train, quantize and measure the default package, and write it to ``out``.

    Args:
        data: The folder of the public data, with ``sensors`` in it.
        out: The package folder.
        seed: Of the simulated plants, the batches and the first weights.
    """
    network = fit(data / "sensors", seed)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, held_out = Path(folder) / "checkpoint", Path(folder) / "held-out.npz"
        save(network, checkpoint)
        save_held_out(data / "sensors", held_out)
        quantize_lstm(checkpoint, out, held_out, seed=seed)
        # The card holds what the finished package scores, so the package is written once more.
        text = card(evaluate_sensor.tables(data, out), RECIPE)
        (checkpoint / "MODEL_CARD.md").write_text(text)
        quantize_lstm(checkpoint, out, held_out, seed=seed)


def evaluate(data: Path, package: Path | None = None) -> None:
    """Print what ``package``, by default the shipped one, scores on recordings it never saw."""
    for table in evaluate_sensor.tables(data, package):
        print(table)


def fit(sensors: Path, seed: int, updates: int = UPDATES) -> ForecastLSTM:
    """Return the trained network."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # sums in one order, on any machine
    rng = np.random.default_rng(seed)
    began = time.monotonic()
    simulated = lessons(rng, simulate(rng, SIMULATED, FRAMES))
    real = lessons(rng, recorded(training_series(sensors)))
    network = ForecastLSTM(FEATURES, HIDDEN)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=updates)
    for update in range(updates):
        loss = surprise(network, *batch(rng, simulated, real))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if update % 1000 == 0 or update == updates - 1:
            print(f"update {update}: loss {loss.item():.3f}, {time.monotonic() - began:.0f} s")
    return network.eval()


def surprise(network: ForecastLSTM, shown: Tensor, healthy: Tensor) -> Tensor:
    """Return the mean Gaussian negative log-likelihood of healthy steps given those shown before.

    The LSTM is causal, so one pass over a sequence is a lesson in histories of all its lengths.

    Args:
        network: Read at every step here, and at the last one on the device.
        shown: Shape ``(n, STEPS + 1)``, perhaps with a fault; NaN where nothing was observed.
        healthy: The same without.
    """
    hidden, _ = network.lstm(features(shown[:, :-1]))
    mean, log_sigma = network.head(hidden).unbind(dim=-1)
    observed = ~healthy[:, 1:].isnan()
    error = healthy[:, 1:].nan_to_num().clamp(-CLIP, CLIP) - mean
    variance = torch.exp(2.0 * log_sigma.clamp(-5.0, 3.0)) + LEAST_SIGMA**2
    nll: Tensor = 0.5 * (error**2 / variance + variance.log())
    return nll[observed].mean()


def features(z: Tensor) -> Tensor:
    """Return what the model reads of ``z``: clipped values, and whether they were observed."""
    observed = ~z.isnan()
    values = z.nan_to_num().clamp(-CLIP, CLIP)
    return torch.stack((values, observed.float()), dim=-1)


def lessons(
    rng: np.random.Generator, series: Iterator[Singles] | Singles
) -> tuple[Singles, Singles]:
    """Return windows as a sensor shows them, with faults, and the same as they are healthy."""
    healthy = standardized(rng, series)
    shown = [with_faults(rng, z, min(COMMISSIONING[1], len(z) // 2)) for z in healthy]
    return windows(shown), windows(healthy)


def standardized(rng: np.random.Generator, series: Iterator[Singles] | Singles) -> list[Singles]:
    """Return the series in units of a commissioning of random length, as on a device."""
    result = []
    for values in series:
        frames = min(int(rng.integers(*COMMISSIONING)), len(values) // 2)
        shown = values[:frames].astype(np.float64)
        if np.count_nonzero(~np.isnan(shown)) >= LEAST_VALUES:
            normal = fit_normal(shown, np.arange(-1, frames - 1))
            result.append(((values - normal.centre) / normal.reach).astype(np.float32))
    return result


def recorded(series: list[Series]) -> Iterator[Singles]:
    """Yield recordings as they are, and averaged over some samples."""
    for one in series:
        for samples in AVERAGED:
            frames = len(one.values) // samples
            if frames > 2 * STEPS:
                pieces = one.values[: frames * samples].reshape(frames, samples)
                yield pieces.mean(axis=1).astype(np.float32)


def windows(series: list[Singles]) -> Singles:
    """Return overlapping windows of ``STEPS + 1`` frames, ``(n, STEPS + 1)``."""
    return np.stack(
        [z[i : i + STEPS + 1] for z in series for i in range(0, len(z) - STEPS, STEPS // 2)]
    )


def batch(
    rng: np.random.Generator, simulated: tuple[Singles, Singles], real: tuple[Singles, Singles]
) -> list[Tensor]:
    """Return lessons drawn from both, the few real ones more often than their number."""
    count = int(BATCH * REAL_SHARE)
    first = rng.integers(0, len(simulated[0]), BATCH - count)
    second = rng.integers(0, len(real[0]), count)
    return [
        torch.from_numpy(np.concatenate((some[first], others[second])))
        for some, others in zip(simulated, real, strict=True)
    ]


def save(network: ForecastLSTM, folder: Path) -> None:
    """Write the checkpoint that ``quantize lstm`` reads."""
    folder.mkdir(parents=True)
    save_file(network.state_dict(), folder / "model.safetensors")
    config = {"features": FEATURES, "hidden": HIDDEN, "steps": STEPS, "clip": CLIP}
    document = {"name": NAME, "version": VERSION, **config}
    (folder / "config.json").write_text(json.dumps(document, indent=2))


def save_held_out(sensors: Path, file: Path) -> None:
    """Write sequences and what followed them, of recordings that no weight was fitted to."""
    rng = np.random.default_rng(0)
    z = windows(standardized(rng, recorded(held_out_series(sensors))))
    z = z[~np.isnan(z).any(axis=1)]
    drawn = torch.from_numpy(z[rng.permutation(len(z))[:EVALUATED_ROWS]])
    sequence, target = features(drawn[:, :-1]).numpy(), drawn[:, -1].clamp(-CLIP, CLIP).numpy()
    np.savez(file, sequence=sequence, target=target)
