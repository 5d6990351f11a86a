"""One raw log line → its template, for people and the cache, and its text, for the model.

Three steps, each linear: clean (cut first, so a megabyte costs what two kilobytes cost), strip the
header field by field, mask what varies.  The text is a function of the template alone, therefore
two lines with one template and level always get one prediction, whichever came first.  Every
quantifier below is bounded and nothing nests, so no input makes a pattern backtrack for long.
The workshop trains on the same functions that run on the device.
"""

import math
import re
import unicodedata
from dataclasses import dataclass

from edge_agent.core.logheader import TIME, headless
from edge_agent.core.records import Severity

MAX_RAW_CHARS = 2048
MAX_TEMPLATE_CHARS = 400
MAX_TEXT_CHARS = 256

# shown unit → (how sources write it, the word the model reads).  Letters that are also words or
# labels count only when they touch the number.
_UNITS = {
    "°C": (r"°\ ?C|deg\ ?C|degrees?\ \(?C\)?|C", "celsius"),
    "°F": (r"°\ ?F|deg\ ?F|F", "fahrenheit"),
    "%": (r"%|percent", "percent"),
    "mm/s": (r"mm/s", "vibration velocity"),
    "m/s": (r"m/s", "velocity"),
    "mm": (r"mm", "millimeters"),
    "µm": (r"[µμu]m", "micrometers"),
    "mV": (r"mV", "millivolts"),
    "kV": (r"kV", "kilovolts"),
    "VA": (r"k?VA", "volt amperes"),
    "V": (r"V(?:AC|DC|\ AC|\ DC)?|volts?", "volts"),
    "mA": (r"mA", "milliamps"),
    "Ah": (r"m?Ah", "amp hours"),
    "A": (r"A|[Aa]mps?", "amps"),
    "kWh": (r"[kM]?Wh", "energy"),
    "kW": (r"[kM]W", "kilowatts"),
    "W": (r"W|watts?", "watts"),
    "Hz": (r"[kM]?Hz", "hertz"),
    "rpm": (r"rpm|RPM|U/min|1/min|min-1", "rpm"),
    "bar": (r"m?bar(?:\(g\))?", "bar pressure"),
    "Pa": (r"[hkM]?Pa|psi|PSI", "pressure"),
    "Nm": (r"k?Nm", "torque"),
    "l/min": (r"[lL]/(?:min|h)|m3/h", "flow"),
    "Ω": (r"[kM]?(?:Ω|[Oo]hms?)", "ohms"),
    "kg": (r"kg", "weight"),
    "ms": (r"[mµμun]s(?:ec)?|msecs?|milliseconds?", "milliseconds"),
    "s": (r"secs?|seconds?|s", "seconds"),
    "min": (r"mins?|minutes?", "minutes"),
    "h": (r"hrs?|hours?|h", "hours"),
    "d": (r"days?", "days"),
    "B": (r"[kKMGT]i?B|bytes?", "bytes"),
}
_TOUCHING = frozenset({"C", "F", "h"})
# Units whose prefix matters are shown as written: 5 MW is not 5 kW.
_SCALED = frozenset({"VA", "Ah", "kWh", "kW", "Hz", "bar", "Pa", "Nm", "l/min", "Ω", "ms", "B"})
_UNIT = "|".join(f"(?P<u{i}>{written})" for i, (written, _) in enumerate(_UNITS.values()))
_SHOWN = tuple(_UNITS)
_SPOKEN = tuple(spoken for _, spoken in _UNITS.values())
_UNIT_ALONE = re.compile(_UNIT)

# Everything but digits inside a word begins where a word does: one look behind spares the middle of
# every word all but two of the attempts.
_VARIABLE = re.compile(
    rf"""
      (?P<masked><(?:num|0|hex|id|ip|mac|host|path|url|time
        |[0-9]{{1,16}}\.\.[0-9]{{1,16}}\ [^>\s]{{1,8}})>)
    | (?<!\w)(?:
        (?P<path>(?<![.>])(?:~?/[\w.@+-]{{1,64}}(?:/[\w.@:+-]{{0,64}}){{1,30}}
            | [A-Za-z]:\\[\w.\\@+-]{{1,200}}))
      | (?P<url>[a-z][a-z0-9+.-]{{1,12}}://[^\s"'<>]{{1,200}})
      | (?P<host>(?<![.-])(?:[A-Za-z0-9_*-]{{1,63}}\.){{1,8}}
            (?:com|net|org|edu|gov|io|eu|de|uk|fr|ch|at|it|es|nl|cn|jp|us|local|lan|internal)
            (?::[0-9]{{1,5}})?(?![\w.-]))
      | (?P<word>[A-Za-z]{{1,3}}[0-9][A-Za-z]{{1,2}}(?!\w))
      | (?P<id>[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}\b)
      | (?P<mac>[0-9A-Fa-f]{{2}}(?:[:-][0-9A-Fa-f]{{2}}){{5}}\b)
      | (?P<time>(?<!\.)(?:{TIME})(?!\w))
      | (?P<ip>(?<![.:])(?:
            /?[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}(?::[0-9]{{1,5}}|/[0-9]{{1,2}})?(?![\w.]?[0-9])
          | (?:[0-9A-Fa-f]{{1,4}}:){{1,7}}(?::[0-9A-Fa-f]{{1,4}}){{1,6}}
          | (?:[0-9A-Fa-f]{{1,4}}:){{5,7}}[0-9A-Fa-f]{{1,4}}
          | ::1\b))
      | (?P<code>(?<![.-])(?:0[xX][0-9A-Fa-f]{{1,4}}|[A-Z]{{1,3}}-?[0-9]{{3,5}})(?!\w|[.-][0-9]))
      | (?P<hex>0[xX][0-9A-Fa-f]{{5,64}}\b
          | (?<!\.)(?=[A-Fa-f]{{0,63}}[0-9])(?=[0-9]{{0,63}}[A-Fa-f])[0-9A-Fa-f]{{8,64}}(?!\w))
      | (?P<number>(?<!\.)[-+]?(?P<value>[0-9]{{1,15}}(?:[.,][0-9]{{1,9}})?)
            (?P<gap>[\ _-]?)(?:{_UNIT})(?![\w/]))
    )
    | (?P<digits>(?:(?<![\w.])[-+])?[0-9]{{1,64}}(?:[.,][0-9]{{1,64}}){{0,8}}
        (?:e[+-]?[0-9]{{1,3}}\b)?)
    """,
    re.VERBOSE,
)

# Abbreviations of the trade, spelled out so that one vendor's word is another's.
_SPELLING = """
temp=temperature temps=temperatures temperatur=temperature comm=communication comms=communication
commun=communication volt=voltage curr=current freq=frequency batt=battery
bat=battery pos=position posn=position vel=velocity accel=acceleration param=parameter
params=parameters init=initialization config=configuration cfg=configuration conf=configuration
hw=hardware sw=software fw=firmware mem=memory pwr=power enc=encoder mot=motor calib=calibration
calc=calculation ctrl=control chg=charge dischg=discharge gen=generator inv=inverter iso=insulation
max=maximum min=minimum err=error warn=warning msg=message conn=connection ack=acknowledge
auth=authentication cmd=command proc=process hyd=hydraulic lub=lubrication press=pressure
estop=emergency_stop emcy=emergency sto=safe_torque_off mains=grid uv=under_voltage
ov=over_voltage oc=over_current ol=overload
"""
_SPELLED = {
    short: words.replace("_", " ")
    for short, _, words in (entry.partition("=") for entry in _SPELLING.split())
}
_PREFIXED = re.compile(
    r"^(over|under)(temperatures?|voltages?|volt|currents?|heat(?:ed|ing)?|loads?|loaded"
    r"|speed|frequency|pressure|charge[d]?|travel|run|flow|power|temp|torque)$"
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_PLACEHOLDER = re.compile(r"<(?:[0-9.]{1,12}\.\.|)([^<>]{1,22})>")
_TOKEN = re.compile(r"[^\W_]+")
# "0 errors" says the opposite of "5 errors", while bit 0 is a bit like any other: zero is kept
# beside a word that counts or reports trouble.
_TROUBLE = r"(?:errors?|faults?|alarms?|failures?|failed|warnings?|retries|lost|dropped)"
_ZERO_BEFORE = re.compile(
    rf"\ (?:[a-z]{{1,16}}\ {_TROUBLE}|errors|faults|alarms|failures|warnings|retries)\b",
    re.IGNORECASE,
)
_ZERO_AFTER = re.compile(rf"(?:\b{_TROUBLE}|code|status|count|rc)\ ?[=:]?\ ?\Z", re.IGNORECASE)
_ZERO_REACH = 28
_SAID = {
    "0": "zero",
    "ip": "address",
    "mac": "address",
    "host": "address",
    "url": "address",
    "path": "file",
}
_KINDS = frozenset({"num", "0", "hex", "id", "ip", "mac", "host", "path", "url", "time"})
_ANSI = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")
_FOLDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "µ": "u", "Ω": " ohm"})


@dataclass(frozen=True, slots=True)
class LogText:
    """A log line as the scorer sees it.

    ``text`` is lower-case words for the model, ``template`` the masked message for people and the
    cache, ``level`` what the header claimed, if it claimed anything.
    """

    text: str
    template: str
    level: Severity | None


def normalize(raw: str) -> LogText:
    """Return the text, template and level of a raw line; total over every ``str``.

    An empty or unprintable line gives empty text and template.  ``len(text)`` and
    ``len(template)`` never exceed :data:`MAX_TEXT_CHARS` and :data:`MAX_TEMPLATE_CHARS`.
    """
    template, level = mask(raw)
    return LogText(spell(template), template, level)


def mask(raw: str) -> tuple[str, Severity | None]:
    """Return the template of a raw line and the level in its header.

    The cheap half of :func:`normalize`: a line whose template is cached needs no more.  A line that
    is nothing but header keeps it, so that nothing a machine said disappears.
    """
    line = _cleaned(raw)
    message, level = headless(line)
    return _VARIABLE.sub(_masked, message or line)[:MAX_TEMPLATE_CHARS].strip(), level


def spell(template: str) -> str:
    """Return what the model reads for ``template``: lower-case words, identifiers split.

    Plain numbers and ids are dropped, because they only say which part or when; a number with a
    unit says what was measured and roughly how much, so it stays as ``10 celsius``.
    """
    words: list[str] = []
    plain = _HUMP.sub(" ", _PLACEHOLDER.sub(_said, template))
    folded = plain.lower().translate(_FOLDED)
    if not folded.isascii():
        decomposed = unicodedata.normalize("NFD", folded)
        folded = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    for token in _TOKEN.findall(folded):
        prefixed = _PREFIXED.match(token)
        parts = prefixed.groups() if prefixed else (token,)
        words.extend(_SPELLED.get(part, part) for part in parts)
    return " ".join(words)[:MAX_TEXT_CHARS].strip()


def _cleaned(raw: str) -> str:
    head = raw[:MAX_RAW_CHARS]
    if not (head.isascii() and head.isprintable()):
        # NFKC folds full-width digits, ℃ and ligatures; it can lengthen, hence the second cut.
        folded = unicodedata.normalize("NFKC", _ANSI.sub("", head))[:MAX_RAW_CHARS]
        head = "".join(map(_printable, folded))
    return " ".join(head.split())


def _printable(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cc":
        return " "
    # Bidi controls, zero-width marks, lone surrogates and private characters show nothing, and a
    # surrogate cannot even be encoded for the tokenizer.
    return "" if kind[0] == "C" else character


def _masked(match: re.Match[str]) -> str:
    if match["value"] is not None:
        return _measured(match)
    kind = str(match.lastgroup)
    if kind in {"masked", "code", "word"}:
        return match.group()
    if kind != "digits":
        return f"<{kind}>"
    return "<0>" if match.group() == "0" and _counts(match) else "<num>"


def _counts(match: re.Match[str]) -> bool:
    """Return whether the number counts trouble, or is a code that reports it."""
    line, start, end = match.string, match.start(), match.end()
    return bool(
        _ZERO_BEFORE.match(line[end : end + _ZERO_REACH])
        or _ZERO_AFTER.search(line[max(0, start - _ZERO_REACH) : start])
    )


def _measured(match: re.Match[str]) -> str:
    """Return the mask of a number with a unit: its decade and the unit, ``<10..100 °C>``."""
    index = _unit_index(match)
    written = match[f"u{index}"]
    if match["gap"] and written in _TOUCHING:
        return f"<num>{match['gap']}{written}"
    shown = written if _SHOWN[index] in _SCALED else _SHOWN[index]
    size = abs(float(match["value"].replace(",", ".")))
    if size < 1:
        return f"<0..1 {shown}>"
    floor = 10 ** math.floor(math.log10(size))
    return f"<{floor}..{10 * floor} {shown}>"


def _unit_index(match: re.Match[str]) -> int:
    return next(index for index in range(len(_SHOWN)) if match[f"u{index}"] is not None)


def _said(match: re.Match[str]) -> str:
    """Return the words for one placeholder; anything else in angle brackets stays as it is."""
    name = match[1]
    if name in _KINDS:
        return f" {_SAID.get(name, '')} "
    _, dots, unit = name.partition(" ")
    known = _UNIT_ALONE.fullmatch(unit) if dots else None
    if known is None or ".." not in match.group():
        return match.group()
    return f" {match.group()[1:].partition('..')[0]} {_SPOKEN[_unit_index(known)]} "
