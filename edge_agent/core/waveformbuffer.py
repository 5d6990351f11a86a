"""The sample blocks that one channel holds until its windows close.

A block carries one time, and those times jitter: a gateway stamps a block when its task runs, by
milliseconds early or late, while the converter behind it samples without a break.  Taken literally,
such blocks would overlap or leave gaps of dozens of samples.  So a block that starts where its
predecessor ends, give or take a tolerance, is read as its continuation: its samples stay on the
even grid of the run.  A block beyond the tolerance starts a run of its own, at its own time.

The tolerance is half of the shorter of the two blocks, so that a block delivered twice never looks
like its own continuation, and not above 20 ms, lest real gaps be closed; a block that carries
only the time of its receipt gets the whole half, because networks delay by more.  It is never less
than half a sample period.  A clock that drifts against the converter is followed in steps of the
tolerance: ahead, a gap opens; behind, the samples that would run back in time are left out.

Blocks are placed when a window is cut, in the order of their times.  So neither the order of
arrival nor the places where a stream was cut into blocks leave a trace in the windows, as long as
the jitter is less than half a sample period; with more, blocks may differ that are so short that
the tolerance shrinks below the jitter.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose
from operator import attrgetter
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.records import NS_PER_S, RejectReason, TimeQuality
from edge_agent.core.samples import (
    RANK,
    BufferState,
    Cut,
    pack,
    unpack_float32,
    unpack_int64,
)

_by_stamp = attrgetter("stamp_ns")

JITTER_NS = 20_000_000  # above the 15.6 ms tick by which some gateways still tell the time
SAMPLES_PER_STRETCH = 64  # what a stretch takes in memory besides its samples, in samples
UNPLACED = -1
SAME_RATE = 1e-3  # some sources measure their rate anew for each block


@dataclass(slots=True)
class _Stretch:
    """Samples of one block: where their source put them, and where the buffer has placed them."""

    stamp_ns: int  # the source's time of the first sample, before any was dropped
    length: int  # of the block as it came: dropping samples must not narrow the tolerance
    rank: int
    values: NDArray[np.float32]
    dropped: int = 0  # samples from the front
    origin_ns: int = 0  # where the run begins ...
    offset: int = UNPLACED  # ... and the index in it of the first sample


class WaveformBuffer:
    """Sample blocks of one channel at one rate, sorted by time, without overlaps.

    Args:
        rate_hz: Samples per second, above 0.
        capacity: The most samples to hold; a block counts ``SAMPLES_PER_STRETCH`` on top.
    """

    __slots__ = ("_capacity", "_load", "_stretches", "rate_hz")

    def __init__(self, rate_hz: float, capacity: int) -> None:
        self.rate_hz = rate_hz
        self._capacity = capacity
        self._stretches: list[_Stretch] = []
        self._load = 0

    @property
    def load(self) -> int:
        """What is held, in samples of 4 bytes."""
        return self._load

    def takes(self, rate_hz: float) -> bool:
        """Return whether blocks of ``rate_hz`` belong here; the rate of the first block stays."""
        return isclose(rate_hz, self.rate_hz, rel_tol=SAME_RATE)

    def push(
        self, stamp_ns: int, values: NDArray[np.float32], rank: int
    ) -> tuple[RejectReason, ...]:
        """Take the samples that are not held yet; shape ``(n,)``, ``n >= 1``; they are copied.

        Returns:
            ``DUPLICATE`` when some samples were held already, ``TOO_LARGE`` when the buffer
            overflowed and its oldest samples went; each at most once.
        """
        stretches = self._stretches
        block = _Stretch(stamp_ns, values.size, rank, values.copy())
        where = bisect_right(stretches, stamp_ns, key=_by_stamp)
        parts = self._unheld(block, stretches[max(where - 1, 0) :])
        for first, stop in parts:
            part = block.values[first:stop]
            self._insert(_Stretch(stamp_ns + self._span_ns(first), part.size, rank, part))
        duplicate = (RejectReason.DUPLICATE,) if parts != [(0, values.size)] else ()
        excess = self._load - self._capacity
        if excess <= 0:
            return duplicate
        self.shed(excess)
        return (*duplicate, RejectReason.TOO_LARGE)

    def shed(self, load: int) -> None:
        """Forget the oldest samples, ``load`` with what they need besides; the newest stays."""
        target = self._load - load
        count = 0
        while self._load > target and count < len(self._stretches) - 1:
            self._load -= self._stretches[count].values.size + SAMPLES_PER_STRETCH
            count += 1
        del self._stretches[:count]
        if self._load > target:
            alone = self._stretches[0]
            self._trim(alone, max(0, min(self._load - target, alone.values.size - 1)))

    def first_ns(self) -> int | None:
        """Return the time of the oldest sample, ``None`` when there is none."""
        before = None
        for stretch in self._stretches:
            origin_ns, offset = self._place(before, stretch)
            if stretch.values.size:
                return origin_ns + self._span_ns(offset)
            before = stretch
        return None

    def cut(self, start_ns: int, end_ns: int) -> Cut | None:
        """Return the samples with ``start_ns <= t < end_ns``, ``None`` when there are none."""
        times, values, rank, last_ns = [], [], 0, start_ns - 1
        for stretch in self._placed(end_ns):
            if self._after_ns(stretch) <= start_ns:
                continue
            first, stop = self._first_at(stretch, last_ns + 1), self._first_at(stretch, end_ns)
            if first < stop:
                at_ns = self._times(stretch, first, stop)
                times.append(at_ns)
                values.append(stretch.values[first:stop])
                rank = max(rank, stretch.rank)
                last_ns = int(at_ns[-1])
        if not times:
            return None
        return Cut(np.concatenate(times), np.concatenate(values), rank)

    def drop_before(self, at_ns: int) -> None:
        """Forget the samples older than ``at_ns``, but not the grid that they stood on."""
        emptied = 0
        for stretch in self._placed(at_ns):
            if self._after_ns(stretch) <= at_ns:
                self._trim(stretch, stretch.values.size)
                emptied += 1
            else:
                self._trim(stretch, self._first_at(stretch, at_ns))
        # The last one shows where the next block has to start in order to continue the run.
        if emptied > 1:
            del self._stretches[: emptied - 1]
            self._load -= (emptied - 1) * SAMPLES_PER_STRETCH

    def snapshot(self) -> BufferState:
        """Return everything held; the marks are seven numbers for each stretch."""
        marks = [
            (s.stamp_ns, s.length, s.rank, s.dropped, s.origin_ns, s.offset, s.values.size)
            for s in self._stretches
        ]
        values = [s.values for s in self._stretches]
        return {
            "rate_hz": self.rate_hz,
            "marks": pack(np.array(marks, dtype=np.int64).ravel()),
            "values": pack(np.concatenate(values) if values else np.empty(0, dtype=np.float32)),
        }

    @classmethod
    def restored(cls, state: BufferState, rate_hz: float, capacity: int) -> Self:
        """Return the buffer that ``state`` was taken from."""
        buffer = cls(rate_hz, capacity)
        values = unpack_float32(state["values"])
        first = 0
        for marks in unpack_int64(state["marks"]).reshape(-1, 7).tolist():
            stamp_ns, length, rank, dropped, origin_ns, offset, size = marks
            held = values[first : first + size]
            buffer._insert(_Stretch(stamp_ns, length, rank, held, dropped, origin_ns, offset))
            first += size
        return buffer

    def _span_ns(self, samples: int) -> int:
        """Return how long ``samples`` samples take.

        Always counted from the start of a run and rounded once, never summed up: one multiplication
        and one division in float64 are within 1 ns of the true grid for 100 days.
        """
        return round(samples * NS_PER_S / self.rate_hz)

    def _after_ns(self, stretch: _Stretch) -> int:
        """Return when the sample behind the last one of ``stretch`` is due."""
        return stretch.origin_ns + self._span_ns(stretch.offset + stretch.values.size)

    def _first_at(self, stretch: _Stretch, at_ns: int) -> int:
        """Return the index in ``stretch`` of its first sample not before ``at_ns``.

        Calculated, because a long block is cut into many windows and must not be walked for each.
        """
        since_ns = at_ns - stretch.origin_ns
        index = round(since_ns * self.rate_hz / NS_PER_S)
        # Rounding puts the estimate one off at most places; at high rates the grid of ns is coarse.
        while self._span_ns(index) < since_ns:
            index += 1
        while self._span_ns(index - 1) >= since_ns:
            index -= 1
        return min(max(index - stretch.offset, 0), stretch.values.size)

    def _times(self, stretch: _Stretch, first: int, stop: int) -> NDArray[np.int64]:
        """Return the times of some samples, by the same arithmetic as ``_span_ns``."""
        index = np.arange(stretch.offset + first, stretch.offset + stop, dtype=np.float64)
        return stretch.origin_ns + np.rint(index * NS_PER_S / self.rate_hz).astype(np.int64)

    def _tolerance_ns(self, one: _Stretch, other: _Stretch, jitter_ns: int) -> int:
        """Return by how much two blocks may overlap or lie apart and still be neighbours."""
        half_ns = (self._span_ns(min(one.length, other.length)) - 1) // 2
        if max(one.rank, other.rank) < RANK[TimeQuality.RECEIVED]:
            half_ns = min(half_ns, jitter_ns)
        return max(half_ns, self._span_ns(1) // 2)

    def _unheld(self, block: _Stretch, neighbours: list[_Stretch]) -> list[tuple[int, int]]:
        """Return the parts of ``block``, as first and stop index, that no neighbour covers."""
        size = block.values.size
        end_ns = block.stamp_ns + self._span_ns(size)
        parts, done = [], 0
        for held in neighbours:
            if held.stamp_ns >= end_ns:
                break
            apart = round((held.stamp_ns - block.stamp_ns) * self.rate_hz / NS_PER_S)
            first = apart + held.dropped
            stop = first + held.values.size
            shared = min(stop, size) - max(first, done)
            # Two stamps are compared here, and both jitter; the grid of a run does not.
            if self._span_ns(shared) <= self._tolerance_ns(held, block, 2 * JITTER_NS):
                continue
            if first > done:
                parts.append((done, first))
            done = max(done, stop)
        if done < size:
            parts.append((done, size))
        return parts

    def _placed(self, end_ns: int) -> Iterator[_Stretch]:
        """Yield the stretches that start before ``end_ns``, in order, and place them for good.

        Those behind it stay unplaced: what belongs between may still come.
        """
        before = None
        for stretch in self._stretches:
            origin_ns, offset = self._place(before, stretch)
            if origin_ns + self._span_ns(offset) >= end_ns:
                return
            stretch.origin_ns, stretch.offset = origin_ns, offset
            yield stretch
            before = stretch

    def _place(self, before: _Stretch | None, stretch: _Stretch) -> tuple[int, int]:
        """Return origin and offset of ``stretch``: in the run of ``before``, or in a new one."""
        if stretch.offset != UNPLACED:
            return stretch.origin_ns, stretch.offset
        if before is not None:
            start_ns = stretch.stamp_ns + self._span_ns(stretch.dropped)
            apart_ns = abs(start_ns - self._after_ns(before))
            if apart_ns <= self._tolerance_ns(before, stretch, JITTER_NS):
                return before.origin_ns, before.offset + before.values.size
        return stretch.stamp_ns, stretch.dropped

    def _trim(self, stretch: _Stretch, count: int) -> None:
        """Drop the first ``count`` samples of ``stretch``."""
        if not count:
            return
        stretch.dropped += count
        kept = stretch.values[count:]
        # A view keeps the whole block in memory: copied whenever half is gone, that stays bounded.
        behind = kept.base
        wasteful = isinstance(behind, np.ndarray) and behind.size >= 2 * kept.size
        stretch.values = kept.copy() if wasteful else kept
        if stretch.offset != UNPLACED:
            stretch.offset += count
        self._load -= count

    def _insert(self, stretch: _Stretch) -> None:
        insort(self._stretches, stretch, key=_by_stamp)
        self._load += stretch.values.size + SAMPLES_PER_STRETCH
