"""What went wrong on the way to a server, in one line and with what to do about it."""

from __future__ import annotations

import asyncio
import socket

import asyncssh

from sshknock.errors import SshknockError

_NO_ANSWER = (
    "it is hidden from here: knock for it with 'sshknock sync NAME --search', let the administrator"
    " run 'sshknock-server admit ADDRESS' for yours, or take another way with --via HOST"
)


class NotReached(SshknockError):
    """No SSH connection to the server stands."""


class NoRights(SshknockError):
    """The user that we are there may not run sshknock-server as root."""


class RemoteFailed(SshknockError):
    """sshknock-server is not there, or says that something is wrong."""


def explained(error: Exception, where: str) -> SshknockError:
    """Return the error for what kept us from a connection to ``where``."""
    if isinstance(error, SshknockError):
        return error
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return NotReached(
            f"the host key of {where} is not in known_hosts, or is another one",
            "compare it with the server's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)"
            " and let ssh learn it first",
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return NotReached(
            f"{where} accepted no key",
            "is it the right user (--via USER@HOST)? a key with a passphrase has to be in the"
            " agent: ssh-add",
        )
    if isinstance(error, socket.gaierror):
        return NotReached(
            f"cannot find the address of {where}: {error.strerror}", "is the name right?"
        )
    if isinstance(error, ConnectionRefusedError | TimeoutError | asyncio.TimeoutError):
        return NotReached(f"{where} does not answer without a knock", _NO_ANSWER)
    if isinstance(error, ConnectionError | asyncssh.ConnectionLost):
        return NotReached(f"the connection to {where} broke off", "does 'ssh' get there?")
    if isinstance(error, OSError):
        return NotReached(f"cannot connect to {where}: {error.strerror or error}")
    if isinstance(error, asyncssh.Error):
        return NotReached(f"the connection to {where} failed: {error.reason or error}")
    return NotReached(  # what asyncssh raises for settings and keys that it cannot read
        f"cannot connect to {where}: {error}", "are ~/.ssh/config and the keys in it sound?"
    )
