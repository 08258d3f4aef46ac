"""A port on the loopback that does not answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.client.door import HOST


@contextmanager
def silent_port() -> Iterator[int]:
    """Give a port on which nothing answers: its queue of connections is full."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind((HOST, 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        sockets.enter_context(socket.create_connection((HOST, port)))
        yield port
