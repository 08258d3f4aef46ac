"""The state of a pairing: whole or refused, and when a run should probe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sshknock.client import state as states
from sshknock.client.config import Pairing
from sshknock.client.state import PairingState, Store
from sshknock.errors import BadInput
from sshknock.protocol.counters import ClientCounters
from sshknock.protocol.list_counters import SequenceList
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.records import replace
from sshknock.system.files import LockTimeout, locked

ID = "0123456789abcdef"
SECRET = Secret(bytes(range(32)))
STATE = PairingState(ID, SECRET, Parameters(window=16), counters=ClientCounters(3, 5, strong=2))
NOW = 1_800_000_000

counts = st.none() | st.integers(0, 2**40)
counters = st.builds(
    lambda confirmed, ahead, top, step, strong, doubt: ClientCounters(
        confirmed,
        confirmed + ahead,
        None if top is None else top % (confirmed + ahead + 1),
        step,
        None if strong is None else strong % (confirmed + ahead + 1),
        tuple({n % (confirmed + ahead + 33) for n in doubt}),
    ),
    st.integers(0, 2**40),
    st.integers(0, 1000),
    counts,
    st.integers(0, 100),
    counts,
    st.lists(st.integers(0, 2**41), max_size=8),
)
any_state = st.builds(
    PairingState,
    pairing_id=st.from_regex("[0-9a-f]{16}", fullmatch=True),
    secret=st.binary(min_size=32, max_size=32).map(Secret),
    parameters=st.builds(Parameters, window=st.integers(4, 32)),
    admission_s=st.integers(0, 3600),
    counters=counters,
    refuses=st.booleans(),
    last_open=counts,
    last_train=counts,
    closed=st.booleans(),
    last_result=st.sampled_from([None, states.OPENED, states.FAILED, states.NOT_HIDDEN]),
    rtt_ms=counts,
    replaces=st.none() | st.from_regex("[0-9a-f]{16}", fullmatch=True),
    listed=st.none()
    | st.builds(
        lambda first, count, path, warned: SequenceList(first, first + count, path, warned),
        st.integers(0, 2**40),
        st.integers(0, 10_000),
        st.text(),
        counts,
    ),
)


@given(any_state)
def test_a_state_survives_the_keyring(state: PairingState) -> None:
    """What is stored is what is read."""
    assert PairingState.decode(state.encode()) == state


@given(st.text())
def test_a_foreign_text_is_refused(text: str) -> None:
    """No text but a state's passes, and nothing but BadInput is raised."""
    with pytest.raises(BadInput):
        PairingState.decode(text)


@given(st.integers(0, len(STATE.encode()) - 1))
def test_a_state_that_was_cut_off_is_refused(length: int) -> None:
    """A half-written item is told apart, and the error shows nothing of it."""
    with pytest.raises(BadInput) as caught:
        PairingState.decode(STATE.encode()[:length])
    assert SECRET.hex()[:8] not in str(caught.value)


WRONG: dict[str, Any] = {
    "id": ["x", 1, None],
    "secret": ["00", 5, None],
    "parameters": [None, [], {"windows": 8}, {"window": "8"}, {"window": True}],
    "confirmed": [-2, 1.5, "1", True, None, 2**62],
    "sent": [2, -1, 1.5, None, 2**62],
    "top": [-1, "x", 1.5],
    "step": [-1, None, "0"],
    "strong": [-1, True, "1"],
    "doubt": [None, 7, {}, [-1], [True], ["7"], [2**62], list(range(9)), [38], [7, 7]],
    "refuses": [0, None, "no"],
    "last_open": [1.5, -1],
    "last_train": ["now"],
    "closed": [1, None],
    "admission_s": [-1, None, True, "30"],
    "last_result": ["fine", 1],
    "rtt_ms": [-1, 1.5],
    "replaces": ["x", 1, None],
    "version": [0, 2, 3, True, "1", None],
}


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, values in WRONG.items() for v in values])
def test_a_wrong_value_is_refused(key: str, value: object) -> None:
    """Each part has its type and its bounds; ``sent`` is never below ``confirmed``."""
    values = json.loads(STATE.encode())
    values[key] = value
    with pytest.raises(BadInput):
        PairingState.decode(json.dumps(values))


@pytest.mark.parametrize("key", sorted(json.loads(STATE.encode())))
def test_a_missing_or_an_extra_part_is_refused(key: str) -> None:
    """The parts are exactly these."""
    values = json.loads(STATE.encode())
    with pytest.raises(BadInput):
        PairingState.decode(json.dumps({**values, f"{key}2": 1}))
    del values[key]
    with pytest.raises(BadInput):
        PairingState.decode(json.dumps(values))


LISTED = replace(STATE, listed=SequenceList(0, 100))
RIGHT_LIST = {"first": 0, "end": 1, "path": "", "warned": None}
WRONG_LISTS: list[Any] = [
    *(None, [], {}, {"first": 0, "end": 1}, RIGHT_LIST | {"x": 1}),
    *(RIGHT_LIST | {"first": 2}, RIGHT_LIST | {"first": True}, RIGHT_LIST | {"end": "1"}),
    *(RIGHT_LIST | {"warned": -1}, RIGHT_LIST | {"path": None}),
]


@pytest.mark.parametrize("listed", WRONG_LISTS, ids=repr)
def test_a_wrong_list_is_refused(listed: object) -> None:
    """All of its parts, each a number in order."""
    values = json.loads(LISTED.encode())
    with pytest.raises(BadInput):
        PairingState.decode(json.dumps({**values, "list": listed}))


def test_only_a_state_with_a_list_needs_this_version() -> None:
    """The others are written as before: a program from before there were lists goes on with them.

    It refuses one with a list by its version, and does not knock as for a server of ours.
    """
    assert json.loads(STATE.encode())["version"] == 1
    assert "list" not in json.loads(STATE.encode())
    listed = json.loads(LISTED.encode())
    assert listed["version"] == 2
    with pytest.raises(BadInput, match="not written by this version"):
        PairingState.decode(json.dumps({**listed, "version": 3}))
    with pytest.raises(BadInput, match="other parts"):
        PairingState.decode(json.dumps({**listed, "version": 1}))


def test_a_state_from_before_there_were_lists_is_read() -> None:
    """To the letter, as the first release wrote it."""
    text = (
        '{"version":1,"id":"0123456789abcdef","secret":"'
        + SECRET.hex()
        + '","parameters":{"window":16},"admission_s":0,"confirmed":3,"sent":5,"top":null,"step":0,'
        '"strong":2,"refuses":false,"last_open":null,"last_train":null,"closed":false,'
        '"last_result":null,"rtt_ms":null}'
    )
    assert PairingState.decode(text) == STATE
    assert STATE.encode() == text


def test_doubt_is_written_only_where_there_is_some() -> None:
    """All other items stay as older programs read them; and these say what they could not know."""
    sent = replace(STATE, counters=ClientCounters(3, 60))
    doubtful = sent.confirmed(3, trains=[3, 40], shut=True, refused=True, now=NOW)
    assert doubtful.counters.doubt == (56,)
    assert json.loads(doubtful.encode())["doubt"] == [56]
    certain = doubtful.confirmed(56, trains=[56], shut=True, refused=True, now=NOW)
    assert "doubt" not in json.loads(certain.encode())


def test_of_a_list_each_earlier_train_is_in_doubt() -> None:
    """There is no window that could cover two of them."""
    listed = replace(LISTED, counters=ClientCounters(3, 5))
    after = listed.confirmed(5, trains=[4, 5], shut=True, refused=True, now=NOW)
    assert (after.counters.confirmed, after.counters.doubt) == (5, (5,))
    assert after.next(0)[0] == 6


def test_trains_by_hand_follow_each_other_though_the_confirm_is_in_doubt() -> None:
    """Most likely each has opened: a window of them, and a run of ssh still tries the doubt."""
    doubtful = replace(STATE, counters=ClientCounters(39, 39, doubt=(15, 23)))
    assert doubtful.is_fresh
    sent = []
    while doubtful.is_fresh:
        counter, counters = doubtful.next(0)
        sent.append(counter)
        doubtful = replace(doubtful, counters=counters, last_result=states.NOT_LOOKED_AT)
    assert sent == list(range(40, 40 + STATE.parameters.window))
    tried = []
    for attempt in range(3):
        counter, counters = doubtful.next(attempt)
        tried.append(counter)
        doubtful = replace(doubtful, counters=counters, last_result=states.FAILED)
    assert tried[1:] == [15, 23]
    failed = replace(doubtful, counters=ClientCounters(39, 40, step=2, doubt=(15,)))
    assert not failed.is_fresh, "a run that failed tells nothing of the kind"


def test_a_list_has_one_next_counter_and_an_end() -> None:
    """Where the server derives its own sequences a window is ahead, and no end."""
    assert STATE.is_fresh
    assert not STATE.is_used_up()
    assert STATE.next(0)[0] == 6
    assert not LISTED.is_fresh
    assert LISTED.next(0)[0] == 4
    by_hand = replace(LISTED, last_result=states.NOT_LOOKED_AT)
    assert by_hand.is_fresh
    assert [by_hand.next(attempt)[0] for attempt in (0, 2)] == [6, 4]
    last = replace(LISTED, counters=ClientCounters(95, 95))
    assert last.is_used_up()
    assert not last.is_used_up(spare=True)
    assert last.next(0, spare=True)[0] == 96


class MemoryKeyring:
    """A keyring that counts what is written."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.writes = 0

    def get(self, name: str) -> str | None:  # noqa: ARG002
        """Return the text."""
        return self.text

    def set(self, name: str, text: str) -> None:  # noqa: ARG002
        """Keep it."""
        self.text = text
        self.writes += 1

    def delete(self, name: str) -> None:  # noqa: ARG002
        """Forget it."""
        self.text = None


@pytest.mark.parametrize(
    "text", [None, "", "{}", "hunter2", replace(STATE, pairing_id="f" * 16).encode()]
)
def test_a_store_never_overwrites_what_it_cannot_use(text: str | None) -> None:
    """A missing, damaged or foreign item: one error with a hint, and nothing is written."""
    keyring = MemoryKeyring(text)
    store = Store(Pairing("box", ("h",), 22, "file", ID), keyring)
    with pytest.raises(BadInput) as caught:
        store.load()
    assert "'box'" in caught.value.message
    assert caught.value.hint
    assert (keyring.text, keyring.writes) == (text, 0)


def test_settings_that_a_rotation_has_not_reached_know_the_state_by_its_former_id() -> None:
    """The new state is written first; it is that of the pairing with either id, and of no other."""
    rotated = replace(STATE, pairing_id="e" * 16, replaces=ID)
    keyring = MemoryKeyring(rotated.encode())
    for known in (ID, "e" * 16):
        assert Store(Pairing("box", ("h",), 22, "file", known), keyring).load() == rotated
    with pytest.raises(BadInput):
        Store(Pairing("box", ("h",), 22, "file", "d" * 16), keyring).load()


def test_the_lock_is_bounded_and_says_whether_it_was_waited_for(home: Path) -> None:
    """Free: not waited. Held: LockTimeout after the limit."""
    store = Store(Pairing("box", ("h",), 22, "file", ID), MemoryKeyring(None))
    with store.locked(1) as waited:
        assert not waited
    lock = home / ".local/state/sshknock/locks/box"
    with locked(lock), pytest.raises(LockTimeout), store.locked(0.05):
        pass


def _used(strong: int | None = None, **changes: object) -> PairingState:
    base = PairingState(
        ID,
        SECRET,
        Parameters(window=8),
        counters=ClientCounters(10, 20, strong=strong),
        last_open=NOW - 1000,
        last_train=NOW - 1000,
    )
    return replace(base, **changes)


PROBES: dict[str, tuple[PairingState, bool]] = {
    "never on the first run": (_used(last_open=None), False),
    "no confirm was strong yet": (_used(), True),
    "strong long ago": (_used(strong=6), True),
    "strong not long ago": (_used(strong=7), False),
    "strong just now": (_used(strong=10), False),
    "it always refused, and the last time it did not": (_used(strong=9, refuses=True), True),
    "it refused the last time too": (_used(strong=10, refuses=True), False),
    "the counter went down after a false confirm": (_used(strong=15), True),
    "an open train was just sent": (_used(strong=3, last_train=NOW - 5), False),
    "that cannot put it off for ever": (_used(strong=2, last_train=NOW - 5), True),
    "the one connection was made and closed": (
        _used(strong=9, refuses=True, closed=True, last_train=NOW - 1),
        True,
    ),
    "a timed server may not have heard the close": (
        _used(strong=4, closed=True, last_train=NOW - 20, admission_s=30),
        False,
    ),
    "its admission is over": (
        _used(strong=4, closed=True, last_train=NOW - 40, admission_s=30),
        True,
    ),
    "the clock was set back": (_used(strong=3, last_train=NOW + 10), False),
}


@pytest.mark.parametrize(("state", "due"), PROBES.values(), ids=PROBES)
def test_when_a_probe_is_due(state: PairingState, due: bool) -> None:
    """Once no confirm was strong for half a window, put off while an admission may stand."""
    assert state.probe_is_due(NOW) is due


@given(any_state, st.integers(0, 2**40), st.booleans(), st.booleans())
def test_a_confirm_sets_the_counter_and_its_strength(
    state: PairingState, counter: int, shut: bool, refused: bool
) -> None:
    """``confirmed`` is set even to a lower one; strong only if the port was shut and it is near."""
    assume(counter <= state.counters.sent)
    after = state.confirmed(counter, trains=[counter], shut=shut, refused=refused, now=NOW)
    window = state.parameters.window
    expected = state.counters.confirm(counter, window, trains=[counter], shut=shut)
    assert after.counters == expected
    assert after.refuses == (refused if shut else state.refuses)
    assert (after.last_open, after.last_result) == (NOW, states.OPENED)


def test_a_state_does_not_show_its_secret() -> None:
    """Neither printed nor in an error."""
    assert SECRET.hex() not in repr(STATE)
