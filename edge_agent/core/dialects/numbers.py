"""Numbers as payloads spell them: JSON numbers, booleans and text."""

import re
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?(?:\d+([.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_MAX_NUMBER_CHARS = 64
_LARGEST = 3.4e38  # windows are float32, where anything larger is infinite


def number(value: object) -> float | None:
    """Return the finite number that a JSON value means, ``None`` if it means none.

    Booleans are 0 and 1.  Text counts if it is wholly a number; see :func:`number_in_text`.
    NaN, infinities and what is infinite in float32 mean none.
    """
    if isinstance(value, float):
        return value if -_LARGEST <= value <= _LARGEST else None
    if isinstance(value, int | Decimal):  # bool is an int
        return float(value) if -_LARGEST <= value <= _LARGEST else None
    return number_in_text(value) if isinstance(value, str) else None


def number_in_text(text: str) -> float | None:
    """Return the finite number that ``text`` spells with a decimal point or a decimal comma.

    ``12,5`` is 12.5, for half of Europe writes so; ``1,250`` may be either and is therefore none.
    """
    text = text.strip()
    if len(text) > _MAX_NUMBER_CHARS or not _NUMBER.fullmatch(text):
        return None
    if "," in text:
        if _THOUSANDS.fullmatch(text):
            return None
        text = text.replace(",", ".")
    return number(float(text))
