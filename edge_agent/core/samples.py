"""What the buffers and the windower share: the order of trust, a cut, and samples as JSON."""

import base64
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.records import Frame, TimeQuality, Window

# The one place that says which time is worse.  Buffers hold ranks, which compare as numbers.
BEST_TO_WORST = (
    TimeQuality.SOURCE,
    TimeQuality.NAIVE,
    TimeQuality.RECEIVED,
    TimeQuality.CLAMPED,
    TimeQuality.JUMPED,
)
RANK = {quality: rank for rank, quality in enumerate(BEST_TO_WORST)}


@dataclass(frozen=True, slots=True)
class Cut:
    """The samples of one channel between two times, in order of time, none of them twice.

    ``at_ns`` is int64 and ``values`` float32, both of shape ``(n,)``, ``n >= 1``; ``rank`` is the
    place of the worst time quality among them in ``BEST_TO_WORST``.
    """

    at_ns: NDArray[np.int64]
    values: NDArray[np.float32]
    rank: int


@dataclass(slots=True)
class Held:
    """How much the windowers that share this hold together, against what they may hold.

    A load is counted in samples of 4 bytes, what a sample needs beside its value included.
    """

    most: int
    load: int = 0

    @property
    def excess(self) -> int:
        """By how much the limit is exceeded, 0 when it is kept."""
        return max(0, self.load - self.most)


class BufferState(TypedDict):
    """A buffer as JSON; ``rate_hz`` is ``None`` for process values, arrays are packed."""

    rate_hz: float | None
    marks: str  # int64: what the buffer knows of its samples, in its own layout
    values: str  # float32


class WindowState(TypedDict):
    """A window as JSON."""

    channel: str
    rate_hz: float | None
    at_ns: str
    values: str


class FrameState(TypedDict):
    """A frame that was cut and not handed out yet, as JSON."""

    start_ns: int
    end_ns: int
    time_quality: str
    windows: list[WindowState]


def pack(numbers: NDArray[np.int64] | NDArray[np.float32]) -> str:
    """Return ``numbers`` as base64 of little-endian bytes, the same on every machine."""
    little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(little.tobytes()).decode("ascii")


def unpack_int64(text: str) -> NDArray[np.int64]:
    """Return the 1-D array that :func:`pack` made ``text`` from."""
    return np.frombuffer(base64.b64decode(text), dtype="<i8").astype(np.int64)


def unpack_float32(text: str) -> NDArray[np.float32]:
    """Return the 1-D array that :func:`pack` made ``text`` from."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float32)


def frame_state(frame: Frame) -> FrameState:
    """Return ``frame`` as JSON."""
    windows: list[WindowState] = [
        {
            "channel": channel,
            "rate_hz": window.rate_hz,
            "at_ns": pack(window.at_ns),
            "values": pack(window.values),
        }
        for channel, window in frame.windows.items()
    ]
    return {
        "start_ns": frame.start_ns,
        "end_ns": frame.end_ns,
        "time_quality": frame.time_quality.value,
        "windows": windows,
    }


def frame_of(asset: str, state: FrameState) -> Frame:
    """Return the frame of ``asset`` that :func:`frame_state` made ``state`` from."""
    start_ns, end_ns = state["start_ns"], state["end_ns"]
    windows = {
        window["channel"]: Window(
            asset,
            window["channel"],
            start_ns,
            end_ns,
            unpack_int64(window["at_ns"]),
            unpack_float32(window["values"]),
            window["rate_hz"],
        )
        for window in state["windows"]
    }
    return Frame(asset, start_ns, end_ns, windows, TimeQuality(state["time_quality"]))
