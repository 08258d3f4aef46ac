"""The state of a pairing: its secret, its place in the counters, what its last runs saw.

It is one JSON text in the keyring, written whole each time and always before the first packet of a
train leaves. Whoever changes it holds the pairing's lock, so parallel runs of ssh never interleave
their trains or lose each other's counters.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sshknock.client import paths
from sshknock.client.config import Pairing
from sshknock.client.keyrings import Keyring, open_keyring
from sshknock.errors import BadInput, SshknockError, UsageError
from sshknock.protocol.counters import COUNTER_LIMIT, ClientCounters
from sshknock.protocol.list_counters import SequenceList, confirm_of_list, next_of_list
from sshknock.protocol.names import is_admission, is_pairing_id
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.records import as_dict, names_of, record, replace
from sshknock.system.files import LockTimeout, locked

OPENED = "opened"
FAILED = "failed"
NOT_HIDDEN = "not hidden"
NOT_LOOKED_AT = "not looked at"
_RESULTS = (OPENED, FAILED, NOT_HIDDEN, NOT_LOOKED_AT)

MARGIN_S = 2
"""How much longer than it says the server may admit us: its clock's steps, our rounding."""

UNUSED_S = 60
"""How long an admission may stand that no connection has used: the default timeout, doubled."""

_VERSION, _VERSION_WITH_LIST = 1, 2
_BY_HAND_LOCK_WAIT_S = 20.0


@record
class PairingState:
    """What one run of ssh leaves to the next.

    ``refuses`` tells that the port, when it was last seen shut, was so by a refused connection.
    ``last_open`` (the last confirm) and ``last_train`` (the last train) are Unix seconds;
    ``closed`` tells that its session came and went. ``admission_s`` is the token's. ``last_result``
    is ``failed`` from the moment a train leaves until its confirm. ``rtt_ms`` is the last round
    trip that was measured. ``replaces`` is the id that the pairing had before its last rotation.
    ``listed`` is there for a server with a stock knockd and a list of sequences, and None where
    the server derives its own.
    """

    pairing_id: str
    secret: Secret
    parameters: Parameters
    admission_s: int = 0
    counters: ClientCounters = ClientCounters()
    refuses: bool = False
    last_open: int | None = None
    last_train: int | None = None
    closed: bool = False
    last_result: str | None = None
    rtt_ms: int | None = None
    replaces: str | None = None
    listed: SequenceList | None = None

    def belongs_to(self, pairing_id: str) -> bool:
        """Tell whether this is the state of the pairing that the settings know by this id.

        A rotation writes the new state first: the settings may still have the id before it.
        """
        return pairing_id in (self.pairing_id, self.replaces)

    @property
    def is_fresh(self) -> bool:
        """Tell whether the next counter is right on its first attempt if nothing was lost."""
        counters = self.counters
        if self.listed is None:
            return counters.is_fresh(self.parameters.window) or self._follows_by_hand(spare=False)
        return counters.sent == counters.confirmed or self.last_result == NOT_LOOKED_AT

    def is_used_up(self, *, spare: bool = False) -> bool:
        """Tell whether the server's list has no sequence left; ``spare`` is for carrying more."""
        known = self.listed
        return known is not None and self.counters.confirmed + 1 >= known.limit(spare=spare)

    def next(self, attempt: int, *, spare: bool = False) -> tuple[int, ClientCounters]:
        """Return the counter of a run's attempt (from 0) and the place to store before sending.

        A list must not be used up.
        """
        if attempt == 0 and self._follows_by_hand(spare=spare):
            return self.counters.fresh()
        if self.listed is None:
            return self.counters.next(attempt, self.parameters.window)
        return next_of_list(self.counters, attempt, self.listed.limit(spare=spare))

    def _follows_by_hand(self, *, spare: bool) -> bool:
        """Tell whether a fresh counter follows a train that was sent by hand for another program.

        Most likely that one opened, and the program came in.
        """
        if self.listed is None:
            end = self.counters.confirmed + self.parameters.window + 1
        else:
            end = self.listed.limit(spare=spare)
        return self.last_result == NOT_LOOKED_AT and self.counters.sent + 1 < end

    def confirmed(
        self, counter: int, *, trains: Sequence[int], shut: bool, refused: bool, now: int
    ) -> PairingState:
        """Return the state after an identification line came through the door of ``counter``.

        ``trains`` are the counters that this run has sent, in order; ``shut`` tells that the port
        was seen shut before the door of the last one could open, ``refused`` that a refusal showed
        it.
        """
        window = self.parameters.window
        if self.listed is None:
            counters = self.counters.confirm(counter, window, trains=trains, shut=shut)
        else:
            counters = confirm_of_list(self.counters, counter, window, trains=trains, shut=shut)
        return replace(
            self,
            counters=counters,
            refuses=refused if shut else self.refuses,
            last_open=now,
            last_result=OPENED,
        )

    def probe_is_due(self, now: int) -> bool:
        """Tell whether this run should first see that the port is really hidden.

        If it stood open to all, every login would look like a confirm, and the counters would
        drift beyond what recovery reaches. There is no probe on the very first run.
        """
        return self.last_open is not None and self.counters.looks_first(
            self.parameters.window, refuses=self.refuses, admitted=self.may_be_admitted(now)
        )

    def may_be_admitted(self, now: int) -> bool:
        """Tell whether the server may still let us in for the sake of an earlier train.

        A close train may have been lost, so in a ``timed`` server only time ends an admission.
        """
        if self.last_train is None:
            return False
        if self.closed and not self.admission_s:  # the one connection that it was good for
            return False
        stands_s = max(self.admission_s, 0 if self.closed else UNUSED_S) + MARGIN_S
        return abs(now - self.last_train) < stands_s

    def encode(self) -> str:
        """Return the keyring's text. It holds the secret."""
        values: dict[str, Any] = {
            "version": _VERSION,
            "id": self.pairing_id,
            "secret": self.secret.hex(),
            "parameters": self.parameters.to_dict(),
            "admission_s": self.admission_s,
            "confirmed": self.counters.confirmed,
            "sent": self.counters.sent,
            "top": self.counters.top,
            "step": self.counters.step,
            "strong": self.counters.strong,
            "refuses": self.refuses,
            "last_open": self.last_open,
            "last_train": self.last_train,
            "closed": self.closed,
            "last_result": self.last_result,
            "rtt_ms": self.rtt_ms,
        }
        if self.replaces is not None:
            values["replaces"] = self.replaces
        if self.counters.doubt:
            values["doubt"] = self.counters.doubt
        if self.listed is not None:  # an older program would knock as for a server of ours
            values["version"] = _VERSION_WITH_LIST
            values["list"] = as_dict(self.listed)
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> PairingState:
        """Read what ``encode`` wrote; anything else raises BadInput, which shows none of it."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            raise BadInput("it is damaged") from None
        version = values.get("version") if isinstance(values, dict) else None
        if type(version) is not int or version not in _EXTRA:
            raise BadInput("it was not written by this version of sshknock")
        if values.keys() - _OPTIONAL != _KEYS | _EXTRA[version]:
            raise BadInput("it has other parts than it should")
        _check_types(values)
        return cls(
            pairing_id=values["id"],
            secret=Secret.from_hex(values["secret"]),
            parameters=Parameters.from_dict(values["parameters"]),
            admission_s=values["admission_s"],
            counters=ClientCounters(
                confirmed=values["confirmed"],
                sent=values["sent"],
                top=values["top"],
                step=values["step"],
                strong=values["strong"],
                doubt=tuple(values.get("doubt", ())),
            ),
            refuses=values["refuses"],
            last_open=values["last_open"],
            last_train=values["last_train"],
            closed=values["closed"],
            last_result=values["last_result"],
            rtt_ms=values["rtt_ms"],
            replaces=values.get("replaces"),
            listed=_list(values["list"]) if "list" in values else None,
        )


_NUMBERS_OR_NONE = ("last_open", "last_train", "rtt_ms")
_KEYS = {
    *("version", "id", "secret", "parameters", "admission_s", "closed", "refuses"),
    *("confirmed", "sent", "top", "step", "strong", "last_result"),
    *_NUMBERS_OR_NONE,
}
_OPTIONAL = {"replaces", "doubt"}
_EXTRA: dict[int, set[str]] = {_VERSION: set(), _VERSION_WITH_LIST: {"list"}}


def _check_types(values: dict[str, Any]) -> None:
    right = (
        _is_id(values["id"])
        and ("replaces" not in values or _is_id(values["replaces"]))
        and ("doubt" not in values or isinstance(values["doubt"], list))
        and isinstance(values["secret"], str)
        and isinstance(values["parameters"], dict)
        and is_admission(values["admission_s"])
        and isinstance(values["refuses"], bool)
        and isinstance(values["closed"], bool)
        and (values["last_result"] is None or values["last_result"] in _RESULTS)
        and all(values[key] is None or _is_count(values[key]) for key in _NUMBERS_OR_NONE)
    )
    if not right:
        raise BadInput("it holds something that it should not")


def _list(values: object) -> SequenceList:
    if not isinstance(values, dict) or values.keys() != set(names_of(SequenceList)):
        raise BadInput("it holds something that it should not")
    return SequenceList(**values)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_pairing_id(value)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < COUNTER_LIMIT


def refuse_list(name: str, state: PairingState, instead: str) -> None:
    """Raise UsageError for a pairing whose server has a stock knockd; ``instead`` is the hint."""
    if state.listed is not None:
        raise UsageError(
            f"the server of {name} has a stock knockd and a list: nothing there can be asked",
            instead,
        )


def lock_file(name: str) -> Path:
    """Return the file whose lock is that of a pairing; its folder is made."""
    return paths.private_folder(paths.private_folder(paths.state_dir()) / "locks") / name


@contextmanager
def locked_by_hand(name: str) -> Iterator[None]:
    """Hold a pairing's lock for a command; raise SshknockError while another has it for long."""
    try:
        with locked(lock_file(name), timeout_s=_BY_HAND_LOCK_WAIT_S):
            yield
    except LockTimeout as error:
        raise SshknockError(
            f"another ssh or sshknock is still busy with {name}", "try again when it has ended"
        ) from error


class Store:
    """The state of one pairing, in its keyring and under its lock."""

    def __init__(self, pairing: Pairing, keyring: Keyring | None = None) -> None:
        self.pairing = pairing
        self._keyring = keyring if keyring is not None else open_keyring(pairing.keyring)

    @contextmanager
    def locked(
        self, timeout_s: float, pause: Callable[[float], None] = time.sleep
    ) -> Iterator[bool]:
        """Hold the pairing's lock; yield whether another process had it first.

        Raises LockTimeout when it was not given within ``timeout_s``, and what ``pause`` raises.
        """
        path = lock_file(self.pairing.name)
        with ExitStack() as held:
            waited = False
            try:
                held.enter_context(locked(path, timeout_s=0))
            except LockTimeout:
                waited = True
                held.enter_context(locked(path, timeout_s=timeout_s, pause=pause))
            yield waited

    def load(self) -> PairingState:
        """Read the state; a missing, damaged or foreign item raises BadInput and stays as it is."""
        name = self.pairing.name
        text = self._keyring.get(name)
        if text is None:
            raise BadInput(
                f"the keyring has no item for {name!r}",
                f"'sshknock forget {name}' and enroll again with a new token",
            )
        try:
            state = PairingState.decode(text)
        except BadInput as error:
            raise BadInput(
                f"the keyring's item for {name!r} cannot be used: {error.message}",
                "nothing was changed; restore it, or forget the pairing and enroll again",
            ) from error
        if not state.belongs_to(self.pairing.pairing_id):
            raise BadInput(
                f"the keyring's item for {name!r} belongs to another pairing",
                "nothing was changed; restore it, or forget the pairing and enroll again",
            )
        return state

    def save(self, state: PairingState) -> None:
        """Write the state; it is on the disk when this returns."""
        self._keyring.set(self.pairing.name, state.encode())
