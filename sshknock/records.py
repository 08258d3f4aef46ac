"""Frozen records as ``@dataclass(frozen=True, slots=True)`` makes them, at a lower price.

``sshknock-proxy`` starts with every ssh. The standard library's dataclasses import inspect, ast and
dis, and compile code for each class; that alone took longer than all the rest before the first
knock (``docs/adr/0008-records.md``). Type checkers see the same as with a dataclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: object) -> Any:
        """Do nothing: what it says is for type checkers."""
        return lambda decorator: decorator


T = TypeVar("T")


class Record:
    """What all records do. Compared and hashed by their values, never changed."""

    __slots__: tuple[str, ...] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = self.__slots__
        values = dict(zip(names, args, strict=False))
        if len(args) > len(names) or values.keys() & kwargs.keys() or kwargs.keys() - set(names):
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}, each once")
        values = self._defaults | values | kwargs
        if len(values) < len(names):
            missing = ", ".join(name for name in names if name not in values)
            raise TypeError(f"{type(self).__name__} needs {missing}")
        for name in names:
            object.__setattr__(self, name, values[name])
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the values, in those records that do."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} stays")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} stays")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((type(self), _values(self)))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> tuple[Any, ...]:
        return _values(self)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(self.__slots__, state, strict=True):
            object.__setattr__(self, name, value)


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Make a class of annotations a frozen record with slots. Defaults must be immutable."""
    names = tuple(cls.__annotations__)
    body = dict(cls.__dict__)
    defaults = {name: body.pop(name) for name in names if name in body}
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    body |= {"__slots__": names, "_defaults": defaults}
    made: Any = type(cls.__name__, (Record,), body)
    kind: type[T] = made
    return kind


def replace(one: T, **changes: Any) -> T:
    """Return a record like this one, but for the changes."""
    made: Any = type(one)
    copy: T = made(**(as_dict(one) | changes))
    return copy


def as_dict(one: object) -> dict[str, Any]:
    """Return the names and values of a record, in order."""
    return {name: getattr(one, name) for name in names_of(type(one))}


def names_of(kind: Any) -> tuple[str, ...]:
    """Return the names of a record's values, in order."""
    names: tuple[str, ...] = kind.__slots__
    return names


def _values(one: Any) -> tuple[Any, ...]:
    return tuple([getattr(one, name) for name in one.__slots__])
