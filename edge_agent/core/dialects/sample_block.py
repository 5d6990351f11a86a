"""Evenly spaced samples: the checks that JSON and binary blocks share."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.dialects.source import Source
from edge_agent.core.dialects.times import Stamp
from edge_agent.core.records import NS_PER_S, Block, Decoded, RejectReason, TimeQuality

MIN_RATE_HZ, MAX_RATE_HZ = 1e-3, 1e7

# A block with this many holes is no waveform any more, and each hole costs a record.
MAX_RUNS = 16


class Heading(NamedTuple):
    """What is said about samples beside them."""

    channel: str  # already checked
    rate_hz: float | None  # as stated, unchecked; None if it is not stated
    first: Stamp | None  # of the first sample; None: the last one was taken on receipt


def decode_list(samples: Sequence[object], heading: Heading, source: Source) -> list[Decoded]:
    """Return the blocks in a JSON array of samples.

    Args:
        samples: Numbers, numeric text, booleans; ``None`` is a missing sample.
        heading: What the payload says about them.
        source: The message.
    """
    if len(samples) > source.caps.window_samples:
        return [source.reject(RejectReason.TOO_LARGE, f"a block of {len(samples)} samples")]
    try:
        values = np.array(samples, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return [source.reject(RejectReason.NOT_A_NUMBER, "a sample that is no number")]
    if values.ndim != 1:
        return [source.reject(RejectReason.UNKNOWN_SHAPE, "samples in more than one dimension")]
    missing = samples.count(None)
    return decode_array(values, heading, source, missing)


def decode_array(
    values: NDArray[np.floating], heading: Heading, source: Source, missing: int = 0
) -> list[Decoded]:
    """Return ``values`` as blocks without a hole: one, or one for each run between missing samples.

    Args:
        values: Shape ``(n,)``; NaN or infinite where there is no sample.
        heading: What is said about them.
        source: The message.
        missing: How many samples the payload itself calls missing; further holes are rejects.
    """
    rate_hz = heading.rate_hz
    if rate_hz is None or not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        detail = f"not between {MIN_RATE_HZ} and {MAX_RATE_HZ} Hz"
        return [source.reject(RejectReason.BAD_RATE, detail)]
    if not values.size:
        return [source.reject(RejectReason.EMPTY, "a block without samples")]
    with np.errstate(over="ignore", invalid="ignore"):
        samples = values.astype(np.float32, copy=False)
    finite = np.isfinite(samples)
    holes = samples.size - int(np.count_nonzero(finite))
    runs = [(0, samples.size)] if holes == 0 else _runs(finite)
    if len(runs) > MAX_RUNS:
        return [source.reject(RejectReason.NOT_A_NUMBER, f"{holes} holes in one block")]
    span_ns = round((samples.size - 1) * NS_PER_S / rate_hz)
    at = heading.first or Stamp(source.received_ns - span_ns, TimeQuality.RECEIVED)
    decoded: list[Decoded] = [
        Block(
            source.asset,
            heading.channel,
            at.at_ns + round(first * NS_PER_S / rate_hz),
            rate_hz,
            samples[first:end],
            at.quality,
        )
        for first, end in runs
    ]
    if holes > missing:
        detail = f"{holes - missing} of {samples.size} samples are not finite"
        decoded.append(source.reject(RejectReason.NOT_A_NUMBER, detail))
    return decoded


def _runs(finite: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return ``(first, end)`` of every stretch of true values."""
    edges = np.flatnonzero(np.diff(finite, prepend=False, append=False))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]
