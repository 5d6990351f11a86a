"""Arrays inside JSON documents."""

import base64
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


def pack(array: NDArray[np.generic]) -> str:
    """Return the elements of ``array`` as text, exactly; the reader has to know shape and type."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(little.tobytes()).decode("ascii")


def unpack(text: str, kind: type[T]) -> NDArray[T]:
    """Return what :func:`pack` made text of, as a writable array of shape ``(n,)``.

    Raises:
        ValueError: ``text`` is not base64 or no whole number of elements.
    """
    little = np.dtype(kind).newbyteorder("<")
    return np.frombuffer(base64.b64decode(text, validate=True), little).astype(kind)
