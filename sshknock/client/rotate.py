"""A new secret for a pairing, in steps between which either side may be killed.

The server makes the new secret and goes on accepting the old one until the new one has opened a
door (``docs/adr/0011-two-secrets-in-a-rotation.md``). Here the new state takes the old one's place
in the keyring by one write, and names the old id, so that the settings may follow later. The first
knock with the new secret then ends the old one. So a pairing works after every step; and a rotation
that was broken off after the write is ended by the next one, because another new secret would make
the server forget the one that we have.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sshknock.client import config, used
from sshknock.client.config import Pairing
from sshknock.client.knocked import knocked
from sshknock.client.state import PairingState, Store, locked_by_hand, refuse_list
from sshknock.client.sync import find_client
from sshknock.errors import BadInput, NotOpened, SshknockError
from sshknock.protocol.token import Token
from sshknock.records import record, replace

if TYPE_CHECKING:
    from sshknock.client.remote.administrator import Administrator, Ask
    from sshknock.client.remote.strangers import Agrees

_BOOKS_S = 5.0
"""How long the server's books may take to know that the new secret was used."""
_ASK_AGAIN_S = 0.2

Tell = Callable[[str], None]
"""Hears which step comes next, in a few words."""


@record
class Rotated:
    """How a rotation ended.

    ``resumed`` tells that an earlier one had made the new secret, and ``alone`` that the old one is
    certainly void: the server said so.
    """

    resumed: bool
    alone: bool

    def warning(self, name: str) -> SshknockError | None:
        """Return what the user should know when the old secret may still be good."""
        if self.alone:
            return None
        return SshknockError(
            f"warning: the old secret of {name} may still be good",
            "the server has not seen the new one used yet, as when no knock is needed from here;"
            f" the next knocked 'ssh {name}' ends the old one",
        )


def rotate(
    pairing: Pairing, *, via: str | None, ask: Ask, tell: Tell, agrees: Agrees | None = None
) -> Rotated:
    """Give a pairing a new secret, and use it once, which ends the old one.

    ``via`` is [USER@]HOST, without it the way is the pairing's own door; ``agrees`` hears of a host
    key that nobody knows. What the pairing is called
    there is always asked for: the secret of another name would take the place of ours.
    Raises what ``remote`` and ``knocked`` raise; a pairing that worked before works after it.
    """
    from sshknock.client.remote.administrator import Administrator  # noqa: PLC0415  slow to load
    from sshknock.client.remote.way import connected  # noqa: PLC0415

    state = Store(pairing).load()
    refuse_list(
        pairing.name,
        state,
        f"'sshknock forget {pairing.name}' and a first 'sshknock push' with --anew make a new one",
    )
    pairing = _follow(pairing, state)
    resumed = _is_unused(state)
    if resumed:
        tell("using the secret of a rotation that was broken off")
        _use(pairing)
        return Rotated(resumed, alone=True)
    tell("connecting")
    with connected(pairing, via, agrees=agrees) as connection:
        server = Administrator(connection, ask)
        name, ids = find_client(server, pairing, state.pairing_id)
        if ids[0] != pairing.pairing_id:  # ours is itself one that was made and not used yet
            _use(pairing)
        tell("making a new secret")
        new = _begin(server, name, pairing)
        pairing = _follow(pairing, new)
        tell("using it for the first time")
        _use(pairing)
        return Rotated(resumed, alone=_is_alone(server, pairing))


def _begin(server: Administrator, name: str, pairing: Pairing) -> PairingState:
    """Fetch a new secret and keep it; from then on both are good, and this machine has one.

    Nobody else may fetch one meanwhile: the server would forget the one that is kept last.
    """
    store = Store(pairing)
    with locked_by_hand(pairing.name):
        old = store.load()
        if old.pairing_id != pairing.pairing_id:
            raise SshknockError(f"{pairing.name} was just given a new secret by another command")
        token = _token(server.call("client", "rotate", name, "--json").get("token"), old)
        new = PairingState(
            token.pairing_id,
            token.secret,
            token.parameters,
            admission_s=token.admission_s,
            rtt_ms=old.rtt_ms,
            last_train=old.last_train,
            closed=old.closed,
            replaces=old.pairing_id,
        )
        store.save(new)
    return new


def _token(answer: object, old: PairingState) -> Token:
    """Read the server's answer; it is believed in nothing that cannot be."""
    if not isinstance(answer, str):
        raise BadInput("the server answered without a new secret", "the old one is still good")
    token = Token.decode(answer)
    token.parameters.check()
    if token.pairing_id == old.pairing_id or token.secret == old.secret:
        raise BadInput("the server answered with the old secret", "it is still good")
    return token


def _follow(pairing: Pairing, state: PairingState) -> Pairing:
    """Let the settings know the pairing by its state's id; return it as they know it then."""
    if pairing.pairing_id == state.pairing_id:
        return pairing
    with config.changing() as known:
        following = replace(known.named(pairing.name), pairing_id=state.pairing_id)
        used.remember(pairing.pairing_id)
        known.pairings[pairing.name] = following
    return following


def _is_unused(state: PairingState) -> bool:
    """Tell whether the secret came by a rotation and has not opened a door yet."""
    return state.replaces is not None and state.last_open is None


def _use(pairing: Pairing) -> None:
    """Open the door with the secret that we have now."""
    try:
        with knocked(pairing):
            return
    except NotOpened as error:
        raise NotOpened(
            f"{pairing.name} has a new secret, but {error.message}",
            f"the server takes either for now: 'sshknock rotate {pairing.name}' again ends it;"
            f" 'sshknock doctor {pairing.name}' finds out why",
        ) from error


def _is_alone(server: Administrator, pairing: Pairing) -> bool:
    """Tell whether the server knows the pairing by the new secret only."""
    end = time.monotonic() + _BOOKS_S
    while True:
        if find_client(server, pairing, pairing.pairing_id)[1] == [pairing.pairing_id]:
            return True
        if time.monotonic() > end:
            return False
        time.sleep(_ASK_AGAIN_S)
