"""How the gateways of the simulated plant put values, waveforms and log lines into bytes.

They disagree on purpose, because no two vendors agree.
"""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.records import Severity

INT16_G = 0.001  # g per step of a binary sample: the range is ±32 g

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL0 = 16 * 8  # RFC 5424: facility 16, shifted past the three bits of severity
_SYSLOG_SEVERITY = {
    Severity.INFO: 6,
    Severity.WARNING: 4,
    Severity.ERROR: 3,
    Severity.CRITICAL: 2,
}


class Dialect(StrEnum):
    """Whose gateway it is."""

    COMPACT = "compact"  # epoch milliseconds, waveforms as bare int16, log lines as plain text
    JSON = "json"  # JSON everywhere, RFC 3339 times
    DRIVE = "drive"  # bare numbers, RFC 5424 log lines


def reading(dialect: Dialect, at_ns: int, value: float) -> bytes:
    """Return one process value as a payload."""
    rounded = round(value, 4)
    match dialect:
        case Dialect.COMPACT:
            return json.dumps({"value": rounded, "timestamp": at_ns // 1_000_000}).encode()
        case Dialect.JSON:
            return json.dumps({"value": rounded, "timestamp": _rfc3339(at_ns)}).encode()
        case Dialect.DRIVE:
            return str(rounded).encode()


def waveform(dialect: Dialect, start_ns: int, rate_hz: int, samples: NDArray[np.float32]) -> bytes:
    """Return a block of samples, shape ``(n,)`` in g, as a payload; int16 clips at its range."""
    if dialect is Dialect.COMPACT:
        int16 = np.iinfo(np.int16)
        steps = np.clip(np.rint(samples / INT16_G), int16.min, int16.max)
        return bytes(steps.astype("<i2").data)
    values = np.round(samples.astype(np.float64), 4).tolist()
    document = {"timestamp": _rfc3339(start_ns), "rate_hz": rate_hz, "values": values}
    return json.dumps(document, separators=(",", ":")).encode()


def log_line(dialect: Dialect, at_ns: int, asset: str, level: Severity, text: str) -> bytes:
    """Return one log line as a payload."""
    match dialect:
        case Dialect.COMPACT:
            return f"{level.upper()} {text}".encode()
        case Dialect.JSON:
            document = {"timestamp": _rfc3339(at_ns), "level": level, "message": text}
            return json.dumps(document).encode()
        case Dialect.DRIVE:
            priority = _LOCAL0 + _SYSLOG_SEVERITY[level]
            return f"<{priority}>1 {_rfc3339(at_ns)} {asset} drive - - - {text}".encode()


def _rfc3339(at_ns: int) -> str:
    at = _EPOCH + timedelta(microseconds=at_ns // 1000)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
