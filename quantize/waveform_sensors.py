"""Faulty sensors of waveforms, injected and not, for ``quantize evaluate-sensor-faults``.

Bearings that run to failure, seeded faults and shorted windings are machine faults: none of their
blocks may be taken for a broken accelerometer's or current clamp's.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.records import NS_PER_S
from edge_agent.core.waveformwatch import WaveformState, WaveformWatch

Blocks = NDArray[np.float32]  # (n, samples)

_FEMTO_LEARNED = 150  # snapshots, of 750 or more
_CWRU_BLOCK, _ITSC_BLOCK = 6000, 500
_CWRU_LEARNED = 3  # times over: there are only five blocks of the healthy bearing
_CLIPPED, _HOLED = 0.6, 0.25  # of the largest magnitude; of the samples

_FAULTS: dict[str, Callable[[Blocks], Blocks]] = {
    "dead": np.zeros_like,
    "stuck": lambda block: np.full_like(block, 0.7),
    "clipped at 0.6 of its peak": lambda block: block.clip(
        -_CLIPPED * np.abs(block).max(), _CLIPPED * np.abs(block).max()
    ),
    "a quarter of it zero": lambda block: np.where(
        np.arange(block.size) < _HOLED * block.size, np.float32(0), block
    ),
    "times 1000": lambda block: 1000 * block,
}


def injected_rows(sensors: Path) -> list[tuple[str, str, str]]:
    """Return name, blocks and share found of faults injected into FEMTO's healthy snapshots."""
    found = dict.fromkeys(_FAULTS, 0)
    blocks = 0
    for snapshots in _femto(sensors):
        learned = snapshots[:_FEMTO_LEARNED]
        for block in snapshots[_FEMTO_LEARNED : 2 * _FEMTO_LEARNED : 10]:
            blocks += 1
            for name, inject in _FAULTS.items():
                found[name] += _claims(learned, [inject(block)])
    return [
        (name, str(blocks), f"{100 * count / blocks:.0f} %" if blocks else "-")
        for name, count in found.items()
    ]


def hidden_rows(sensors: Path) -> list[tuple[str, str, str]]:
    """Return name, blocks and those that were taken for a faulty sensor's."""
    rows = []
    for name, recordings in (
        ("FEMTO, runs to failure", [(s[:_FEMTO_LEARNED], s) for s in _femto(sensors)]),
        ("CWRU, seeded faults", list(_cwru(sensors))),
        ("ITSC, shorted windings", list(_itsc(sensors))),
    ):
        count = sum(len(blocks) for _, blocks in recordings)
        taken = sum(_claims(learned, blocks) for learned, blocks in recordings)
        rows.append((name, str(count), str(taken)))
    return rows


def _claims(learned: Iterable[Blocks], blocks: Iterable[Blocks]) -> int:
    """Return how many of ``blocks`` show a fault, after the sensor was ``learned``."""
    watch = WaveformWatch("channel", WaveformState(0))
    for block in learned:
        watch.take(block, 0, NS_PER_S)
    watch.state.learned = True
    claims = 0
    for block in blocks:
        watch.take(block, NS_PER_S, NS_PER_S)
        claims += watch.claim is not None
    return claims


def _femto(sensors: Path) -> Iterator[Blocks]:
    """Yield the snapshots of each axis of each run."""
    for path in sorted(sensors.glob("femto/raw_*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            acc = (arrays["acc"] * float(arrays["acc_scale"])).astype(np.float32)
        yield from np.moveaxis(acc, 2, 0)


def _cwru(sensors: Path) -> Iterator[tuple[Blocks, Blocks]]:
    recordings = {}
    for path in sorted(sensors.glob("cwru/*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            values = (arrays["DE"] * float(arrays["DE_scale"])).astype(np.float32)
        size = values.size // _CWRU_BLOCK * _CWRU_BLOCK
        recordings[path.stem] = values[:size].reshape(-1, _CWRU_BLOCK)
    healthy = [blocks for name, blocks in recordings.items() if "Normal" in name]
    for name, blocks in recordings.items():
        if healthy and "Normal" not in name:
            yield np.tile(healthy[0], (_CWRU_LEARNED, 1)), blocks


def _itsc(sensors: Path) -> Iterator[tuple[Blocks, Blocks]]:
    """Yield a block in which the winding may be shorted already, and the rest of the recording."""
    path = sensors / "itsc" / "motor_current.npz"
    with np.load(path, allow_pickle=False) as arrays:
        current = arrays["current"].astype(np.float32)
    for phase in np.moveaxis(current, 2, 1).reshape(-1, current.shape[1]):
        blocks = phase.reshape(-1, _ITSC_BLOCK)
        yield blocks[:1], blocks[1:]
