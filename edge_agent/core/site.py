"""What the site decides: windows, limits, formats, responses.

Plain data; ``settings`` fills it from environment and site file, and has checked every value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from edge_agent.core.bearings import Bearing
from edge_agent.core.records import NS_PER_S, Category, Priority, Severity
from edge_agent.core.severity import MachineClass


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """How streams are cut: hopping windows on a grid of event time, ``0 < hop_ns <= length_ns``.

    A window is closed once the asset's event time has passed its end by ``lateness_ns``.
    """

    length_ns: int = 10 * NS_PER_S
    hop_ns: int = 5 * NS_PER_S
    lateness_ns: int = 2 * NS_PER_S


class SampleFormat(StrEnum):
    """The layout of a binary sample block; both are little-endian."""

    FLOAT32 = "float32"
    INT16 = "int16"


@dataclass(frozen=True, slots=True)
class BinaryTopic:
    """Topics whose payloads are bare samples: ``value = raw * scale``; MQTT wildcards allowed."""

    topic_filter: str
    sample_format: SampleFormat
    rate_hz: float
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A setpoint on one channel's window mean; ``deadband`` is in the unit of the channel."""

    channel: str
    category: Category
    high: float | None = None
    low: float | None = None
    deadband: float = 0.0
    priority: Priority = Priority.HIGH


@dataclass(frozen=True, slots=True)
class WaveformSite:
    """The machine at one channel of acceleration, as far as it is known.

    ``speed_channel`` names a process value of the same asset in rpm; it wins over ``speed_rpm``.
    Without a ``machine_class`` no zone raises an alarm.  ``unit`` is that of ``diagnosis.Unit``.
    """

    bearing: Bearing | None = None
    speed_rpm: float | None = None
    speed_channel: str | None = None
    machine_class: MachineClass | None = None
    unit: str = "g"


@dataclass(frozen=True, slots=True)
class AssetSite:
    """What differs for one asset."""

    limits: tuple[Limit, ...] = ()
    categories: Mapping[str, Category] = field(default_factory=dict)  # by channel
    ranges: Mapping[str, tuple[float, float]] = field(
        default_factory=dict
    )  # of sensors, by channel
    responses: Mapping[str, str] = field(default_factory=dict)  # operator response by alarm
    waveforms: Mapping[str, WaveformSite] = field(default_factory=dict)  # by channel


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """When a condition becomes an alarm and when it stops being one, in event time."""

    on_delay_ns: int = 10 * NS_PER_S
    off_delay_ns: int = 30 * NS_PER_S
    log_hold_ns: int = 300 * NS_PER_S  # a log line is a moment: how long it stands for its fault
    log_severity: Severity = Severity.ERROR  # the least that raises an alarm by itself
    silence_ns: int = 300 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Caps:
    """Bounds on what a plant can make the agent hold, and do."""

    assets: int = 256
    channels: int = 64  # of one asset
    window_samples: int = 1 << 19  # of one channel: 2 MB, 17 s at 25.6 kHz
    # Of all assets, 4 bytes each: 96 MB.  Default windows that all close at once copy 10 of their
    # 17 s at 12 bytes a sample: 178 MB more.  With 120 MB that are always there and the inbox's
    # 32 MB this stays below the 512 MB that the unit allows.
    node_samples: int = 24 << 20
    windows_per_record: int = 1000  # hops that one block may span: 83 min with default windows
    windows_waiting: int = 2000  # of one asset, cut and not collected yet
    templates: int = 4096
    rate_templates: int = 256  # of one asset, watched for bursts and silence; some 500 bytes each
    model_runs: int = 1000  # of the log model, saved up for new templates; 4 s of one fast core
    model_runs_per_s: int = 50  # in time of receipt: the fifth of a fast core
    payload_bytes: int = 4 << 20
    line_chars: int = 2048


@dataclass(frozen=True, slots=True)
class Site:
    """Everything the core has to know about where it runs."""

    node: str
    sensor_topics: tuple[str, ...]
    log_topics: tuple[str, ...]
    window: WindowSpec = WindowSpec()
    commissioning_ns: int = 3600 * NS_PER_S
    alarms: AlarmSpec = AlarmSpec()
    caps: Caps = Caps()
    binary_topics: tuple[BinaryTopic, ...] = ()
    assets: Mapping[str, AssetSite] = field(default_factory=dict)
