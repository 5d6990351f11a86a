"""Reads the text files that the gates of a classifier run on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quantize.errors import PackageError


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and the true label of each head that somebody labelled."""

    text: str
    labels: Mapping[str, str]


def calibration_lines(file: Path) -> list[Line]:
    """Return the lines of ``file``: plain text, or JSON Lines with a field ``text``.

    Raises:
        PackageError: The file cannot be read or is empty.
    """
    return [Line(_text(raw), {}) for raw in _raw_lines(file)]


def evaluation_lines(file: Path, heads: Mapping[str, Sequence[str]]) -> list[Line]:
    """Return the lines of ``file``, JSON Lines of ``text`` and a label for any of ``heads``.

    Raises:
        PackageError: The file cannot be read, is empty, or a line is not of that form.
    """
    lines = []
    for number, raw in enumerate(_raw_lines(file), start=1):
        try:
            document = json.loads(raw)
            text = document["text"]
            labels = {head: document[head] for head in heads if document.get(head) is not None}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PackageError(f"{file}:{number}: no JSON object with a text: {error}") from error
        for head, label in labels.items():
            if label not in heads[head]:
                raise PackageError(f"{file}:{number}: {head} has no label {label!r}")
        lines.append(Line(str(text), labels))
    return lines


def _raw_lines(file: Path) -> list[str]:
    try:
        lines = [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except OSError as error:
        raise PackageError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PackageError(f"{file}: not UTF-8: {error}") from error
    if not lines:
        raise PackageError(f"{file}: holds no lines")
    return lines


def _text(raw: str) -> str:
    try:
        document = json.loads(raw)
    except ValueError:
        return raw
    return str(document["text"]) if isinstance(document, dict) and "text" in document else raw
