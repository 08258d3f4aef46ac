"""One address and one source for all packets of a run.

The server admits the address that the knocks came from. On a machine with several networks, with
IPv4 and IPv6, or with temporary IPv6 addresses, the kernel might choose another one for the
connection; so the name is resolved once, the kernel is asked once, and everything is bound to the
answer.
"""

from __future__ import annotations

import socket
from typing import Any

from sshknock.errors import SshknockError
from sshknock.records import record, replace


@record
class Route:
    """From where to where: ``address`` and ``source`` are socket addresses, the source's port 0.

    ``alternative`` leads to the same host by the other family of addresses, where there is one.
    """

    host: str
    port: int
    family: int
    address: tuple[Any, ...]
    source: tuple[Any, ...]
    alternative: Route | None = None

    def other_way(self) -> Route | None:
        """Return the alternative, to which this one is it in turn; None where there is none."""
        if self.alternative is None:
            return None
        return replace(self.alternative, alternative=replace(self, alternative=None))

    def by(self, family: int) -> Route | None:
        """Return the way by one family of addresses alone; None where there is none."""
        for way in (self, self.alternative):
            if way is not None and way.family == family:
                return replace(way, alternative=None)
        return None

    def to_port(self, port: int) -> tuple[Any, ...]:
        """Return the socket address of another port of the same host."""
        return (self.address[0], port, *self.address[2:])

    def socket(self, kind: int) -> socket.socket:
        """Return a non-blocking socket that is bound to the source."""
        made = socket.socket(self.family, kind)
        try:
            made.setblocking(False)
            made.bind(self.source)
        except OSError:
            made.close()
            raise
        return made


def resolve(host: str, port: int) -> Route:
    """Find the first address of a host that there is a route to. Sends nothing to the host.

    Where the other family of addresses leads there too, the route knows an alternative.

    Raises SshknockError for a name that is not known, and when no route leads there.
    """
    try:
        # As bytes: a text would make Python import its codec for international names.
        found = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise SshknockError(
            f"cannot find the address of {host}: {getattr(error, 'strerror', None) or error}",
            "is the name right, and is this machine on line? nothing was sent",
        ) from error
    failure: OSError | None = None
    routes: dict[int, Route] = {}  # the first of each family
    for family, _, _, _, address in found:
        try:
            routes.setdefault(family, Route(host, port, family, address, _source(family, address)))
        except OSError as error:
            failure = failure or error
    if routes:
        first, *others = routes.values()
        return replace(first, alternative=others[0] if others else None)
    reason = failure.strerror if failure else "it has no address"
    raise SshknockError(
        f"no way leads to {host}: {reason}", "is this machine on line? nothing was sent"
    ) from failure


def _source(family: int, address: tuple[Any, ...]) -> tuple[Any, ...]:
    """Ask the kernel which source it would take: connecting a UDP socket sends nothing."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(address)
        name: tuple[Any, ...] = probe.getsockname()
    return (name[0], 0, *name[2:])
