"""Which way a command goes to the server of a pairing that there is already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sshknock.client.config import Pairing
from sshknock.client.knocked import knocked
from sshknock.client.remote.connection import Connection, Target, parse_via
from sshknock.client.remote.strangers import Agrees, reached


def _go_on() -> None:
    """Do nothing: the knock alone is not enough."""


@contextmanager
def connected(
    pairing: Pairing,
    via: str | None,
    *,
    look_first: bool = False,
    spare: bool = False,
    agrees: Agrees | None = None,
    opened: Callable[[], None] = _go_on,
) -> Iterator[Connection]:
    """Yield an SSH connection to a pairing's server.

    ``via`` is [USER@]HOST, by ssh's own settings; another pairing is knocked for there, and a host
    key that nobody knows is learnt when the user ``agrees``. Without it,
    or with the pairing's own name in it, the way is the pairing's own port, by a knock; with
    ``look_first`` only when it does not answer without one. ``opened`` is called when the port has
    answered; what it raises ends it there. Raises NotReached, NotOpened, and what ``knocked``
    raises.
    """
    target = Target(pairing.name) if via is None else parse_via(via)
    if target.alias != pairing.name:
        with reached(target, agrees) as connection:
            yield connection
        return
    with knocked(pairing, look_first=look_first, spare=spare) as over:
        opened()
        own = Target(
            pairing.name,
            target.user or pairing.user,
            (pairing.host, pairing.port),
            pairing.host_key_alias,
        )
        with Connection(own, over=over) as connection:
            yield connection
