"""Since when a port was visible that should not have been."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sshknock.errors import SystemFault
from sshknock.server import exposures, moments, paths, reconcile
from sshknock.server.config import Config, Refuse
from sshknock.server.firewall import kernel
from sshknock.server.store import Store

NOW = 1_800_000_000
DAY_S = 24 * 3600


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Books of a table that was seen intact, and of a clock that says UTC."""
    with closing(Store(tmp_path / "state.db")) as store:
        with store.transaction():
            exposures.note_intact(store, NOW - 15)
        yield store


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def begin(store: Store, now: int = NOW, reason: str = "timer") -> None:
    """Note that the table was found missing."""
    with store.transaction():
        exposures.begin(store, now, cause=exposures.FLUSHED, reason=reason)


def test_it_is_told_from_when_to_when_and_why(store: Store) -> None:
    """The last time it was seen and the time that it stood again; who noticed."""
    begin(store)
    with store.transaction():
        exposures.note_intact(store, NOW + 1)
    exposure = exposures.last(store, NOW + 1)
    assert exposure is not None
    assert exposure.sentence("22") == (
        "Port 22 was visible at some time between 2027-01-15 07:59:45 and 08:00:01"
        " (our table was gone: nftables was flushed or reloaded, or somebody deleted it;"
        " noticed by the regular check)."
    )


def test_as_long_as_it_lasts_it_is_said_once_in_the_log(store: Store) -> None:
    """Every 15 s the same is found: the first time counts."""
    begin(store)
    begin(store, NOW + 15, reason="knock")
    exposure = exposures.last(store, NOW + 15)
    assert exposure is not None
    assert exposure.sentence("22") == (
        "Port 22 is visible, since some time after 2027-01-15 07:59:45"
        " (our table was gone: nftables was flushed or reloaded, or somebody deleted it;"
        " noticed by the regular check)."
    )
    assert [event.kind for event in store.events(9)] == ["exposed"]


def test_it_is_told_for_some_days(store: Store) -> None:
    """Who comes back from a weekend reads of it; after that the log has it."""
    begin(store)
    with store.transaction():
        exposures.note_intact(store, NOW + 1)
    assert exposures.last(store, NOW + 6 * DAY_S) is not None
    assert exposures.last(store, NOW + 8 * DAY_S) is None


def test_what_was_off_was_not_visible(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a start of the machine the time since that counts, not since it was last seen."""
    monkeypatch.setattr(exposures, "boot_id", lambda: "another")
    monkeypatch.setattr(exposures, "booted_at", lambda now: now - 8)
    begin(store, NOW + 1000, reason="boot")
    exposure = exposures.last(store, NOW + 1000)
    assert exposure is not None
    assert (exposure.since, exposure.cause) == (NOW + 992, exposures.STARTED)


def test_a_clock_that_jumped_back_makes_no_nonsense(store: Store) -> None:
    """Since is never after until."""
    begin(store, NOW - 3600)
    with store.transaction():
        exposures.note_intact(store, NOW - 3599)
    exposure = exposures.last(store, NOW - 3599)
    assert exposure is not None
    assert exposure.until is not None
    assert exposure.since <= exposure.until


def test_two_days_are_both_named() -> None:
    """A span over midnight would be read wrongly otherwise."""
    assert moments.between(NOW, NOW + 5) == "between 2027-01-15 08:00:00 and 08:00:05"
    assert (
        moments.between(NOW, NOW + DAY_S) == "between 2027-01-15 08:00:00 and 2027-01-16 08:00:00"
    )


def test_a_long_time_is_told_in_hours() -> None:
    """As a trial of a day has it left."""
    assert moments.span(DAY_S - 1) == "23 h 59 min"


@pytest.mark.parametrize(
    ("cause", "meant"),
    [
        (exposures.FLUSHED, "if you reloaded the firewall then"),
        (exposures.STARTED, "if you restarted the server then"),
        (exposures.CHANGED, "if that was you"),
    ],
)
def test_what_may_have_been_meant_needs_no_mending(cause: str, meant: str) -> None:
    """The administrator knows whether it was; the log has it in any case."""
    exposure = exposures.Exposure(NOW, NOW + 1, cause, "the supervisor")
    assert exposure.remedy == f"nothing, {meant}; 'sshknock-server log' has it"


def test_a_kernel_that_refuses_leaves_it_open(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is gone and cannot be made: it is visible since, and not any more once it can."""

    def refuse(_statements: str, **_options: object) -> None:
        raise kernel.Refused("no")

    config = Config("lo", refuse=Refuse.RESET)
    monkeypatch.setattr(paths, "RUN", tmp_path / "run")
    monkeypatch.setattr(kernel, "read", lambda: None)
    monkeypatch.setattr(kernel, "apply", refuse)
    for _ in range(2):
        with pytest.raises(SystemFault):
            reconcile.agree(store, config, "timer")
    now = int(time.time())
    exposure = exposures.last(store, now)
    assert exposure is not None
    assert exposure.until is None
    monkeypatch.setattr(kernel, "apply", lambda _statements, **_options: None)
    reconcile.agree(store, config, "timer")
    mended = exposures.last(store, now)
    assert mended is not None
    assert mended.until is not None
    assert [event.kind for event in store.events(9)] == ["exposed"]
