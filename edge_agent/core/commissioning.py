"""What an asset shows while its normal is being learned, in bounded memory."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.calibration import LEAST_VALUES, Floats
from edge_agent.core.packing import pack, unpack

LEAST_FRAMES = 30  # to learn from, however short commissioning is set

_MOST_FRAMES = 512
_MOST_SIGNALS = 1024  # more than the windows of one asset can show at a time
_RUN_FRAMES = 64  # kept or dropped together, so that most sequences stay whole
_SPANS: tuple[Literal["numbers", "starts_ns", "ends_ns"], ...] = ("numbers", "starts_ns", "ends_ns")


@dataclass(frozen=True, slots=True)
class Shown:
    """The frames that were kept of commissioning, in order of time.

    ``starts_ns`` and ``ends_ns`` have shape ``(n,)``; ``table`` is ``(n, signals)``, each column in
    its signal's unit, NaN where the signal was missing.  One run of frames in ``thinning`` stays.
    """

    names: tuple[str, ...]
    starts_ns: NDArray[np.int64]
    ends_ns: NDArray[np.int64]
    table: Floats
    thinning: int = 1

    def frames(self) -> Iterator[tuple[int, int, Floats]]:
        """Yield start, end and values of every frame."""
        yield from zip(self.starts_ns.tolist(), self.ends_ns.tolist(), self.table, strict=True)

    def of_the_familiar(self) -> "Shown":
        """Return the frames of the signals that were there often, and since the first half."""
        seen = ~np.isnan(self.table)
        early = seen[: (len(seen) + 1) // 2].any(axis=0)
        familiar = early & (seen.sum(axis=0) >= LEAST_VALUES)
        kept = seen[:, familiar].any(axis=1)
        return Shown(
            tuple(name for name, stays in zip(self.names, familiar, strict=True) if stays),
            self.starts_ns[kept],
            self.ends_ns[kept],
            self.table[kept][:, familiar],
            self.thinning,
        )


class CommissioningState(TypedDict):
    """A commissioning as JSON; arrays are packed."""

    began_ns: int
    length_ns: int
    seen: int
    thinning: int
    names: list[str]
    numbers: str
    starts_ns: str
    ends_ns: str
    table: str


class Commissioning:
    """Collects frames; thinned evenly where commissioning is long.

    Args:
        began_ns: Start of the first frame.
        length_ns: Of every frame.
    """

    def __init__(self, began_ns: int, length_ns: int) -> None:
        self.began_ns = began_ns
        self.length_ns = length_ns
        self.seen = 0  # frames
        self._thinning = 1  # one run of frames in so many is kept
        self._columns: dict[str, int] = {}
        self._kept: list[tuple[int, int, int, Floats]] = []  # number, start, end, values

    def push(self, start_ns: int, end_ns: int, signals: Mapping[str, float]) -> None:
        """Take one frame; every second run goes when there are too many."""
        if self._keeps(self.seen):
            for name in signals:
                if len(self._columns) < _MOST_SIGNALS:
                    self._columns.setdefault(name, len(self._columns))
            values = np.array([signals.get(name, np.nan) for name in self._columns])
            self._kept.append((self.seen, start_ns, end_ns, values))
        self.seen += 1
        if len(self._kept) > _MOST_FRAMES:
            self._thinning *= 2
            self._kept = [frame for frame in self._kept if self._keeps(frame[0])]

    def is_over(self, end_ns: int, commissioning_ns: int) -> bool:
        """Return whether the frame that ends at ``end_ns`` is no longer part of it."""
        return end_ns > self.began_ns + commissioning_ns and self.seen >= LEAST_FRAMES

    def without(self, names: Collection[str]) -> "Commissioning | None":
        """Return the commissioning of all other signals, if any, as if it had been theirs alone."""
        left = {name: column for name, column in self._columns.items() if name not in names}
        kept = []
        for number, start_ns, end_ns, values in self._kept:
            others = values[[column for column in left.values() if column < len(values)]]
            if not np.isnan(others).all():
                kept.append((number, start_ns, end_ns, others))
        if not kept:
            return None
        rest = Commissioning(kept[0][1], self.length_ns)
        rest.seen, rest._thinning, rest._kept = self.seen, self._thinning, kept
        rest._columns = {name: column for column, name in enumerate(left)}
        return rest

    @property
    def is_full(self) -> bool:
        """Whether more frames would only replace others."""
        return self.seen >= _MOST_FRAMES

    def shown(self) -> Shown:
        """Return what was kept."""
        table = np.full((len(self._kept), len(self._columns)), np.nan)
        for row, (_, _, _, values) in zip(table, self._kept, strict=True):
            row[: len(values)] = values
        starts = np.array([start for _, start, _, _ in self._kept], np.int64)
        ends = np.array([end for _, _, end, _ in self._kept], np.int64)
        return Shown(tuple(self._columns), starts, ends, table, self._thinning)

    @property
    def state(self) -> CommissioningState:
        """Everything held, fit for ``json.dumps``."""
        shown = self.shown()
        return {
            "began_ns": self.began_ns,
            "length_ns": self.length_ns,
            "seen": self.seen,
            "thinning": self._thinning,
            "names": list(shown.names),
            "numbers": pack(np.array([frame[0] for frame in self._kept], np.int64)),
            "starts_ns": pack(shown.starts_ns),
            "ends_ns": pack(shown.ends_ns),
            "table": pack(shown.table),
        }

    @classmethod
    def restored(cls, state: CommissioningState) -> "Commissioning":
        """Return the commissioning that gave ``state``.

        Raises:
            KeyError, TypeError, ValueError: ``state`` is of no commissioning.
        """
        commissioning = cls(int(state["began_ns"]), int(state["length_ns"]))
        commissioning.seen = int(state["seen"])
        commissioning._thinning = int(state["thinning"])
        names = state["names"]
        commissioning._columns = {name: column for column, name in enumerate(names)}
        columns = [unpack(state[key], np.int64).tolist() for key in _SPANS]
        table = unpack(state["table"], np.float64).reshape(-1, max(1, len(names)))
        commissioning._kept = list(zip(*columns, table, strict=True))
        return commissioning

    def _keeps(self, number: int) -> bool:
        return (number // _RUN_FRAMES) % self._thinning == 0
