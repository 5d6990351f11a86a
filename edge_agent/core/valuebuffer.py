"""The process values that one channel holds until its windows close."""

from array import array
from bisect import bisect_left
from typing import Self

import numpy as np

from edge_agent.core.records import RejectReason
from edge_agent.core.samples import BufferState, Cut, pack, unpack_float32, unpack_int64

LOAD_OF_READING = 4  # in samples of 4 bytes: time, value, rank and what the arrays keep in reserve


class ValueBuffer:
    """Readings of one channel, sorted by time, each time once.

    Readings come nearly always in order, a few a second, and from many channels: appending to
    C arrays costs no object per sample, and numpy has to be paid for only when a window is cut.

    Args:
        capacity: The most readings to hold, at least 1.
    """

    __slots__ = ("_at_ns", "_capacity", "_ranks", "_values")

    rate_hz = None

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._at_ns = array("q")
        self._values = array("f")
        self._ranks = bytearray()

    @property
    def load(self) -> int:
        """What is held, in samples of 4 bytes."""
        return LOAD_OF_READING * len(self._at_ns)

    def push(self, at_ns: int, value: float, rank: int) -> RejectReason | None:
        """Take one reading, or say why not.

        Returns:
            ``DUPLICATE`` when a reading of that time is held: the first one stays, because the
            second is as a rule the same message delivered again.  ``TOO_LARGE`` when the buffer
            overflowed and the oldest eighth went: making room for one reading at a time would
            move all the others each time.
        """
        times = self._at_ns
        if not times or at_ns > times[-1]:
            times.append(at_ns)
            self._values.append(value)
            self._ranks.append(rank)
        else:
            where = bisect_left(times, at_ns)
            if times[where] == at_ns:
                return RejectReason.DUPLICATE
            times.insert(where, at_ns)
            self._values.insert(where, value)
            self._ranks.insert(where, rank)
        if len(times) > self._capacity:
            self._drop(max(1, self._capacity // 8))
            return RejectReason.TOO_LARGE
        return None

    def first_ns(self) -> int | None:
        """Return the time of the oldest reading, ``None`` when there is none."""
        return self._at_ns[0] if self._at_ns else None

    def cut(self, start_ns: int, end_ns: int) -> Cut | None:
        """Return the readings with ``start_ns <= t < end_ns``, ``None`` when there are none."""
        first, last = bisect_left(self._at_ns, start_ns), bisect_left(self._at_ns, end_ns)
        if first == last:
            return None
        return Cut(
            at_ns=np.frombuffer(self._at_ns[first:last], dtype=np.int64),
            values=np.frombuffer(self._values[first:last], dtype=np.float32),
            rank=max(self._ranks[first:last]),
        )

    def drop_before(self, at_ns: int) -> None:
        """Forget the readings older than ``at_ns``."""
        self._drop(bisect_left(self._at_ns, at_ns))

    def shed(self, load: int) -> None:
        """Forget the oldest readings, ``load`` or an eighth, whatever is more; the newest stays."""
        held = len(self._at_ns)
        count = max(-(-load // LOAD_OF_READING), held // 8)
        self._drop(min(count, held - 1))

    def snapshot(self) -> BufferState:
        """Return everything held; the marks are the times, then the ranks."""
        times = np.frombuffer(self._at_ns, dtype=np.int64)
        ranks = np.frombuffer(self._ranks, dtype=np.uint8).astype(np.int64)
        return {
            "rate_hz": None,
            "marks": pack(np.concatenate((times, ranks))),
            "values": pack(np.frombuffer(self._values, dtype=np.float32)),
        }

    @classmethod
    def restored(cls, state: BufferState, capacity: int) -> Self:
        """Return the buffer that ``state`` was taken from."""
        buffer = cls(capacity)
        times, ranks = np.split(unpack_int64(state["marks"]), 2)
        buffer._at_ns.frombytes(times.tobytes())
        buffer._values.frombytes(unpack_float32(state["values"]).tobytes())
        buffer._ranks.extend(ranks.astype(np.uint8).tobytes())
        return buffer

    def _drop(self, count: int) -> None:
        del self._at_ns[:count]
        del self._values[:count]
        del self._ranks[:count]
