"""One waveform from a file: NumPy array, comma-separated text or WAV."""

import csv
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import ConfigError

_SNIFFED_CHARS = 4096
_DELIMITERS = ";\t,"
_TIME_NAMES = frozenset({"t", "time", "zeit", "timestamp", "seconds", "sec", "time_s", "index"})
_UNSIGNED_BYTES = 1  # WAV samples of one byte are the only unsigned ones


def read_waveform(path: Path, column: str | None = None) -> NDArray[np.float64]:
    """Return the samples in ``path``, shape ``(n,)``, as they are: NaN, infinite or none at all.

    Args:
        path: ``.npy`` holds one dimension, or two with one column; of a ``.wav`` with integer
            samples the first channel counts, full scale being 1; of a ``.csv`` the first column of
            numbers that is not named like a time.
        column: The name of another column of a ``.csv``.

    Raises:
        ConfigError: Not there, not readable, or no waveform.
    """
    readers = {".npy": _read_array, ".wav": _read_wav}
    suffix = path.suffix.lower()
    try:
        if suffix == ".csv":
            return _read_table(path, column)
        if suffix in readers:
            return readers[suffix](path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, MemoryError, csv.Error, wave.Error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path} holds no waveform: {reason}") from error
    raise ConfigError(f"{path} is neither .npy nor .csv nor .wav")


def _read_array(path: Path) -> NDArray[np.float64]:
    array = np.load(path, allow_pickle=False)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"numbers are needed, not {array.dtype}")
    if array.ndim == 2 and 1 in array.shape:  # noqa: PLR2004
        array = array.ravel()
    if array.ndim != 1:
        raise ValueError(f"one channel is needed, not an array of shape {array.shape}")
    return np.asarray(array, dtype=np.float64)


def _read_wav(path: Path) -> NDArray[np.float64]:
    with wave.open(str(path), "rb") as file:
        width, channels = file.getsampwidth(), file.getnchannels()
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype=np.uint8)
    samples = raw[: raw.size // (width * channels) * width * channels]
    first = samples.reshape(-1, channels, width)[:, 0, :]
    if width == _UNSIGNED_BYTES:
        return (first[:, 0].astype(np.float64) - 128.0) / 128.0
    # Little-endian bytes at the top of 32 bits, so that the sign is where a 32-bit integer has it.
    padded = np.zeros((first.shape[0], 4), dtype=np.uint8)
    padded[:, 4 - width :] = first
    return np.asarray(padded.view("<i4")[:, 0] / 2.0**31)


def _read_table(path: Path, column: str | None) -> NDArray[np.float64]:
    text = path.read_text(encoding="utf-8-sig")
    delimiter = max(_DELIMITERS, key=text[:_SNIFFED_CHARS].count)
    # Where fields are not separated by commas, a comma is a decimal point.
    decimal = "." if delimiter == "," else ","
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(row)]
    if not rows:
        return np.empty(0)
    headed = not any(_is_number(field, decimal) for field in rows[0])
    names = [name.strip() for name in rows[0]] if headed else []
    values = rows[1:] if headed else rows
    place = _place(names, values, column, decimal)
    return np.array([_number(row[place] if place < len(row) else "", decimal) for row in values])


def _place(names: list[str], values: list[list[str]], column: str | None, decimal: str) -> int:
    """Return where the waveform's column is."""
    if column is not None:
        if column not in names:
            raise ValueError(f"no column {column!r}")
        return names.index(column)
    numeric = [
        place
        for place, field in enumerate(values[0] if values else [])
        if _is_number(field, decimal)
    ]
    named = [p for p in numeric if p >= len(names) or names[p].lower() not in _TIME_NAMES]
    if values and not numeric:
        raise ValueError("no column of numbers")
    return (named or numeric or [0])[0]


def _number(field: str, decimal: str) -> float:
    """Return a field's value; a missing one is not a number, which the diagnosis will say."""
    return float(field.replace(decimal, ".")) if field.strip() else float("nan")


def _is_number(field: str, decimal: str) -> bool:
    try:
        _number(field, decimal)
    except ValueError:
        return False
    return bool(field.strip())
