"""Lines from a file or a pipe, as many at a time as are there."""

from collections.abc import Iterator
from typing import Protocol

_CHUNK_BYTES = 1 << 17


class Source(Protocol):
    """A buffered binary stream; a pipe gives what is in it and waits only where it is empty."""

    def read1(self, size: int = -1, /) -> bytes:
        """Return at least one byte, at most ``size``, or none at the end."""


def line_batches(source: Source, most: int) -> Iterator[list[bytes]]:
    """Yield all lines of ``source`` in order, without their ends, ``most`` at a time.

    No line waits for one that has not been written yet, so ``tail -f`` is answered at once.

    Args:
        source: Where the lines come from.
        most: Lines of one batch, at least 1.
    """
    begun: list[bytes] = []
    while chunk := source.read1(_CHUNK_BYTES):
        first, *others = chunk.split(b"\n")
        begun.append(first)
        if not others:
            continue
        lines = [b"".join(begun), *others[:-1]]
        begun = others[-1:]
        for start in range(0, len(lines), most):
            yield lines[start : start + most]
    if any(begun):
        yield [b"".join(begun)]
