"""Dataclasses to JSON values and back, by their annotations: a type is described once.

Understands what bench/model/ uses: dataclasses, int, float, str, bool, None, Literal, unions
of scalars, tuple[X, ...], Mapping[str, X] and Any.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from armbench.bench.model import Json

T = TypeVar("T")
Reader = Callable[[Json, str], Any]


class DecodeError(ValueError):
    """A value that does not fit; the message starts with its JSON path."""


def encode(value: Any) -> Json:
    """What json.dumps takes: dataclasses become objects, tuples become lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def decode(kind: type[T], raw: Json, at: str = "$", **given: Any) -> T:
    """An instance of a dataclass from a JSON object; `given` fields are not read from it.

    Unknown keys are ignored, so that a later writer may add some.  Raises DecodeError.
    """
    if not isinstance(raw, dict):
        raise DecodeError(f"{at}: expected an object, found {shorten(raw)}")
    values = dict(given)
    described: Any = kind
    for name, read, required in _fields(described):
        if name in values:
            continue
        if name in raw:
            values[name] = read(raw[name], f"{at}.{name}")
        elif required:
            raise DecodeError(f"{at}: {name} is missing")
    return kind(**values)


def shorten(raw: Json, limit: int = 40) -> str:
    """A value as an error message shows it."""
    if isinstance(raw, (list, dict)):
        return "an array" if isinstance(raw, list) else "an object"
    text = "null" if raw is None else repr(raw)
    return text if len(text) <= limit else text[: limit - 1] + "…"


@cache
def _fields(kind: Any) -> tuple[tuple[str, Reader, bool], ...]:
    hints = get_type_hints(kind)
    return tuple(
        (f.name, reader(hints[f.name]), f.default is MISSING and f.default_factory is MISSING)
        for f in fields(kind)
    )


@cache
def reader(kind: Any) -> Reader:
    """A function (raw, path) -> value of an annotation."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda raw, path: raw
    if isinstance(kind, type) and is_dataclass(kind):
        return lambda raw, path: decode(kind, raw, path)
    if origin is Literal:
        return _one_of(arguments)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is tuple:
        return _array(reader(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _object(reader(arguments[1]))
    return _scalar(kind)


_NAMES = {
    int: "an integer",
    float: "a number",
    str: "a string",
    bool: "true or false",
    types.NoneType: "null",
}


def _scalar(kind: Any) -> Reader:
    accepted = (int, float) if kind is float else kind

    def read(raw: Json, path: str) -> Any:
        if not isinstance(raw, accepted) or (isinstance(raw, bool) and kind is not bool):
            raise DecodeError(f"{path}: expected {_NAMES[kind]}, found {shorten(raw)}")
        return float(raw) if kind is float else raw

    return read


def _union(kinds: tuple[Any, ...]) -> Reader:
    others = [kind for kind in kinds if kind is not types.NoneType]
    if len(others) == 1:
        inner = reader(others[0])
        return lambda raw, path: None if raw is None else inner(raw, path)

    def read(raw: Json, path: str) -> Any:
        if not isinstance(raw, kinds):
            raise DecodeError(f"{path}: expected a single value, found {shorten(raw)}")
        return raw

    return read


def _one_of(choices: tuple[Any, ...]) -> Reader:
    def read(raw: Json, path: str) -> Any:
        if raw not in choices:
            raise DecodeError(f"{path}: expected {' or '.join(map(repr, choices))}, found {shorten(raw)}")
        return raw

    return read


def _array(item: Reader) -> Reader:
    def read(raw: Json, path: str) -> Any:
        if not isinstance(raw, list):
            raise DecodeError(f"{path}: expected an array, found {shorten(raw)}")
        return tuple(item(entry, f"{path}[{index}]") for index, entry in enumerate(raw))

    return read


def _object(item: Reader) -> Reader:
    def read(raw: Json, path: str) -> Any:
        if not isinstance(raw, dict):
            raise DecodeError(f"{path}: expected an object, found {shorten(raw)}")
        return {key: item(entry, f"{path}.{key}") for key, entry in raw.items()}

    return read
