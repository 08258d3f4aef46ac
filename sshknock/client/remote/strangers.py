"""The way to a host whose key nobody knows yet: as ssh does it, the user is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sshknock.client.remote.connection import Connection, Target
from sshknock.client.remote.host_keys import UnknownHostKey
from sshknock.errors import SshknockError

Agrees = Callable[[str], bool | None]
"""Answers a question; None when there is nobody to ask."""

_HOSTS_ON_THE_WAY = 8


@contextmanager
def reached(target: Target, agrees: Agrees | None) -> Iterator[Connection]:
    """Yield a connection; host keys on the way that nobody knows are shown, as ssh shows them.

    A target whose settings knock is knocked for. Raises UnknownHostKey where nobody says yes.
    """
    for _ in range(_HOSTS_ON_THE_WAY):
        with ExitStack() as held:
            try:
                connection = held.enter_context(Connection(target, through_us=True))
            except UnknownHostKey as error:
                _learn(error, agrees)
                continue
            yield connection
            return
    raise SshknockError(f"there are too many unknown hosts on the way to {target}")


def _learn(error: UnknownHostKey, agrees: Agrees | None) -> None:
    """Ask whether it is the right one; raise the error again where nobody says so."""
    file = error.kind.removeprefix("ssh-").partition("-")[0]
    question = (
        f"the host key of {error.where} is not known yet: {error.kind}\n"
        f"    {error.fingerprint}\n"
        f"On the server, 'ssh-keygen -lf /etc/ssh/ssh_host_{file}_key.pub' shows its own.\n"
        "Is that the right one?"
    )
    if not error.may_be_learnt or agrees is None or not agrees(question):
        raise error
    error.learn()
