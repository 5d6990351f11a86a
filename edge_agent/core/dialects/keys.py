"""What the keys of a sensor payload usually mean, whoever wrote them."""

from enum import StrEnum


class Role(StrEnum):
    """What a JSON key or a CSV column is for, if it is no channel of its own."""

    TIME = "time"
    MAYBE_TIME = "maybe_time"  # a time if it can be one: t is a temperature in other places
    VALUE = "value"
    MAYBE_VALUE = "maybe_value"  # a value if it stands alone: v is a voltage beside i and p
    NAME = "name"  # names the channel of the value
    RATE = "rate"  # samples per second
    PERIOD = "period"  # seconds per sample
    CONTEXT = "context"  # numbers about the message, not about the machine


_KEYS = {
    Role.TIME: (
        "timestamp timestamp_s timestamp_ms timestamp_us timestamp_ns ts ts_ms time time_ms"
        " datetime date_time @timestamp source_timestamp sourcetimestamp event_time eventtime"
        " measured_at utc epoch epoch_ms"
    ),
    Role.MAYBE_TIME: "t date",
    Role.VALUE: "value",
    Role.MAYBE_VALUE: "v val",
    Role.NAME: "channel name tag metric signal sensor",
    Role.RATE: (
        "rate_hz sample_rate sample_rate_hz samplerate sampling_rate sampling_rate_hz"
        " samplingrate sampling_frequency sampling_frequency_hz fs fs_hz"
    ),
    Role.PERIOD: "dt_s period_s sample_period_s interval_s sample_interval_s",
    Role.CONTEXT: (
        "quality statuscode status_code seq sequence id device_id asset_id msg_id message_id"
    ),
}
_ROLES = {key: role for role, keys in _KEYS.items() for key in keys.split()}

# Under these a source nests its fields, its samples or a list of such objects.
CONTAINERS = frozenset(
    ("values", "fields", "data", "metrics", "samples", "readings", "measurements", "waveform")
)


def role_of(key: str) -> Role | None:
    """Return what ``key`` is for, in any case; ``None`` if it names a channel."""
    return _ROLES.get(key) or _ROLES.get(key.lower())
