"""The nouns that flow through the agent, from the broker's bytes to a joined frame.

Times are UTC in integer nanoseconds since 1970, as ``_ns``.  Every record is frozen: a stage makes
new records and never edits one that it was given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

NS_PER_S = 1_000_000_000


class Category(StrEnum):
    """What a fault is about: the log taxonomy, used for sensor faults and limits too."""

    NORMAL = "normal"
    MECHANICAL = "mechanical"
    THERMAL = "thermal"
    ELECTRICAL = "electrical"
    HYDRAULIC_PNEUMATIC = "hydraulic_pneumatic"
    SENSOR = "sensor"
    COMMUNICATION = "communication"
    CONTROL_SOFTWARE = "control_software"
    SAFETY = "safety"
    SECURITY = "security"


class Severity(StrEnum):
    """How bad a log line says it is; an alarm has a :class:`Priority` instead."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Priority(StrEnum):
    """How soon somebody has to respond to an alarm (ISA-18.2)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class TimeQuality(StrEnum):
    """How far the time of a record can be trusted."""

    SOURCE = "source"  # the source's own time, with a zone or an epoch
    NAIVE = "naive"  # the source's own time without a zone, read as UTC
    RECEIVED = "received"  # no time in the payload: the time of receipt
    CLAMPED = "clamped"  # the source's time lay in the future: the time of receipt instead
    JUMPED = "jumped"  # the source's clock has just run back or leapt


class RejectReason(StrEnum):
    """Why a payload, or a part of it, gave no reading and no log line.  Counted in ``health``."""

    UNROUTED = "unrouted"  # no configured topic template matches
    EMPTY = "empty"  # nothing in it
    TOO_LARGE = "too_large"  # more bytes, samples or fields than the agent takes
    NOT_TEXT = "not_text"  # not UTF-8, and no binary format is declared for the topic
    MALFORMED = "malformed"  # the shape is known and broken, such as cut-off JSON
    UNKNOWN_SHAPE = "unknown_shape"  # well-formed, but nothing the agent understands
    NOT_A_NUMBER = "not_a_number"  # a value that is no number, or NaN or infinite
    BAD_TIME = "bad_time"  # a timestamp that cannot be read
    BAD_RATE = "bad_rate"  # a sampling rate of zero, negative or absurd
    BAD_NAME = "bad_name"  # an asset or channel name that is empty, too long or unprintable
    LATE = "late"  # behind the lateness that the windows wait for
    DUPLICATE = "duplicate"  # the same channel and time again
    RETAINED = "retained"  # an old value the broker kept: context, never evidence
    ASSET_LIMIT = "asset_limit"  # one asset more than the agent may hold
    CHANNEL_LIMIT = "channel_limit"  # one channel more than an asset may hold
    OVERLOAD = "overload"  # dropped unread, because the pipeline had fallen behind
    BAD_COMMAND = "bad_command"  # an operator command that names nothing we know


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message as it came from the broker."""

    topic: str
    payload: bytes
    received_ns: int
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one channel, finite, in the unit of its source."""

    asset: str
    channel: str
    at_ns: int
    value: float
    time_quality: TimeQuality


@dataclass(frozen=True, slots=True)
class Block:
    """Evenly spaced samples of one channel.

    ``values`` is float32 of shape ``(n,)``, ``n >= 1``, all finite; sample ``i`` was taken at
    ``start_ns + i / rate_hz``.
    """

    asset: str
    channel: str
    start_ns: int
    rate_hz: float
    values: NDArray[np.float32]
    time_quality: TimeQuality


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of text from an asset; ``level`` is its own claim about severity, if it made one."""

    asset: str
    at_ns: int
    text: str
    level: Severity | None
    time_quality: TimeQuality


@dataclass(frozen=True, slots=True)
class Reject:
    """Something that came in and could not be used, with the reason: a value, not an exception.

    ``detail`` is for a person, bounded, and never contains the payload itself.
    """

    topic: str
    reason: RejectReason
    detail: str = ""


Decoded = Reading | Block | LogLine | Reject


@dataclass(frozen=True, slots=True)
class Window:
    """The samples of one channel with ``start_ns <= t < end_ns``, in order of time.

    ``rate_hz`` is set for a channel of sample blocks and ``None`` for process values.  ``at_ns`` is
    int64 and ``values`` float32, both of shape ``(n,)``, ``n >= 1``.  How a stream was cut into
    messages leaves no trace in its windows.
    """

    asset: str
    channel: str
    start_ns: int
    end_ns: int
    at_ns: NDArray[np.int64]
    values: NDArray[np.float32]
    rate_hz: float | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What one asset showed in one window: every channel that has samples in it.

    A channel without samples is missing from ``windows``; a frame has at least one.
    ``time_quality`` is the worst among the records that went in.
    """

    asset: str
    start_ns: int
    end_ns: int
    windows: Mapping[str, Window]
    time_quality: TimeQuality
