"""Windows of one asset: what its channels showed between two points of a grid of event time.

A window ends at every multiple of the hop since 1970 and covers ``length_ns`` before it.  It is cut
at the moment at which the watermark has passed its end by the lateness, already inside
:meth:`Windower.push`, and handed out by the next :meth:`Windower.close`.  So the frames follow from
the records and their order alone, not from how often the caller looks: a live run and its replay
see the same.
"""

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import TypedDict, cast

import numpy as np

from edge_agent.core.records import (
    NS_PER_S,
    Block,
    Frame,
    Reading,
    RejectReason,
    Window,
)
from edge_agent.core.samples import (
    BEST_TO_WORST,
    RANK,
    BufferState,
    FrameState,
    frame_of,
    frame_state,
)
from edge_agent.core.site import Caps, WindowSpec
from edge_agent.core.valuebuffer import ValueBuffer
from edge_agent.core.waveformbuffer import WaveformBuffer

NOTHING: Mapping[RejectReason, int] = MappingProxyType({})
LAYOUT = 1  # of snapshots
NEVER_NS = -(1 << 62)  # before every time on record
FLOAT32_MAX = float(np.finfo(np.float32).max)


class WindowerState(TypedDict):
    """A :class:`Windower` as JSON."""

    layout: int
    grid: list[int]  # length, hop and lateness
    watermark_ns: int
    closed_ns: int
    channels: dict[str, BufferState]
    due: list[FrameState]


class Windower:
    """Cuts the records of one asset into frames: the state of this stage, and all of it.

    A channel is of process values or of sample blocks at one rate.  When it changes from one to the
    other, its samples so far are forgotten and it starts anew: a window never mixes the two.  A
    channel without a sample in an open window holds no memory and does not count as a channel.

    Args:
        asset: The name that the frames carry; records of other assets are the caller's mistake.
        spec: How the windows lie.
        caps: ``channels`` and ``window_samples`` bound what is held.  The latter is per channel and
            has to cover length, hop and lateness together, or the oldest samples are missing.
    """

    __slots__ = (
        "_asset",
        "_caps",
        "_channels",
        "_closed_ns",
        "_due",
        "_due_ns",
        "_open_from_ns",
        "_spec",
        "_watermark_ns",
    )

    def __init__(self, asset: str, spec: WindowSpec, caps: Caps) -> None:
        self._asset = asset
        self._spec = spec
        self._caps = caps
        self._channels: dict[str, ValueBuffer | WaveformBuffer] = {}
        self._due: list[Frame] = []
        self._watermark_ns = NEVER_NS
        self._set_closed(NEVER_NS)

    def push(self, record: Reading | Block) -> Mapping[RejectReason, int]:
        """Take the samples of ``record``.

        A sample is late when all windows that it belongs to are closed.  One that still belongs to
        an open window is taken, and the closed ones go without it.

        Returns:
            Why samples were left out, each reason counted once per record: ``LATE``, ``DUPLICATE``,
            ``CHANNEL_LIMIT``, ``NOT_A_NUMBER`` (infinite as float32), and ``TOO_LARGE`` when the
            oldest samples of the channel had to go instead.  Usually nothing.
        """
        if isinstance(record, Block):
            return dict.fromkeys(self._push_block(record), 1)
        reason = self._push_reading(record)
        return NOTHING if reason is None else {reason: 1}

    def close(self, source_now_ns: int) -> list[Frame]:
        """Return the frames whose time has come since the last call, oldest first.

        Args:
            source_now_ns: What the asset's clock shows by now, so that windows close when the
                asset falls silent; never ahead of what the asset could send next, and without
                effect when it lies behind the newest record.

        Returns:
            Every window with ``end + lateness <= watermark`` that holds a sample.  They are handed
            out once: call this after every batch, or they pile up.
        """
        self._advance(source_now_ns)
        due, self._due = self._due, []
        return due

    def snapshot(self, *, waveforms: bool = True) -> WindowerState:
        """Return what is held, fit for ``json.dumps``.

        Args:
            waveforms: Whether open windows of sample blocks belong to it.  They are megabytes a
                channel, too much to put on an SD card every minute.
        """
        kept = {
            name: buffer
            for name, buffer in self._channels.items()
            if waveforms or isinstance(buffer, ValueBuffer)
        }
        return {
            "layout": LAYOUT,
            "grid": self._grid(),
            "watermark_ns": self._watermark_ns,
            "closed_ns": self._closed_ns,
            "channels": {name: buffer.snapshot() for name, buffer in kept.items()},
            "due": [frame_state(frame) for frame in self._due],
        }

    def restore(self, state: object) -> bool:
        """Take up what :meth:`snapshot` returned, in place of everything held.

        Returns:
            ``False``, and nothing is changed, when the snapshot was taken with other windows or by
            another version of the agent: samples on another grid would make windows that look
            complete and are not.

        Raises:
            KeyError, TypeError, ValueError: ``state`` is no snapshot of a windower.
        """
        known = cast("WindowerState", state)
        if known["layout"] != LAYOUT or known["grid"] != self._grid():
            return False
        capacity = self._caps.window_samples
        channels = {name: _buffer(held, capacity) for name, held in known["channels"].items()}
        due = [frame_of(self._asset, frame) for frame in known["due"]]
        self._channels, self._due = channels, due
        self._watermark_ns = known["watermark_ns"]
        self._set_closed(known["closed_ns"])
        return True

    def _grid(self) -> list[int]:
        return [self._spec.length_ns, self._spec.hop_ns, self._spec.lateness_ns]

    def _push_reading(self, reading: Reading) -> RejectReason | None:
        at_ns, value = reading.at_ns, reading.value
        if at_ns < self._open_from_ns:
            return RejectReason.LATE
        if not -FLOAT32_MAX <= value <= FLOAT32_MAX:
            return RejectReason.NOT_A_NUMBER
        buffer = self._channels.get(reading.channel)
        if not isinstance(buffer, ValueBuffer):
            buffer = ValueBuffer(self._caps.window_samples)
            if not self._adopt(reading.channel, buffer):
                return RejectReason.CHANNEL_LIMIT
        reason = buffer.push(at_ns, value, RANK[reading.time_quality])
        if at_ns > self._watermark_ns:
            self._advance(at_ns)
        return reason

    def _push_block(self, block: Block) -> tuple[RejectReason, ...]:
        values, rate_hz = block.values, block.rate_hz
        # The first sample in time is the first whose offset, rounded, reaches the open windows.
        behind_ns = self._open_from_ns - block.start_ns - 0.5
        late = max(0, ceil(behind_ns * rate_hz / NS_PER_S))
        if late >= values.size:
            return (RejectReason.LATE,)
        buffer = self._channels.get(block.channel)
        if not isinstance(buffer, WaveformBuffer) or not buffer.takes(rate_hz):
            buffer = WaveformBuffer(rate_hz, self._caps.window_samples)
            if not self._adopt(block.channel, buffer):
                return (RejectReason.CHANNEL_LIMIT,)
        first_ns = block.start_ns + round(late * NS_PER_S / rate_hz)
        reasons = buffer.push(first_ns, values[late:], RANK[block.time_quality])
        self._advance(block.start_ns + round((values.size - 1) * NS_PER_S / rate_hz))
        return (RejectReason.LATE, *reasons) if late else reasons

    def _adopt(self, channel: str, buffer: ValueBuffer | WaveformBuffer) -> bool:
        """Make ``buffer`` the one of ``channel``; return whether there was room for it."""
        if channel not in self._channels and len(self._channels) >= self._caps.channels:
            return False
        # In order of name, so that a frame does not show which channel happened to come first.
        self._channels = dict(sorted({**self._channels, channel: buffer}.items()))
        return True

    def _advance(self, now_ns: int) -> None:
        self._watermark_ns = max(self._watermark_ns, now_ns)
        if self._watermark_ns >= self._due_ns:
            self._cut_due()

    def _set_closed(self, closed_ns: int) -> None:
        """Note that every window with an end up to ``closed_ns`` is closed, and what follows."""
        self._closed_ns = closed_ns
        self._due_ns = closed_ns + self._spec.hop_ns + self._spec.lateness_ns
        self._open_from_ns = closed_ns + self._spec.hop_ns - self._spec.length_ns

    def _cut_due(self) -> None:
        """Cut every window that the watermark has passed, leaping over the empty ones."""
        length_ns, hop_ns = self._spec.length_ns, self._spec.hop_ns
        last_end_ns = (self._watermark_ns - self._spec.lateness_ns) // hop_ns * hop_ns
        end_ns = self._closed_ns + hop_ns
        while (first_ns := self._first_ns(end_ns - length_ns)) is not None:
            end_ns = max(end_ns, (first_ns // hop_ns + 1) * hop_ns)
            if end_ns > last_end_ns:
                break
            self._due.append(self._cut(end_ns - length_ns, end_ns))
            end_ns += hop_ns
        self._set_closed(last_end_ns)
        self._first_ns(self._open_from_ns)
        self._channels = {
            name: buffer for name, buffer in self._channels.items() if buffer.first_ns() is not None
        }

    def _first_ns(self, start_ns: int) -> int | None:
        """Forget what is older than ``start_ns`` and return the time of the oldest sample left."""
        for buffer in self._channels.values():
            buffer.drop_before(start_ns)
        held = (buffer.first_ns() for buffer in self._channels.values())
        return min((at_ns for at_ns in held if at_ns is not None), default=None)

    def _cut(self, start_ns: int, end_ns: int) -> Frame:
        windows, worst = {}, 0
        for name, buffer in self._channels.items():
            cut = buffer.cut(start_ns, end_ns)
            if cut is not None:
                windows[name] = Window(
                    self._asset, name, start_ns, end_ns, cut.at_ns, cut.values, buffer.rate_hz
                )
                worst = max(worst, cut.rank)
        return Frame(self._asset, start_ns, end_ns, windows, BEST_TO_WORST[worst])


def _buffer(state: BufferState, capacity: int) -> ValueBuffer | WaveformBuffer:
    rate_hz = state["rate_hz"]
    if rate_hz is None:
        return ValueBuffer.restored(state, capacity)
    return WaveformBuffer.restored(state, rate_hz, capacity)
