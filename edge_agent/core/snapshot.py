"""Frozen records as JSON and back, so that state survives a restart.

One pair of functions for every record, driven by its type hints, instead of a pair per class: a new
field is stored and read without anybody remembering to do so.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def freeze(value: object) -> object:
    """Return ``value`` as something that ``json.dumps`` takes.

    Args:
        value: A dataclass, enum, mapping, sequence, set or plain value, nested at will.

    Raises:
        ValueError: Anything else, such as an array: that is our bug.
    """
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return [[freeze(key), freeze(item)] for key, item in value.items()]
        case set() | frozenset():
            return sorted((freeze(item) for item in value), key=repr)
        case Sequence():
            return [freeze(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: freeze(getattr(value, f.name)) for f in fields(value)}
    raise ValueError(f"cannot freeze a {type(value).__name__}")


def thaw(kind: type[T], data: object) -> T:
    """Return the record of type ``kind`` that ``freeze`` turned into ``data``.

    A field that ``data`` does not have takes its default, so an older snapshot can still be read.

    Raises:
        ValueError: ``data`` does not fit ``kind``.
    """
    try:
        record: T = _thaw(kind, data)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"a stored {kind.__name__} cannot be read: {error!r}") from error
    return record


def _thaw(kind: Any, data: Any) -> Any:  # noqa: ANN401  (a type hint can be anything)
    origin = get_origin(kind) or kind
    if origin in (Union, types.UnionType):
        return None if data is None else _thaw(_only(kind), data)
    if origin is tuple and get_args(kind)[1:] != (...,):
        return tuple(_thaw(part, item) for part, item in zip(get_args(kind), data, strict=True))
    if origin in (tuple, list, set, frozenset):
        return origin(_thaw(get_args(kind)[0], item) for item in data)
    if origin in (dict, Mapping):
        key_kind, item_kind = get_args(kind)
        return {_thaw(key_kind, key): _thaw(item_kind, item) for key, item in data}
    if isinstance(origin, type) and is_dataclass(origin):
        hints = _hints(origin)
        return origin(**{name: _thaw(hints[name], item) for name, item in data.items()})
    if isinstance(origin, type) and issubclass(origin, Enum):
        return origin(data)
    if not isinstance(data, (int, float) if origin is float else origin):
        raise TypeError(f"expected {origin.__name__}, found {type(data).__name__}")
    return data


def _only(union: Any) -> Any:  # noqa: ANN401
    """Return the one part of an optional hint that is not ``None``."""
    (part,) = [part for part in get_args(union) if part is not types.NoneType]
    return part


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
