"""Capture files: MQTT messages as JSON Lines, to be replayed or looked at.

One object a line: ``{"received_at": "2024-05-01T10:00:00Z", "topic": "...", "payload": "..."}``;
``payload_b64`` stands instead of ``payload`` where the bytes are not UTF-8, and ``retain`` is true
where the broker had kept the message.  Lines are in order of receipt, within a second.
"""

import base64
import binascii
import heapq
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import structlog

from edge_agent.core.dialects.times import parse
from edge_agent.core.records import NS_PER_S, Message
from edge_agent.core.wire import rfc3339
from edge_agent.errors import ConfigError

_MOST_BACK_NS = NS_PER_S  # threads and second-precise clocks of other recorders may differ so far

_log = structlog.get_logger()


def read_captures(paths: Sequence[Path]) -> Iterator[Message]:
    """Yield the messages of all files, merged by time of receipt.

    A last line that was cut while it was written, as by a power failure, is left out with a
    warning.

    Raises:
        ConfigError: A file cannot be read, is not in order, or a line in it is no captured
            message; the line is named.  A capture is made by us, so a broken one is worth
            stopping for.
    """
    yield from heapq.merge(*map(_read, paths), key=lambda message: message.received_ns)


def write_capture(out: TextIO, message: Message) -> None:
    """Append one message to a capture file."""
    line: dict[str, object] = {
        "received_at": rfc3339(message.received_ns),
        "topic": message.topic,
    }
    try:
        line["payload"] = message.payload.decode()
    except UnicodeDecodeError:
        line["payload_b64"] = base64.b64encode(message.payload).decode()
    if message.retained:
        line["retain"] = True
    out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _read(path: Path) -> Iterator[Message]:
    latest_ns = 0
    try:
        # utf-8-sig: editors put a byte order mark in front
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            for number, line in enumerate(lines, 1):
                place = f"{path}:{number}"
                if _is_cut(line):
                    _log.warning("capture_cut", line=place, hint="the line is left out")
                elif line.strip():
                    message = _message(line, place)
                    _check_order(latest_ns - message.received_ns, place)
                    latest_ns = max(latest_ns, message.received_ns)
                    yield message
    except OSError as error:
        raise ConfigError(f"capture {path} cannot be read: {error.strerror}") from error


def _is_cut(line: str) -> bool:
    """Return whether a line is the beginning of a captured message, without its end."""
    if line.endswith("\n") or not line.startswith("{"):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False


def _check_order(back_ns: int, place: str) -> None:
    if back_ns > _MOST_BACK_NS:
        raise ConfigError(
            f"{place}: received_at runs back by {back_ns / NS_PER_S:.3f} s; sort the file by"
            " received_at"
        )


def _message(line: str, place: str) -> Message:
    try:
        body = json.loads(line)
        received = parse(body["received_at"])
        if received is None:
            raise ConfigError(f"{place}: received_at is no time")
        if "payload_b64" in body:
            payload = base64.b64decode(body["payload_b64"], validate=True)
        else:
            payload = body["payload"].encode(errors="surrogateescape")
        return Message(str(body["topic"]), payload, received.at_ns, bool(body.get("retain")))
    except (
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        binascii.Error,
        RecursionError,
    ) as error:
        raise ConfigError(f"{place} is no captured message: {error!r}") from error
