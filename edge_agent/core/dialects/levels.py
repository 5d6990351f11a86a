"""How bad a log line says it is: the words and numbers of syslog and of logging libraries."""

import re

from edge_agent.core.records import Severity

_WORDS = {
    Severity.CRITICAL: "emerg emergency panic alert crit critical fatal f",
    Severity.ERROR: "error err severe failure e",
    Severity.WARNING: "warning warn w",
    Severity.INFO: "notice info information informational debug trace verbose fine i d v",
}
_BY_WORD = {word: severity for severity, words in _WORDS.items() for word in words.split()}

# RFC 5424, 6.2.1: emergency, alert, critical, error, warning, notice, informational, debug.
_SYSLOG = (Severity.CRITICAL,) * 3 + (Severity.ERROR, Severity.WARNING) + (Severity.INFO,) * 3

# pino and bunyan write 10 (trace) to 60 (fatal) in steps of ten.
_STEPPED = (Severity.INFO,) * 4 + (Severity.WARNING, Severity.ERROR, Severity.CRITICAL)
_STEP = 10

_LONG_WORD = "|".join(word for word in _BY_WORD if len(word) > 1)
_MARKED = re.compile(
    rf"[\[<(|]\s*({_LONG_WORD})\s*[\]>)|:]|\b(?:level|lvl|severity)\s*[=:]\s*\"?({_LONG_WORD})\b",
    re.ASCII | re.IGNORECASE,
)
# Possessive, for a run of digits could otherwise be split in any number of ways.
_FIRST = re.compile(
    rf"(?:[^\s\d]*+\d\S*+\s++|[-*]\s++)*+(?:({_LONG_WORD.upper()})\b|((?i:{_LONG_WORD})):)",
    re.ASCII,
)
_AMONG_HEADERS = re.compile(rf"(?<!\bNO )\b({_LONG_WORD.upper()})\b(?=.*[a-z])", re.ASCII)
_ANDROID = re.compile(r"\S+\s+\S+\s+\d+\s+\d+\s+([VDIWEF])\s", re.ASCII)
_GLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d", re.ASCII)
_HEADER_CHARS = 160


def from_syslog(number: int) -> Severity:
    """Return the severity of a syslog PRI or of its last three bits."""
    return _SYSLOG[number % len(_SYSLOG)]


def from_field(value: object) -> Severity | None:
    """Return the severity that a level field of a JSON log means, ``None`` if it means none."""
    if isinstance(value, str):
        word = value.strip().lower()
        if not word.isdecimal() or not word.isascii() or len(word) > len("999"):
            return _BY_WORD.get(word)
        value = int(word)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return None
    if value < len(_SYSLOG):
        return _SYSLOG[value]
    return _STEPPED[value // _STEP] if _STEP <= value < _STEP * len(_STEPPED) else None


def from_text(line: str) -> Severity | None:
    """Return the severity that the header of a plain line states, ``None`` if it states none.

    Only a word that stands like a level counts: in brackets, after ``level=``, first in the line
    (after times and numbers), or in capitals before text that is not all capitals.
    """
    header = line[:_HEADER_CHARS]
    for pattern in (_MARKED, _ANDROID, _GLOG, _FIRST):
        found = pattern.search(header) if pattern is _MARKED else pattern.match(header)
        if found is not None:
            return _BY_WORD[next(word for word in found.groups() if word).lower()]
    among = _AMONG_HEADERS.search(header)
    return _BY_WORD[among[1].lower()] if among is not None else None
