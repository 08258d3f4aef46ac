"""Where a server is for this machine, and by which words ssh will get into it."""

from __future__ import annotations

import getpass
import re
import socket
from contextlib import suppress
from dataclasses import dataclass

from sshknock.client.enroll import ForSsh
from sshknock.client.enrolment.order import Order
from sshknock.client.remote.connection import Connection, Target
from sshknock.client.remote.host_keys import known_as, name_that_knows
from sshknock.client.route import resolve
from sshknock.errors import BadInput, SshknockError
from sshknock.protocol.names import parse_host, parse_name

_LONGEST_NAME = 63
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A server as the way there has shown it.

    ``host`` is where this machine knocks. ``user`` and ``identity_files`` are None and none where
    ssh's settings for the name say it already.
    """

    connection: Connection
    host: str
    user: str | None
    identity_files: tuple[str, ...]

    def for_ssh(self, port: int) -> ForSsh:
        """Return what the Host block has to say for a hidden port."""
        return ForSsh(self.user, self.identity_files, self._host_key_alias(port))

    def _host_key_alias(self, port: int) -> str | None:
        """Return the name that known_hosts has for this server, if ssh would not look there."""
        key, settings = self.connection.host_key, self.connection.settings
        if key is None:
            return None
        if name_that_knows(key, [known_as(self.host, port), self.host], settings) is not None:
            return None
        alias, address = settings.host_key_alias, settings.address
        names = [known_as(address, settings.port), address]
        return name_that_knows(key, names if alias is None else [alias, *names], settings)


def find_place(connection: Connection, order: Order, target: Target) -> Place:
    """Look at the way that we have come; raise SshknockError where we could not knock."""
    settings = connection.settings
    try:
        host = parse_host(order.host or settings.address)
        resolve(host, settings.port)
    except SshknockError as error:
        raise BadInput(
            f"knocks go straight to the server, and there is no way: {error.message}",
            "name the address by which this machine reaches it: --host HOST",
        ) from error
    user, files = target.user, settings.identity_files
    if order.name == target.alias:  # its own settings go on saying the rest
        return Place(connection, host, user, ())
    if user is None and settings.user != getpass.getuser():
        user = settings.user
    return Place(connection, host, user, files)


def default_name() -> str:
    """Return what this machine is called on a server: USER-HOSTNAME, made fit for a name."""
    host = socket.gethostname().partition(".")[0]
    with suppress(BadInput, KeyError, OSError):
        name = _UNFIT.sub("-", f"{getpass.getuser()}-{host}")[:_LONGEST_NAME]
        return parse_name(name.strip("._-"))
    return "client"
