"""The proof of an enrolment: one knocked login, which also ends the server's trial."""

from __future__ import annotations

from sshknock.client.config import Pairing
from sshknock.client.connect import NoWatch
from sshknock.client.knocked import knocked
from sshknock.client.opening import Opening
from sshknock.client.remote.connection import Connection, Target
from sshknock.client.remote.errors import NotReached
from sshknock.client.route import resolve
from sshknock.client.state import Store, locked_by_hand
from sshknock.errors import NotOpened, SshknockError


def prove(pairing: Pairing, alias: str) -> SshknockError | None:
    """Log in through the door, by ssh's settings for ``alias``.

    Returns what makes it a weak proof: a port that answers without a knock. Raises NotOpened when
    it failed, whatever the reason; the pairing stays.
    """
    try:
        visible = _answers_without_a_knock(pairing)
        with knocked(pairing) as over:
            address = (pairing.host, pairing.port)
            target = Target(alias, pairing.user, address, pairing.host_key_alias)
            with Connection(target, over=over) as connection:
                connection.run("true")  # whatever it answers: the session counts
    except (NotOpened, NotReached) as error:
        raise _failed(pairing, error) from error
    if not visible:
        return None
    return SshknockError(
        f"warning: {pairing.host} port {pairing.port} answers from here without a knock as well",
        "the server lets this address in, or its port is visible: there, 'sshknock-server status'",
    )


def _answers_without_a_knock(pairing: Pairing) -> bool:
    store = Store(pairing)
    route = resolve(pairing.host, pairing.port)
    with locked_by_hand(pairing.name):
        connection = Opening(store, store.load(), route, NoWatch()).probe()
    if connection is None:
        return False
    connection.close()
    return True


def _failed(pairing: Pairing, error: SshknockError) -> NotOpened:
    name = pairing.name
    if isinstance(error, NotOpened):
        hint = (
            f"'sshknock doctor {name}' finds out why; is {pairing.host} where this machine reaches"
            f" the server? 'sshknock set {name} host=HOST' changes it"
        )
    else:
        hint = f"the door opened; {error.hint or f'does ssh {name} get in?'}"
    return NotOpened(f"{name} is enrolled, but its proof failed: {error.message}", hint)
