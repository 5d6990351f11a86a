"""The learned normal of many signals together: where each lies, and which of them move together.

Every signal's deviation becomes evidence on one scale (:mod:`calibration`); evidence is then freed
of the correlation that commissioning saw (a whitening after Mahalanobis, symmetric, so that each
part still belongs to one signal).  That is Hotelling's T² and the squared prediction error Q of a
principal component analysis in one: along directions in which the signals move together a deviation
counts little, against them, as when two that were coupled part, it counts much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypedDict

import numpy as np

from edge_agent.core.calibration import (
    LEAST_VALUES,
    POWER,
    Floats,
    Normal,
    Places,
    Times,
    evidence,
    fit_normal,
    predecessors,
)
from edge_agent.core.packing import pack, unpack

_BLOCK = 32  # signals: a correlation among more than these cannot be learned from so few windows
_TINY = float(np.finfo(np.float64).tiny)  # in place of 0, to divide by
_UNKNOWN = Normal(0.0, 1e300, 1.0)  # of a signal that was not seen often enough: never deviates


@dataclass(frozen=True, slots=True)
class Frames:
    """What ``k`` signals showed in ``n`` frames of one length.

    ``values`` is ``(n, k)``, each column in its signal's unit, NaN where missing; ``starts_ns`` and
    ``ends_ns`` are ``(n,)``, rising.  One frame in ``thinning`` was kept.
    """

    values: Floats
    starts_ns: Times
    ends_ns: Times
    thinning: float = 1.0

    @property
    def length_ns(self) -> int:
        """Of every frame."""
        return int(self.ends_ns[0] - self.starts_ns[0])

    @property
    def predecessors(self) -> Places:
        """By frame, the place of the one a window earlier, -1 where there is none."""
        return predecessors(self.starts_ns, self.ends_ns)

    @property
    def share(self) -> float:
        """How many windows that do not overlap there are for each of the frames, up to 1."""
        hops_ns = np.diff(self.ends_ns)
        return min(1.0, float(np.median(hops_ns)) / self.length_ns) if len(hops_ns) else 1.0

    def only(self, places: Places) -> "Frames":
        """Return some of the frames."""
        spans = self.starts_ns[places], self.ends_ns[places]
        return Frames(self.values[places], *spans, self.thinning)


class ReferenceState(TypedDict):
    """A reference as JSON; arrays are packed."""

    normals: str
    families: list[int]
    whitening: list[str]


@dataclass(frozen=True, slots=True)
class Reference:
    """What is normal for ``k`` signals.

    ``centre``, ``reach`` and ``freedom`` have shape ``(k,)``, the first two in each signal's unit;
    ``families`` counts the signals that may be correlated, in order; ``whitening`` holds a square
    array for each block of them, as exact as float32.
    """

    centre: Floats
    reach: Floats
    freedom: Floats
    families: tuple[int, ...]
    whitening: tuple[Floats, ...]

    def deviations(self, values: Floats) -> Floats:
        """Return how far values ``(..., k)`` lie from their centres, in reaches."""
        return (values - self.centre) / self.reach

    def evidence(self, deviations: Floats) -> Floats:
        """Return the evidence of deviations ``(..., k)``, each by itself; 0 where missing."""
        found = evidence(deviations, self.freedom)
        return np.where(np.isnan(found), 0.0, found)

    def parts(self, seen: Floats) -> Floats:
        """Return evidence ``(..., k)``, from :meth:`evidence`, with correlation removed."""
        parts, start = np.empty_like(seen), 0
        for block in self.whitening:
            stop = start + block.shape[-1]
            parts[..., start:stop] = seen[..., start:stop] @ block
            start = stop
        return parts

    @property
    def state(self) -> ReferenceState:
        """Everything held, fit for ``json.dumps``."""
        return {
            "normals": pack(np.stack((self.centre, self.reach, self.freedom))),
            "families": list(self.families),
            "whitening": [pack(block.astype(np.float32)) for block in self.whitening],
        }


def restored(state: ReferenceState) -> Reference:
    """Return the reference that gave ``state``.

    Raises:
        KeyError, TypeError, ValueError: ``state`` is of no reference.
    """
    families = tuple(int(size) for size in state["families"])
    centre, reach, freedom = unpack(state["normals"], np.float64).reshape(3, sum(families))
    sizes = [block.stop - block.start for block in _blocks(families)]
    packed = zip(state["whitening"], sizes, strict=True)
    blocks = [unpack(text, np.float32).reshape(size, size) for text, size in packed]
    whitening = tuple(block.astype(np.float64) for block in blocks)
    return Reference(centre, reach, freedom, families, whitening)


def stacked(references: Sequence[Reference]) -> Reference:
    """Return ``n`` references of the same families as one, for a frame of each, ``(n, 1, k)``."""
    count = len(references)
    centre, reach, freedom = (
        np.concatenate(arrays).reshape(count, 1, -1)
        for arrays in zip(*((r.centre, r.reach, r.freedom) for r in references), strict=True)
    )
    whitening = tuple(
        np.concatenate(blocks).reshape(count, len(blocks[0]), -1)
        for blocks in zip(*(r.whitening for r in references), strict=True)
    )
    return Reference(centre, reach, freedom, references[0].families, whitening)


def fit_reference(frames: Frames, families: Sequence[int]) -> Reference:
    """Return what is normal, as the frames of commissioning show it.

    Args:
        frames: What was shown.
        families: How many signals in a row may be correlated with each other, summing to ``k``.
    """
    values, lie = frames.values, (frames.predecessors, frames.share, frames.thinning)
    normals = [_fit_if_seen(column, *lie) for column in values.T]
    centre = np.array([normal.centre for normal in normals])
    reach = np.array([normal.reach for normal in normals])
    freedom = np.array([normal.freedom for normal in normals])
    seen = np.nan_to_num(evidence((values - centre) / reach, freedom))
    windows = len(seen) * frames.share
    whitening = tuple(_whitening(seen[:, block], windows) for block in _blocks(families))
    return Reference(centre, reach, freedom, tuple(families), whitening)


def joint(parts: Floats, weights: Floats) -> Floats:
    """Return the score of parts ``(..., k)``: their power mean, 1.17 for many Gaussian signals.

    Args:
        parts: From :meth:`Reference.parts`.
        weights: Of the signals, of the same shape; 0 for those that are missing.
    """
    total = weights.sum(axis=-1)
    cubes = (np.abs(parts) ** POWER * weights).sum(axis=-1)
    mean: Floats = (cubes / np.maximum(total, _TINY)) ** (1.0 / POWER)
    return mean


def _blocks(families: Sequence[int]) -> list[slice]:
    """Return the blocks of signals that are freed of their correlation together."""
    blocks, start = [], 0
    for size in families:
        edges = [*range(start, start + size, _BLOCK), start + size]
        blocks += [slice(a, b) for a, b in pairwise(edges)]
        start += size
    return blocks


def _fit_if_seen(column: Floats, before: Places, share: float, thinning: float) -> Normal:
    if np.count_nonzero(~np.isnan(column)) < LEAST_VALUES:
        return _UNKNOWN
    return fit_normal(column, before, share, thinning)


def _whitening(seen: Floats, windows: float) -> Floats:
    """Return the symmetric inverse root of the correlation of ``seen``, ``(n, k)``.

    A correlation and not a covariance: the scale of every signal is known already, and better.  It
    is shrunk towards independence by its (k - 1) / 2 free numbers a signal against ``windows``
    values a signal: a few dozen windows overstate correlations.  It is as exact as snapshots are,
    so that a restart changes no score.
    """
    signals = seen.shape[1]
    shrinkage = signals / (signals + 2.0 * windows)
    moments = seen.T @ seen
    scale = np.sqrt(np.maximum(np.diag(moments), _TINY))
    correlation = (1.0 - shrinkage) * moments / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    root = (vectors / np.sqrt(values)) @ vectors.T
    rounded: Floats = root.astype(np.float32).astype(np.float64)
    return rounded
