"""Labelled log messages: the shared data, what may be trained on, and how a line is roughened."""

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.core.logtext import normalize

PERMISSIVE = ("MIT", "BSD", "Apache", "ISC", "MPL")


@dataclass(frozen=True, slots=True)
class Message:
    """One labelled message; ``line`` is its number in a raw log, 0 for a catalogue's entry.

    ``domain`` is the kind of machine and ``repository`` where the text was found, both empty where
    nobody said; ``alert`` whether the source itself marks the line as an alert.
    """

    text: str
    category: str
    severity: str
    system: str
    licence: str
    line: int = 0
    domain: str = ""
    repository: str = ""
    alert: bool = False


def device_messages(data: Path) -> list[Message]:
    """Return the device messages of the shared data folder ``data``."""
    return [_message(row) for row in _rows(data / "messages.jsonl")]


def loghub_templates(data: Path) -> list[Message]:
    """Return one line for each loghub template: evaluation only, by its licence."""
    return [_message(row) for row in _rows(data / "loghub_templates.jsonl")]


def loghub_lines(data: Path) -> list[tuple[Message, str]]:
    """Return every loghub line with its alert label, ``-`` or empty where there is none."""
    return [
        (_message(row), str(row.get("native_alert_label", "")))
        for row in _rows(data / "loghub_lines.jsonl")
    ]


def raw_logs(data: Path) -> Iterator[tuple[str, int, str]]:
    """Yield system, line number from 1, and the untouched line of every raw loghub file.

    The label column of Blue Gene is taken off: it is the answer.
    """
    for file in sorted((data / "raw").glob("*_2k.log")):
        system = file.name.removesuffix("_2k.log")
        lines = file.read_text(encoding="utf-8", errors="replace").rstrip("\n").split("\n")
        for number, line in enumerate(lines, start=1):
            yield system, number, line.partition(" ")[2] if system == "BGL" else line


def labelled_streams(data: Path) -> list[tuple[str, Message]]:
    """Return the raw loghub lines that have a label, with it; ``alert`` where the source says so.

    The raw line has its header, so a level field can speak.
    """
    labels = {
        (message.system.removeprefix("loghub_"), message.line): replace(
            message, alert=alert not in {"", "-"}
        )
        for message, alert in loghub_lines(data)
    }
    return [
        (raw, labels[system, number])
        for system, number, raw in raw_logs(data)
        if (system, number) in labels
    ]


def permissive(messages: Iterable[Message]) -> list[Message]:
    """Return what weights that ship may be trained on."""
    return [message for message in messages if message.licence.startswith(PERMISSIVE)]


def restricted(messages: Iterable[Message]) -> list[Message]:
    """Return the rest, which may only be used for evaluation."""
    return [message for message in messages if not message.licence.startswith(PERMISSIVE)]


def texts_of(messages: Iterable[Message]) -> list[str]:
    """Return messages as the device's model reads them; what leaves no text is left out."""
    return [text for text in (normalize(message.text).text for message in messages) if text]


def roughened(rng: random.Random, text: str) -> str:
    """Return ``text`` as another vendor might have sent it; often unchanged.

    Case, alarm codes and part numbers around it, values behind it, a typing error, a field cut
    off: what changes the letters and not the meaning.
    """
    for chance, change in (
        (0.12, _recased),
        (0.15, _coded),
        (0.10, _numbered),
        (0.08, _mistyped),
        (0.06, _cut),
        (0.06, _joined),
    ):
        if rng.random() < chance:
            text = change(rng, text)
    return text


def _rows(path: Path) -> list[dict[str, object]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _message(row: dict[str, object]) -> Message:
    return Message(
        text=str(row["text"]),
        category=str(row["category"]),
        severity=str(row["severity"]),
        system=str(row["system"]),
        licence=str(row.get("licence", "loghub")),
        line=int(str(row.get("line_no", 0))),
        domain=str(row.get("vendor_domain", "")),
        repository=str(row.get("source", "")).partition("@")[0],
    )


def _recased(rng: random.Random, text: str) -> str:
    return rng.choice((text.upper(), text.lower(), text.title()))


def _coded(rng: random.Random, text: str) -> str:
    number = rng.randint(1, 9999)
    code = rng.choice(
        (f"E{number}", f"F{number:05d}", f"A{number:04d}", f"0x{number:04X}", str(number))
    )
    shape = rng.choice(
        ("{c} {t}", "{c}: {t}", "[{c}] {t}", "Alarm {c}: {t}", "{t} ({c})", "{t} {c}")
    )
    return shape.format(c=code, t=text)


def _numbered(rng: random.Random, text: str) -> str:
    part = rng.choice(("axis", "unit", "station", "module", "line", "slot", "device", "M", "K"))
    tail = f"{part} {rng.randint(1, 40)}"
    return rng.choice((f"{tail}: {text}", f"{text} {tail}", f"{text} ({tail})", f"{tail} {text}"))


def _mistyped(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    place = rng.randrange(len(words))
    word = words[place]
    if len(word) > 4:  # noqa: PLR2004 - a short word with an error is another word
        at = rng.randrange(1, len(word) - 1)
        words[place] = rng.choice(
            (word[:at] + word[at + 1 :], word[:at] + word[at + 1] + word[at] + word[at + 2 :])
        )
    return " ".join(words)


def _cut(rng: random.Random, text: str) -> str:
    shortest = 24
    return text if len(text) <= shortest else text[: rng.randint(shortest, len(text))]


def _joined(rng: random.Random, text: str) -> str:
    words = text.replace(",", "").split()
    longest = 5
    if not 1 < len(words) <= longest:
        return text
    return rng.choice(("_".join(words).upper(), "".join(word.title() for word in words)))
