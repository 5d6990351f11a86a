"""Phrases written for this project, as alarm catalogues and status lists of machines word them.

They stand in ``phrases/*.txt``: a heading ``## category severity``, then one message a line; lines
that begin with one ``#`` are remarks.  Where :mod:`quantize.log_lines` has a few shapes with many
fillings, these say many things once.
"""

from collections.abc import Iterator
from pathlib import Path

from edge_agent.core.records import Category, Severity
from quantize.errors import PackageError
from quantize.log_data import Message

SYSTEM = "own_phrases"
FOLDER = Path(__file__).parent / "phrases"
_HEADING, _REMARK = "## ", "#"


def phrases(folder: Path = FOLDER) -> list[Message]:
    """Return the labelled phrases of every file in ``folder``, a repeated one once.

    Raises:
        PackageError: A heading names no category and severity, or breaks the rule that a message
            is normal if and only if it is info.
    """
    found: dict[str, Message] = {}
    for file in sorted(folder.glob("*.txt")):
        for message in _read(file):
            found.setdefault(message.text.casefold(), message)
    return list(found.values())


def _read(file: Path) -> Iterator[Message]:
    label: tuple[Category, Severity] | None = None
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith(_HEADING):
            label = _label(line.removeprefix(_HEADING), f"{file}: line {number}")
        elif line.strip() and not line.startswith(_REMARK):
            if label is None:
                raise PackageError(f"{file}: line {number}: a message before the first heading")
            yield Message(line.strip(), *label, SYSTEM, "Apache-2.0")


def _label(heading: str, place: str) -> tuple[Category, Severity]:
    try:
        category, severity = heading.split()
        label = Category(category), Severity(severity)
    except ValueError as error:
        raise PackageError(f"{place}: {heading!r} is no category and severity") from error
    if (label[0] is Category.NORMAL) != (label[1] is Severity.INFO):
        raise PackageError(f"{place}: a message is normal if and only if it is info")
    return label
