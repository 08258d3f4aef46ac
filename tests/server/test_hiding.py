"""Trials by the books alone: what the kernel says, what the clock says, and which one counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sshknock.errors import SshknockError
from sshknock.server import hiding, proc
from sshknock.server.hiding import Mode
from sshknock.server.store import Store

PORTS = (22, 2222)
NOW = 1_800_000_000
TOLD = 5000
"""When the kernel was told of the trial, in ticks since boot."""
STANDS_S = 30
"""How long an opened door lets its address in."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Fresh books."""
    with closing(Store(tmp_path / "state.db")) as store:
        yield store


@pytest.fixture
def trial(store: Store) -> Store:
    """Books with a trial of a minute that the kernel was told of."""
    with store.transaction():
        hiding.change(store, hiding.on_trial(NOW, 60), by="init")
        hiding.note_applied(store, TOLD)
    return store


def kernel_says(store: Store, seconds: int | None, now: int) -> bool:
    """Look at an intact table that hides both ports for so long yet."""
    with store.transaction():
        return hiding.heed(store, PORTS, dict.fromkeys(PORTS, seconds), now)


def test_the_first_books_say_hidden(store: Store) -> None:
    """A server that was set up before there were trials stays as it is."""
    assert hiding.of(store).mode is Mode.HIDDEN
    assert hiding.of(store).elements(PORTS, NOW) == {22: None, 2222: None}


def test_a_trial_is_for_its_time(trial: Store) -> None:
    """What the kernel is to hide, and how long."""
    assert hiding.of(trial).elements(PORTS, NOW + 20) == {22: 40, 2222: 40}


@pytest.mark.parametrize("gone", [(22,), (2222,), (22, 2222)])
@pytest.mark.parametrize("jump_s", [-10_000, 10, 10_000])
def test_what_the_kernel_gave_back_is_visible_whatever_the_clock_says(
    trial: Store, gone: tuple[int, ...], jump_s: int
) -> None:
    """One port of two is enough; the end is never told to be in the future."""
    present = {port: 5 for port in PORTS if port not in gone}
    with trial.transaction():
        assert hiding.heed(trial, PORTS, present, NOW + jump_s)
    assert hiding.of(trial).mode is Mode.TRIAL_OVER
    assert hiding.of(trial).since == min(NOW + 60, NOW + jump_s)
    assert hiding.of(trial).elements(PORTS, NOW) == {}


def test_what_the_kernel_hides_is_hidden_whatever_the_clock_says(trial: Store) -> None:
    """The deadline is an hour ago by a clock that jumped: the trial goes on."""
    assert kernel_says(trial, 30, NOW + 3600)
    hiding.end_overdue(trial, NOW + 3600)
    assert hiding.of(trial).mode is Mode.TRIAL


def test_a_clock_that_jumps_back_makes_no_trial_longer(trial: Store) -> None:
    """What was left when we last looked is the most that there is after a reboot."""
    assert kernel_says(trial, 12, NOW + 48)
    with trial.transaction():
        hiding.forget_applied(trial)
        hiding.end_overdue(trial, NOW - 3600)
    assert hiding.of(trial).elements(PORTS, NOW - 3600) == {22: 12, 2222: 12}


def test_a_trial_that_was_over_while_the_machine_was_off_is_over(trial: Store) -> None:
    """The kernel has forgotten it, the clock has not."""
    with trial.transaction():
        hiding.forget_applied(trial)
        hiding.end_overdue(trial, NOW + 60)
    assert hiding.of(trial).mode is Mode.TRIAL_OVER
    assert hiding.of(trial).since == NOW + 60


def test_before_the_kernel_was_told_nothing_is_missing(store: Store) -> None:
    """Killed between the books and the kernel: the port is not there yet, and that is no end."""
    with store.transaction():
        hiding.change(store, hiding.on_trial(NOW, 60), by="init")
        assert hiding.heed(store, PORTS, {}, NOW)
    assert hiding.of(store).mode is Mode.TRIAL


def test_a_port_hidden_for_good_that_is_gone_is_amiss(store: Store) -> None:
    """Once the kernel was told, and only then; a visible port is never amiss."""
    with store.transaction():
        assert hiding.heed(store, PORTS, {}, NOW)
        hiding.note_applied(store, TOLD)
        assert not hiding.heed(store, PORTS, {22: None}, NOW)
        hiding.change(store, hiding.unhidden(NOW), by="unhide")
        hiding.note_applied(store, TOLD)
        assert hiding.heed(store, PORTS, {}, NOW)


def test_a_login_proves_by_a_knock_of_its_trial(trial: Store) -> None:
    """The address has opened a door since, and the sshd began after that."""
    with trial.transaction():
        hiding.note_knock(trial, "192.0.2.1", TOLD - 1, TOLD + 1)  # before the trial
        assert not hiding.has_knocked(trial, "192.0.2.1", TOLD + 10, STANDS_S)
        hiding.note_knock(trial, "192.0.2.1", TOLD + 5, TOLD + 15)
        hiding.note_knock(trial, "192.0.2.1", TOLD + 50, TOLD + 60)
    assert hiding.has_knocked(trial, "192.0.2.1", TOLD + 10, STANDS_S)
    assert not hiding.has_knocked(trial, "192.0.2.1", TOLD + 4, STANDS_S)
    assert not hiding.has_knocked(trial, "192.0.2.2", TOLD + 10, STANDS_S)


def test_a_login_long_after_the_knock_proves_nothing(trial: Store) -> None:
    """The admission was over, so the connection came in by another way; a new knock counts."""
    with trial.transaction():
        hiding.note_knock(trial, "192.0.2.1", TOLD + 5, TOLD + 15)
    late = TOLD + 15 + (STANDS_S + 11) * proc.TICKS_A_SECOND
    assert not hiding.has_knocked(trial, "192.0.2.1", late, STANDS_S)
    with trial.transaction():
        hiding.note_knock(trial, "192.0.2.1", late - 5, late)
    assert hiding.has_knocked(trial, "192.0.2.1", late, STANDS_S)


def test_who_was_a_guest_meanwhile_proves_nothing(trial: Store) -> None:
    """The guest's time may be over when the login is told; one that started after that counts."""
    with trial.transaction():
        hiding.note_knock(trial, "192.0.2.1", TOLD + 5, TOLD + 15)
        hiding.note_guest_gone(trial, "192.0.2.1", TOLD + 100)
        hiding.note_guest_gone(trial, "192.0.2.2", TOLD + 100)
    assert not hiding.has_knocked(trial, "192.0.2.1", TOLD + 99, STANDS_S)
    assert hiding.has_knocked(trial, "192.0.2.1", TOLD + 100, STANDS_S)
    assert not hiding.has_knocked(trial, "192.0.2.2", TOLD + 100, STANDS_S)


def test_knocks_before_a_reboot_count_no_more(trial: Store) -> None:
    """The ticks since boot begin anew: an old time could keep a new login from being seen."""
    with trial.transaction():
        hiding.note_knock(trial, "192.0.2.1", TOLD + 5, TOLD + 6)
        hiding.forget_applied(trial)
        hiding.note_applied(trial, 30)
        hiding.note_knock(trial, "192.0.2.1", 40, 41)
    assert hiding.has_knocked(trial, "192.0.2.1", 41, STANDS_S)
    assert not hiding.has_knocked(trial, "192.0.2.1", TOLD + 6, 0)


@pytest.mark.parametrize("other", [hiding.for_good(NOW), hiding.unhidden(NOW)])
def test_without_a_trial_no_knock_is_noted(store: Store, other: hiding.Hiding) -> None:
    """Books that nobody reads do not grow."""
    with store.transaction():
        hiding.change(store, replace(other), by="hide")
        hiding.note_applied(store, TOLD)
        hiding.note_knock(store, "192.0.2.1", TOLD + 5, TOLD + 6)
    assert not hiding.has_knocked(store, "192.0.2.1", TOLD + 6, STANDS_S)


def test_confirm(trial: Store) -> None:
    """Once; afterwards there is no trial, and of a visible port nothing can be confirmed."""
    with trial.transaction():
        assert hiding.confirm_by_hand(trial, NOW + 5)
        assert not hiding.confirm_by_hand(trial, NOW + 6)
        assert hiding.of(trial).mode is Mode.HIDDEN
        hiding.change(trial, hiding.unhidden(NOW + 7), by="unhide")
    with pytest.raises(SshknockError, match="the port is visible"):
        hiding.confirm_by_hand(trial, NOW + 8)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (hiding.for_good(NOW), "Port 22 is hidden on eth0."),
        (hiding.on_trial(NOW, 60), "Port 22 is hidden on eth0, on trial until 20"),
        (hiding.unhidden(NOW), "Port 22 is visible since 20"),
        (hiding.Hiding(Mode.TRIAL_OVER, NOW), "Port 22 is visible: the trial ended at 20"),
    ],
)
def test_each_is_said_in_a_sentence(state: hiding.Hiding, said: str) -> None:
    """As `init` and `status` tell it."""
    assert state.sentence("22", "eth0").startswith(said)
    assert state.sentence("22", "eth0").endswith(".")


@pytest.mark.parametrize(
    ("at", "left"), [(NOW, "10 min"), (NOW + 1, "9 min"), (NOW + 541, "59 s"), (NOW + 700, "0 s")]
)
def test_a_trial_tells_how_long_it_goes_on(at: int, left: str) -> None:
    """Never more than it has; asked without a clock it names its end only."""
    trial = hiding.on_trial(NOW, 600)
    assert trial.sentence("22", "eth0", at).endswith(f" ({left} left).")
    assert "left" not in trial.sentence("22", "eth0")
