"""Reads a plant's own labelled lines, and says exactly which line is wrong, and how."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge_agent.core.logtext import normalize
from edge_agent.core.records import Category, Severity
from quantize.errors import PackageError
from quantize.log_data import Message
from quantize.log_network import HEADS

SYSTEM = "plant"
_LICENCE = "the plant's own"
LEAST_LINES = 25  # a fifth of fewer lines than these says nothing
_PARTS = 5


def plant_messages(file: Path) -> list[Message]:
    """Return the lines of ``file``, JSON Lines of ``text``, ``category`` and ``severity``.

    Other fields are left alone, blank lines are skipped.  Two lines that the model reads alike, say
    but for a number, may stand side by side, as long as they bear the same labels.

    Raises:
        PackageError: The file cannot be read, holds fewer than 25 lines, or a line is no such
            object, has a label that is unknown or contradicts the other, or repeats an earlier one.
    """
    texts: dict[str, int] = {}
    readings: dict[str, tuple[int, Message]] = {}
    messages = []
    for number, raw in _raw_lines(file):
        try:
            message = _message(raw)
            _require_new(number, message, texts, readings)
        except ValueError as error:
            raise PackageError(f"{file}:{number}: {error}") from error
        messages.append(message)
    if len(messages) < LEAST_LINES:
        raise PackageError(f"{file}: holds {len(messages)} lines, {LEAST_LINES} are the least")
    return messages


def held_fifth(messages: Sequence[Message], seed: int) -> tuple[list[Message], list[Message]]:
    """Return four fifths of ``messages`` to learn from, and a fifth to judge by.

    Lines that the model reads alike stay together, and every fifth reading of a category is held
    back, so that what is judged was not learnt and both parts hold the same kinds of fault.
    """
    readings: dict[tuple[str, str], list[Message]] = {}
    for message in messages:
        readings.setdefault((message.category, normalize(message.text).text), []).append(message)
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    order = sorted(readings, key=lambda one: (one[0], rng.random()))
    seen: list[Message] = []
    held: list[Message] = []
    for place, reading in enumerate(order):
        (held if place % _PARTS == _PARTS // 2 else seen).extend(readings[reading])
    return seen, held


def _raw_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield number and content of every line that is not blank."""
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PackageError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise PackageError(f"{file}:{number}: not UTF-8: {error.reason}") from error
    for number, raw in enumerate(content.split("\n"), start=1):
        if raw.strip():
            yield number, raw


def _message(raw: str) -> Message:
    """Return the message in ``raw``.

    Raises:
        ValueError: It holds none, in words for whoever wrote it.
    """
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the file is at fault, not a type
    missing = [name for name in ("text", *HEADS) if not isinstance(document.get(name), str)]
    if missing:
        raise ValueError(f"no {missing[0]}, or it is not a string")
    for head, labels in HEADS.items():
        if document[head] not in labels:
            raise ValueError(f"unknown {head} {document[head]!r}, not one of {', '.join(labels)}")
    category, severity = document["category"], document["severity"]
    if (category == Category.NORMAL) != (severity == Severity.INFO):
        raise ValueError(f"{category} and {severity}: info goes with normal, and with nothing else")
    if not normalize(document["text"]).text:
        raise ValueError("nothing in its text that the model could read")
    return Message(document["text"], category, severity, SYSTEM, _LICENCE)


def _require_new(
    number: int,
    message: Message,
    texts: dict[str, int],
    readings: dict[str, tuple[int, Message]],
) -> None:
    """Note a line; it must neither repeat nor contradict an earlier one.

    Raises:
        ValueError: It does.
    """
    reading = normalize(message.text).text
    first, earlier = readings.setdefault(reading, (number, message))
    labels = (earlier.category, earlier.severity)
    if labels != (message.category, message.severity):
        raise ValueError(
            f"labelled {message.category}, {message.severity}; line {first}, which the model reads"
            f" alike ({reading!r}), is {labels[0]}, {labels[1]}"
        )
    if texts.setdefault(message.text, number) != number:
        raise ValueError(f"repeats line {texts[message.text]}")
