"""Tables in Markdown."""

from collections.abc import Sequence


def markdown(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with its title."""
    lines = [heads, ["---"] * len(heads), *rows]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{title}\n\n{body}\n"
