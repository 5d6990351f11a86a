"""The optional site file: what differs per asset, as TOML, read into the core's plain data."""

import difflib
import tomllib
from math import inf
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from edge_agent.core.bearings import COMMON, Bearing, common_bearing
from edge_agent.core.diagnosis import Unit
from edge_agent.core.logsigns import LOG_BURST, LOG_SILENCE, SILENCE, UNKNOWN
from edge_agent.core.records import NS_PER_S, Category, Priority, Severity
from edge_agent.core.severity import Group, MachineClass, Support
from edge_agent.core.site import (
    AlarmSpec,
    AssetSite,
    BinaryTopic,
    Limit,
    SampleFormat,
    WaveformSite,
)
from edge_agent.core.topics import BadTemplate, Template, is_name
from edge_agent.errors import ConfigError

_FAULTS = tuple(category.value for category in Category if category is not Category.NORMAL)
_NO_ASSET = Template.parse("+")  # a bad template, but only for want of an {asset}


def _check_filter(text: str) -> str:
    if not text or "{" in text or "}" in text:
        raise ValueError("must be an MQTT topic filter; + stands for any one level")
    flaw = Template.parse(text)
    if isinstance(flaw, BadTemplate) and flaw != _NO_ASSET:
        raise ValueError(f"bad topic filter {text!r}: {flaw.reason}")
    return text


def _check_name(text: str) -> str:
    if not is_name(text):
        raise ValueError("a name must be printable and have 1 to 128 characters")
    return text


def _check_fault(category: Category) -> Category:
    if category is Category.NORMAL:
        raise ValueError(f"'normal' is no fault; there are {', '.join(_FAULTS)}")
    return category


def _check_alarm(name: str) -> str:
    known = (*_FAULTS, SILENCE, LOG_BURST, LOG_SILENCE, UNKNOWN)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise ValueError(f"no alarm has the name {name!r}; {hint}")
    return name


def _check_range(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] >= ends[1]:
        raise ValueError("a measuring range is [low, high] with low below high")
    return ends


Delay = Annotated[float, Field(ge=0, le=30 * 86400, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
TopicFilter = Annotated[str, AfterValidator(_check_filter)]
Name = Annotated[str, AfterValidator(_check_name)]
Fault = Annotated[Category, AfterValidator(_check_fault)]
AlarmName = Annotated[str, AfterValidator(_check_alarm)]
Length = Annotated[float, Field(gt=0, le=1e5, allow_inf_nan=False)]
Range = Annotated[tuple[Finite, Finite], AfterValidator(_check_range)]


class _Table(BaseModel):
    """A TOML table: unknown keys are mistakes, values are not repeated in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AlarmsTable(_Table):
    """``[alarms]``: when a condition becomes an alarm, in seconds of event time."""

    on_delay_s: Delay | None = None  # 10 s, but at least two windows in a row
    off_delay_s: Delay | None = None  # 30 s, but at least three windows in a row
    log_hold_s: Delay = 300.0
    silence_s: Annotated[float, Field(gt=0, le=30 * 86400)] = 300.0
    log_severity: Severity = Severity.ERROR


class BinaryTable(_Table):
    """``[[binary]]``: topics whose payloads are bare little-endian samples."""

    topic: TopicFilter
    format: SampleFormat
    rate_hz: Annotated[float, Field(gt=0, le=10e6)]
    scale: Finite = 1.0


class LimitTable(_Table):
    """``[[assets.NAME.limits]]``: a setpoint on a channel, in the channel's unit."""

    channel: Name
    category: Fault
    high: Finite | None = None
    low: Finite | None = None
    deadband: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    priority: Priority = Priority.HIGH

    @model_validator(mode="after")
    def _can_be_met(self) -> "LimitTable":
        if self.high is None and self.low is None:
            raise ValueError("a limit needs high, low or both")
        if self.high is not None and self.low is not None:
            if self.low >= self.high:
                raise ValueError("low must be below high")
            if self.deadband >= self.high - self.low:
                raise ValueError("deadband must be narrower than high - low, or nothing clears")
        return self


class WaveformTable(_Table):
    """``[assets.NAME.waveforms.CHANNEL]``: the machine where an accelerometer sits.

    The bearing by its name, by its dimensions or not at all; ``group`` and ``mounting`` as in
    ISO 20816-3.  Without a group nothing is said to be severe.
    """

    bearing: str | None = None
    balls: Annotated[int, Field(ge=3, le=200)] | None = None
    ball_mm: Length | None = None
    pitch_mm: Length | None = None
    angle_deg: Annotated[float, Field(ge=0, lt=90)] = 0.0
    speed_rpm: Annotated[float, Field(gt=0, le=1e6)] | None = None
    speed_channel: Name | None = None
    group: Group | None = None
    mounting: Support = Support.RIGID
    unit: Unit = Unit.G

    @model_validator(mode="after")
    def _makes_sense(self) -> "WaveformTable":
        dimensions = (self.balls, self.ball_mm, self.pitch_mm)
        given = sum(part is not None for part in dimensions)
        if self.bearing is not None and given:
            raise ValueError("a bearing has a name or dimensions, not both")
        if self.bearing is not None and common_bearing(self.bearing) is None:
            raise ValueError(
                f"no bearing {self.bearing!r} in the table, which has {', '.join(sorted(COMMON))};"
                " give balls, ball_mm and pitch_mm"
            )
        if given not in (0, len(dimensions)):
            raise ValueError("the dimensions of a bearing are balls, ball_mm and pitch_mm")
        if (self.ball_mm or 0.0) >= (self.pitch_mm or inf):
            raise ValueError("ball_mm must be smaller than pitch_mm")
        if self.group is None and "mounting" in self.model_fields_set:
            raise ValueError("mounting means nothing without a group")
        return self

    def waveform_site(self) -> WaveformSite:
        """Return the table for the core."""
        bearing = None
        if self.bearing is not None:
            bearing = common_bearing(self.bearing)
        elif self.balls is not None and self.ball_mm is not None and self.pitch_mm is not None:
            bearing = Bearing.of_geometry(self.balls, self.ball_mm, self.pitch_mm, self.angle_deg)
        return WaveformSite(
            bearing=bearing,
            speed_rpm=self.speed_rpm,
            speed_channel=self.speed_channel,
            machine_class=None if self.group is None else MachineClass(self.group, self.mounting),
            unit=self.unit.value,
        )


class AssetTable(_Table):
    """``[assets.NAME]``."""

    limits: tuple[LimitTable, ...] = ()
    categories: dict[Name, Fault] = {}
    ranges: dict[Name, Range] = {}
    responses: dict[AlarmName, str] = {}
    waveforms: dict[Name, WaveformTable] = {}

    @model_validator(mode="after")
    def _speeds_are_values(self) -> "AssetTable":
        for channel, table in self.waveforms.items():
            if table.speed_channel in self.waveforms:
                raise ValueError(
                    f"the speed_channel of {channel} is a waveform, not a speed in rpm"
                )
        return self

    def asset_site(self) -> AssetSite:
        """Return the table for the core; what an accelerometer tells of is mechanical."""
        mechanical = dict.fromkeys(self.waveforms, Category.MECHANICAL)
        return AssetSite(
            limits=tuple(Limit(**limit.model_dump()) for limit in self.limits),
            categories=mechanical | self.categories,
            ranges=self.ranges,
            responses=self.responses,
            waveforms={name: table.waveform_site() for name, table in self.waveforms.items()},
        )


class SiteFile(_Table):
    """The whole file; an empty one is valid."""

    alarms: AlarmsTable = AlarmsTable()
    binary: tuple[BinaryTable, ...] = ()
    assets: dict[Name, AssetTable] = {}

    def alarm_spec(self, hop_s: float) -> AlarmSpec:
        """Return ``[alarms]`` for the core.

        Args:
            hop_s: Step from window to window.  A delay that ends with the first window is none, so
                the defaults grow with it.
        """
        table = self.alarms
        on_s = max(10.0, hop_s) if table.on_delay_s is None else table.on_delay_s
        off_s = max(30.0, 2 * hop_s) if table.off_delay_s is None else table.off_delay_s
        return AlarmSpec(
            on_delay_ns=round(on_s * NS_PER_S),
            off_delay_ns=round(off_s * NS_PER_S),
            log_hold_ns=round(table.log_hold_s * NS_PER_S),
            log_severity=table.log_severity,
            silence_ns=round(table.silence_s * NS_PER_S),
        )

    def binary_topics(self) -> tuple[BinaryTopic, ...]:
        """Return ``[[binary]]`` for the core."""
        return tuple(BinaryTopic(t.topic, t.format, t.rate_hz, t.scale) for t in self.binary)

    def asset_sites(self) -> dict[str, AssetSite]:
        """Return ``[assets]`` for the core."""
        return {name: table.asset_site() for name, table in self.assets.items()}


def read_site_file(path: Path) -> SiteFile:
    """Return the site file at ``path``.

    Raises:
        ConfigError: Unreadable, not TOML, or with a key or value that means nothing; the message
            names the file and the place in it.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return SiteFile.model_validate(document)
    except OSError as error:
        raise ConfigError(f"site file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"site file {path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part != "[key]")
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"site file {path}: {place}: {reason}") from None
