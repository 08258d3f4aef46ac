"""What went wrong on the way to a server, in one line and with what to do about it."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket

import asyncssh

from sshknock.errors import SshknockError

_ERRNO = re.compile(r"\[Errno ([0-9]+)\]")


class NotReached(SshknockError):
    """No SSH connection to the server stands."""


class NoAnswer(NotReached):
    """The other way, which needs no knock, is shut or leads nowhere."""


class NoRights(SshknockError):
    """The user that we are there may not run sshknock-server as root."""


class RemoteFailed(SshknockError):
    """sshknock-server is not there, or says that something is wrong."""


class NotInstalled(RemoteFailed):
    """There is no sshknock-server there."""


class NotSetUp(RemoteFailed):
    """``sshknock-server init`` has not run there."""


def explained(error: Exception, where: str, *, pairing: str | None = None) -> SshknockError:
    """Return the error for what kept us from a connection to ``where``.

    ``pairing`` is the name of the one whose own port it was, None where it was another way there.
    """
    if isinstance(error, SshknockError):
        return error
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return NotReached(
            f"the host key of {where} is not in known_hosts, or is another one",
            "compare it with the server's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)"
            " and let ssh learn it first",
        )
    if isinstance(error, asyncssh.PermissionDenied):
        user = "is it the right user?" if pairing is None else "another user: --via USER@HOST;"
        return NotReached(
            f"{where} accepted no key",
            f"{user} a key with a passphrase has to be in the agent: ssh-add (before it, where none"
            ' runs, eval "$(ssh-agent)"); only a password until now? ssh-copy-id first',
        )
    if isinstance(error, socket.gaierror):
        return NotReached(
            f"cannot find the address of {where}: {error.strerror}", "is the name right?"
        )
    if isinstance(error, OSError | asyncio.TimeoutError | asyncssh.ConnectionLost):
        return _not_connected(error, where, pairing)
    if isinstance(error, asyncssh.Error):
        return NotReached(f"the connection to {where} failed: {error.reason or error}")
    return NotReached(  # what asyncssh raises for settings and keys that it cannot read
        f"cannot connect to {where}: {error}", "are ~/.ssh/config and the keys in it sound?"
    )


def _not_connected(error: Exception, where: str, pairing: str | None) -> NotReached:
    code = _errno(error)
    if code == errno.ECONNREFUSED or isinstance(error, TimeoutError | asyncio.TimeoutError):
        if pairing is None:
            return NoAnswer(f"{where} does not answer", f"does 'ssh {where}' get there?")
        return NotReached(
            f"{where} does not answer without a knock",
            f"it is hidden from here: knock for it with 'sshknock sync {pairing} --search', let the"
            " administrator run 'sshknock-server admit ADDRESS' for yours, or take another way"
            " with --via HOST",
        )
    if isinstance(error, ConnectionError | asyncssh.ConnectionLost):
        return NotReached(f"the connection to {where} broke off", "does 'ssh' get there?")
    reason = str(error) if code is None else os.strerror(code).lower()
    return NotReached(f"cannot connect to {where}: {reason}", "is it up, and is that its address?")


def _errno(error: Exception) -> int | None:
    """Return the kernel's reason: asyncio has a text of its own, and for several addresses one."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _ERRNO.search(str(error))
    return int(found[1]) if found else None
