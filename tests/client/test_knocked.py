"""A connection through a pairing's own door, for a command instead of for ssh."""

from __future__ import annotations

import fcntl
import socket
import termios
import threading
from pathlib import Path

import pytest

from sshknock.client import sessions
from sshknock.client.knocked import knocked
from sshknock.client.state import OPENED, lock_file
from sshknock.errors import SshknockError
from sshknock.system.files import locked
from tests.client.conftest import pair
from tests.client.door import BANNER, HOST, Door
from tests.lab.waiting import eventually


def in_two_parts(connection: socket.socket) -> None:
    """Say something else first; the rest comes when the first part has been acknowledged."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"hello\r\nSSH-2.0")
    eventually(lambda: _is_acknowledged(connection), "the first part has arrived")
    connection.sendall(b"-fake\r\n")
    connection.recv(1)


def _is_acknowledged(connection: socket.socket) -> bool:
    left = fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4)
    return left == b"\0" * 4


def greet(listener: socket.socket) -> None:
    """Be an SSH server for one connection, as far as the identification."""
    with listener.accept()[0] as connection:
        connection.sendall(BANNER)
        connection.recv(1)


def silent(connection: socket.socket) -> None:
    """Hang up."""
    connection.shutdown(socket.SHUT_RDWR)


def test_it_is_confirmed_and_the_identification_is_left_to_be_read(door: Door) -> None:
    """While it lasts it counts as a session, and the lock is free; then the door is closed."""
    store = pair(door)
    with knocked(store.pairing) as connection:
        assert connection.recv(4096) == BANNER
        assert (store.load().counters.confirmed, store.load().last_result) == (0, OPENED)
        assert sessions.count("box") == 1
        with locked(lock_file("box"), timeout_s=0):
            pass
    assert door.wait_for(lambda: door.closed == [0])
    assert store.load().closed
    assert sessions.count("box") == 0


def test_a_port_that_answers_by_itself_is_taken_as_it_is(home: Path) -> None:
    """With ``look_first``: nothing is sent, and no counter is used."""
    assert home
    with Door() as door, socket.create_server((HOST, door.port)) as visible:
        store = pair(door)
        greeter = threading.Thread(target=lambda: greet(visible))
        greeter.start()
        with knocked(store.pairing, look_first=True) as connection:
            assert connection.recv(4096) == BANNER
        greeter.join()
        assert store.load().counters.sent == -1


def test_an_identification_that_comes_in_parts_is_waited_for(home: Path) -> None:
    """What came before it is still to be read too."""
    assert home
    with Door(serve=in_two_parts) as door:
        store = pair(door)
        with knocked(store.pairing) as connection:
            assert connection.recv(4096) == b"hello\r\nSSH-2.0-fake\r\n"


def test_no_ssh_server_is_no_confirm(home: Path) -> None:
    """It hangs up: the counter was sent and is not confirmed, the door is closed all the same."""
    assert home
    with Door(serve=silent) as door:
        store = pair(door)
        with pytest.raises(SshknockError, match="no SSH server"), knocked(store.pairing):
            pass
        counters = store.load().counters
        assert (counters.confirmed, counters.sent) == (-1, 0)
        assert door.wait_for(lambda: door.closed == [0])
