"""Windows of one asset: what its channels showed between two points of a grid of event time.

A window ends at every multiple of the hop since 1970 and covers ``length_ns`` before it.  It is cut
at the moment at which the watermark has passed its end by the lateness, already inside
:meth:`Windower.push`, and handed out by the next :meth:`Windower.close`.  So the frames follow from
the records and their order alone, not from how often the caller looks: a live run and its replay
see the same.

Time and memory that one record may cost are bounded by :class:`Caps`: how many windows a block
spans, how many frames wait to be collected, and what all assets of a node hold together.
"""

from collections.abc import Mapping
from itertools import accumulate
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
    Held,
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
SNAPSHOT_LOAD = 2 << 20  # of an asset's sample blocks in a snapshot: 8 MB, 11 MB as text


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
        held: What the windowers of a node share to hold ``node_samples`` together at most; by
            default this one is alone.  Call :meth:`forget` before letting go of one that shares.
    """

    __slots__ = (
        "_asset",
        "_brought",
        "_caps",
        "_channels",
        "_closed_ns",
        "_due",
        "_due_ns",
        "_held",
        "_load",
        "_open_from_ns",
        "_spec",
        "_watermark_ns",
    )

    def __init__(self, asset: str, spec: WindowSpec, caps: Caps, held: Held | None = None) -> None:
        self._held = held or Held(caps.node_samples)
        self._load = 0  # our part of what is held
        self._brought = 0  # frames since the last time they were collected
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
            ``CHANNEL_LIMIT``, ``NOT_A_NUMBER`` (infinite as float32), and ``TOO_LARGE`` when a
            block spans more windows than ``windows_per_record``, when the oldest samples of the
            channel had to go instead, or the oldest of the frames that wait; after twice as
            many frames as may wait, records are refused until :meth:`close`.  Usually nothing.
        """
        # To cut frames that push out each other takes time and brings nothing.
        if self._brought >= 2 * self._caps.windows_waiting:
            return dict.fromkeys((RejectReason.TOO_LARGE,), 1)
        if isinstance(record, Block):
            reasons = self._push_block(record)
        else:
            reason = self._push_reading(record)
            reasons = () if reason is None else (reason,)
        surplus = len(self._due) - self._caps.windows_waiting
        if surplus > 0:
            del self._due[:surplus]
            reasons = (*reasons, RejectReason.TOO_LARGE)
        return dict.fromkeys(reasons, 1) if reasons else NOTHING

    def close(self, source_now_ns: int = NEVER_NS) -> list[Frame]:
        """Return the frames whose time has come since the last call, oldest first.

        Args:
            source_now_ns: What the asset's clock shows by now, so that windows close when the
                asset falls silent; never ahead of what the asset could send next, and without
                effect when it lies behind the newest record, as by default.

        Returns:
            Every window with ``end + lateness <= watermark`` that holds a sample.  They are handed
            out once: call this after every message, for no more than ``windows_waiting`` wait.
        """
        self._advance(source_now_ns)
        due, self._due = self._due, []
        self._brought = 0
        return due

    def forget(self) -> None:
        """Begin anew: forget all samples, frames and times, and give back what was held."""
        self._channels, self._due, self._brought = {}, [], 0
        self._watermark_ns = NEVER_NS
        self._set_closed(NEVER_NS)
        self._settle()

    def snapshot(self, *, waveforms: bool = True) -> WindowerState:
        """Return what is held, fit for ``json.dumps``.

        Args:
            waveforms: Whether open windows of sample blocks belong to it.  They are megabytes a
                channel, too much to put on an SD card every minute.  Even then the largest are left
                out, where all of them would exceed ``SNAPSHOT_LOAD``.
        """
        blocks = self._smallest_blocks(SNAPSHOT_LOAD if waveforms else 0)
        kept = {
            name: buffer
            for name, buffer in self._channels.items()
            if isinstance(buffer, ValueBuffer) or name in blocks
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
        self._channels, self._due, self._brought = channels, due, len(due)
        self._watermark_ns = known["watermark_ns"]
        self._set_closed(known["closed_ns"])
        self._settle()
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
        before = buffer.load
        reason = buffer.push(at_ns, value, RANK[reading.time_quality])
        if self._overloads(buffer, before):
            reason = RejectReason.TOO_LARGE
        if at_ns > self._watermark_ns:
            self._advance(at_ns)
        return reason

    def _push_block(self, block: Block) -> tuple[RejectReason, ...]:
        values, rate_hz = block.values, block.rate_hz
        most_ns = self._spec.length_ns + self._caps.windows_per_record * self._spec.hop_ns
        if values.size * NS_PER_S > most_ns * rate_hz:
            return (RejectReason.TOO_LARGE,)
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
        before = buffer.load
        reasons = buffer.push(first_ns, values[late:], RANK[block.time_quality])
        if self._overloads(buffer, before):
            reasons = (*reasons, RejectReason.TOO_LARGE)
        self._advance(block.start_ns + round((values.size - 1) * NS_PER_S / rate_hz))
        return (RejectReason.LATE, *reasons) if late else reasons

    def _adopt(self, channel: str, buffer: ValueBuffer | WaveformBuffer) -> bool:
        """Make ``buffer`` the one of ``channel``; return whether there was room for it."""
        if channel not in self._channels and len(self._channels) >= self._caps.channels:
            return False
        # In order of name, so that a frame does not show which channel happened to come first.
        self._channels = dict(sorted({**self._channels, channel: buffer}.items()))
        self._settle()
        return True

    def _overloads(self, buffer: ValueBuffer | WaveformBuffer, before: int) -> bool:
        """Account for what was pushed into ``buffer``; return whether it was too much for the node.

        The channel that pushes gives way, never another asset's.  It keeps its newest sample, so
        the limit may be exceeded by one for each channel.
        """
        self._charge(buffer.load - before)
        excess, load = self._held.excess, buffer.load
        if not excess:
            return False
        buffer.shed(excess)
        self._charge(buffer.load - load)
        return True

    def _charge(self, load: int) -> None:
        self._load += load
        self._held.load += load

    def _settle(self) -> None:
        """Account anew for all channels, after samples were forgotten or channels replaced."""
        self._charge(sum(buffer.load for buffer in self._channels.values()) - self._load)

    def _smallest_blocks(self, most: int) -> set[str]:
        """Return as many channels of sample blocks as together hold at most ``most``."""
        loads = [
            (buffer.load, name)
            for name, buffer in self._channels.items()
            if isinstance(buffer, WaveformBuffer)
        ]
        totals = accumulate(load for load, _ in sorted(loads))
        return {
            name for (_, name), total in zip(sorted(loads), totals, strict=True) if total <= most
        }

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
            self._brought += 1
            end_ns += hop_ns
        self._set_closed(last_end_ns)
        self._first_ns(self._open_from_ns)
        self._channels = {
            name: buffer for name, buffer in self._channels.items() if buffer.first_ns() is not None
        }
        self._settle()

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
