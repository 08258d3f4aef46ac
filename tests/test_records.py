"""Records behave as frozen dataclasses do."""

import copy
from dataclasses import dataclass

import pytest

from sshknock.records import as_dict, record, replace


@record
class Point:
    """A record with a default and a check."""

    x: int
    y: int = 7

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x is below 0")

    @property
    def norm(self) -> int:
        """Methods stay."""
        return self.x + self.y


@dataclass(frozen=True, slots=True)
class Twin:
    """What the standard library makes of the same."""

    x: int
    y: int = 7


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1,), {}), ((1, 2), {}), ((), {"x": 1}), ((1,), {"y": 3}), ((), {"y": 2, "x": 1})],
)
def test_a_record_takes_and_holds_what_a_dataclass_does(
    args: tuple[int, ...], kwargs: dict[str, int]
) -> None:
    """Positions, names, defaults; compared, hashed and copied by value."""
    one, twin = Point(*args, **kwargs), Twin(*args, **kwargs)
    assert as_dict(one) == {"x": twin.x, "y": twin.y}
    assert one.norm == twin.x + twin.y
    assert repr(one) == repr(twin).replace("Twin", "Point")
    for other in (Point(*args, **kwargs), copy.copy(one), copy.deepcopy(one)):
        assert other == one
        assert hash(other) == hash(one)
    assert one != object()
    assert replace(one, x=9) == Point(9, one.y)


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1})]
)
def test_wrong_arguments_are_type_errors(args: tuple[int, ...], kwargs: dict[str, int]) -> None:
    """As for a dataclass."""
    for kind in (Point, Twin):
        with pytest.raises(TypeError):
            kind(*args, **kwargs)


def test_nothing_changes_and_what_is_checked_is_checked() -> None:
    """Neither a value nor a new attribute can be set; replace checks again."""
    one = Point(1)
    with pytest.raises(AttributeError):
        one.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        one.z = 2  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        del one.x
    with pytest.raises(ValueError, match="below"):
        replace(one, x=-1)
