"""Fills the project's own message shapes with names, values and codes, the same for every seed.

Catalogues of real devices are nearly all faults, and their texts carry no values.  These lines add
what a device that reports only faults cannot teach: what routine looks like, on machines and on
the computers beside them.
"""

import random
from collections.abc import Callable

from quantize.log_data import Message
from quantize.log_templates import CHATTER, FAULTS, ROUTINE, WORDS

SYSTEM = "own_lines"


def _identifier(rng: random.Random) -> str:
    """Return a name as code has them: ``flushBufferIndex``, ``Task_Queue``, ``cache.size``."""
    words = [rng.choice(WORDS[kind].split("|")) for kind in ("verb", "noun", "noun")]
    parts = "_".join(words[rng.randrange(2) :]).replace(" ", "_").split("_")
    style = rng.randrange(4)
    if style == 0:
        return "_".join(parts)
    if style == 1:
        return ".".join(parts)
    camel = "".join(part.capitalize() for part in parts)
    return camel if style == 2 else camel[0].lower() + camel[1:]  # noqa: PLR2004 - one of four


_VALUES: dict[str, Callable[[random.Random], str]] = {
    "num": lambda rng: str(
        rng.choice((rng.randint(0, 12), rng.randint(0, 400), rng.randint(0, 65000)))
    ),
    "percent": lambda rng: f"{rng.randint(0, 100)}{rng.choice(('%', ' %'))}",
    "degc": lambda rng: f"{rng.randint(-10, 160)}{rng.choice(('C', ' °C', ' degC', '.5 °C'))}",
    "amp": lambda rng: f"{rng.randint(1, 200)}.{rng.randint(0, 9)} A",
    "bar": lambda rng: f"{rng.randint(0, 250)}.{rng.randint(0, 9)} bar",
    "mms": lambda rng: f"{rng.randint(1, 30)}.{rng.randint(0, 9)} mm/s",
    "rpm": lambda rng: f"{rng.randint(10, 9000)} rpm",
    "ms": lambda rng: f"{rng.randint(1, 9000)} ms",
    "seconds": lambda rng: (
        f"{rng.randint(1, 300)}{rng.choice((' s', ' seconds', '.25 seconds', 's'))}"
    ),
    "size": lambda rng: f"{rng.randint(1, 64000)} {rng.choice(('MB', 'kB', 'KB', 'bytes'))}",
    "ident": _identifier,
    "hex": lambda rng: f"0x{rng.getrandbits(32):08x}",
    "id": lambda rng: f"{rng.choice(('blk', 'task', 'job', 'req', 'obj'))}_{rng.randint(1, 10**9)}",
    "ip": lambda rng: f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
    "time": lambda rng: (
        f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
    ),
    "version": lambda rng: f"{rng.randint(0, 9)}.{rng.randint(0, 20)}.{rng.randint(0, 99)}",
}


def generate(
    seed: int, *, faults_each: int = 420, routine: int = 3200, chatter: int = 2200
) -> list[Message]:
    """Return labelled lines of our own, without repeats.

    Args:
        seed: The same seed gives the same lines.
        faults_each: Lines per fault category, over its severities.
        routine: Lines of the category normal about machines and computers.
        chatter: Lines of the category normal about anything, put together from neutral words: they
            teach that a line without a word of trouble is routine, whatever its nouns.
    """
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    lines = _drawn(rng, ROUTINE, routine, "normal", "info")
    lines += _drawn(rng, CHATTER, chatter, "normal", "info")
    categories = {category for category, _ in FAULTS}
    for category in sorted(categories):
        shapes = {severity: text for (name, severity), text in FAULTS.items() if name == category}
        total = sum(len(text.splitlines()) for text in shapes.values())
        for severity, text in shapes.items():
            share = max(40, faults_each * len(text.splitlines()) // total)
            lines += _drawn(rng, text, share, category, severity)
    return lines


def filled(rng: random.Random, shape: str) -> str:
    """Return one message of ``shape``: choices drawn, slots filled, spaces tidied."""
    text, _ = _expanded(rng, shape, 0)
    return " ".join(text.split()).replace(" _", "_").replace(" ,", ",").strip(" ,:")


def _drawn(
    rng: random.Random, block: str, count: int, category: str, severity: str
) -> list[Message]:
    shapes = [line for line in block.strip().splitlines() if line]
    texts: dict[str, None] = {}
    for attempt in range(3 * count):
        texts.setdefault(filled(rng, shapes[attempt % len(shapes)]))
        if len(texts) == count:
            break
    return [Message(text, category, severity, SYSTEM, "Apache-2.0") for text in texts if text]


def _expanded(rng: random.Random, shape: str, at: int) -> tuple[str, int]:
    """Return the text from ``at`` to the end of the shape, and where reading stopped."""
    parts: list[str] = []
    while at < len(shape):
        if shape[at] == "{":
            choices, at = _choices(shape, at + 1)
            parts.append(_chosen(rng, choices))
        else:
            parts.append(shape[at])
            at += 1
    return "".join(parts), at


def _choices(shape: str, at: int) -> tuple[list[str], int]:
    """Return the alternatives of the brace that opened before ``at``, and the place behind it."""
    choices: list[str] = []
    depth, start = 0, at
    while True:
        sign = shape[at]
        if sign == "}" and depth == 0:
            return [*choices, shape[start:at]], at + 1
        if sign == "|" and depth == 0:
            choices.append(shape[start:at])
            start = at + 1
        depth += (sign == "{") - (sign == "}")
        at += 1


def _chosen(rng: random.Random, choices: list[str]) -> str:
    choice = rng.choice(choices)
    if choice in _VALUES:
        return _VALUES[choice](rng)
    if choice in WORDS:
        choice = rng.choice(WORDS[choice].split("|"))
    return _expanded(rng, choice, 0)[0]
