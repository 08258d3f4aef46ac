"""The relay between pipes and a connection."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.client.relay import Identification, Relay

BIG = 8 * 1024 * 1024


class Bench:
    """A relay in a thread, with the other ends of its pipes and of its connection."""

    def __init__(self) -> None:
        source, self.stdin = os.pipe()
        self.stdout, sink = os.pipe()
        wake, self.wake = os.pipe()
        self.server, connection = _tcp_pair()
        self.connection = connection
        self.source = source
        self.tapped = b""
        self.relay = Relay(connection, source=source, sink=sink, wake_fd=wake, tap=self._tap)
        self._close = [source, wake, self.wake]
        self.sink = sink
        self.thread = threading.Thread(target=self._run)

    def _tap(self, data: memoryview) -> None:
        self.tapped += data

    def _run(self) -> None:
        self.relay.run()
        self.relay.drain()
        self.connection.close()

    def start(self) -> Bench:
        """Start relaying."""
        self.thread.start()
        return self

    def ended(self, timeout_s: float = 5) -> bool:
        """Tell whether the relay ends in time."""
        self.thread.join(timeout_s)
        return not self.thread.is_alive()

    def close(self) -> None:
        """End it, whatever it does, and close everything."""
        if self.thread.is_alive():
            os.write(self.wake, b"x")
            self.thread.join()
        self.server.close()
        self.connection.close()
        for descriptor in (*self._close, self.stdin, self.stdout, self.sink):
            with suppress(OSError):
                os.close(descriptor)


def _tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    server.settimeout(10)
    return server, client


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Return a bench whose relay is not started yet."""
    made = Bench()
    yield made
    made.close()


def read_all(read: Callable[[int], bytes]) -> bytes:
    """Read to the end."""
    data = bytearray()
    while more := read(65536):
        data += more
    return bytes(data)


def test_bytes_go_both_ways_and_the_tap_sees_the_servers(bench: Bench) -> None:
    """What ssh writes reaches the server and the other way round."""
    bench.start()
    os.write(bench.stdin, b"question")
    assert bench.server.recv(100) == b"question"
    bench.server.sendall(b"answer")
    assert os.read(bench.stdout, 100) == b"answer"
    assert bench.tapped == b"answer"


def test_the_end_of_input_is_passed_on_and_the_answer_still_comes(bench: Bench) -> None:
    """Half-closed by ssh: the server sees the end, and what it says after that arrives."""
    bench.start()
    os.write(bench.stdin, b"last words")
    os.close(bench.stdin)
    assert read_all(bench.server.recv) == b"last words"
    bench.server.sendall(b"goodbye")
    bench.server.close()
    assert read_all(lambda n: os.read(bench.stdout, n)) == b"goodbye"
    assert bench.ended()


def test_the_servers_end_is_passed_on_and_input_still_goes(bench: Bench) -> None:
    """Half-closed by the server: ssh sees the end, and what it still says arrives."""
    bench.start()
    bench.server.sendall(b"done")
    bench.server.shutdown(socket.SHUT_WR)
    assert read_all(lambda n: os.read(bench.stdout, n)) == b"done"
    os.write(bench.stdin, b"thanks")
    os.close(bench.stdin)
    assert read_all(bench.server.recv) == b"thanks"
    assert bench.ended()


def test_a_slow_server_slows_ssh_and_nothing_is_lost(bench: Bench) -> None:
    """The writer is stopped long before 8 MiB, and everything arrives once the server reads."""
    bench.start()
    data = os.urandom(BIG)
    os.set_blocking(bench.stdin, False)
    written = _write_until_stuck(lambda part: os.write(bench.stdin, part), data)
    assert written < BIG
    os.set_blocking(bench.stdin, True)
    feeder = threading.Thread(target=_feed, args=(bench.stdin, data[written:]))
    feeder.start()
    assert read_all(bench.server.recv) == data
    feeder.join()


def test_a_slow_ssh_slows_the_server_and_nothing_is_lost(bench: Bench) -> None:
    """The same the other way round, while the other direction goes on."""
    bench.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    bench.start()
    data = os.urandom(BIG)
    bench.server.setblocking(False)
    written = _write_until_stuck(bench.server.send, data)
    assert written < BIG
    os.write(bench.stdin, b"still here")
    bench.server.setblocking(True)
    assert bench.server.recv(100) == b"still here"

    def finish() -> None:
        bench.server.sendall(data[written:])
        bench.server.shutdown(socket.SHUT_WR)

    feeder = threading.Thread(target=finish)
    feeder.start()
    assert read_all(lambda n: os.read(bench.stdout, n)) == data
    feeder.join()


def _write_until_stuck(write: Callable[[memoryview], int], data: bytes) -> int:
    """Write until nothing more goes for a while; return how much went."""
    written, stuck_since = 0, time.monotonic()
    while written < len(data) and time.monotonic() - stuck_since < 0.3:
        try:
            written += write(memoryview(data)[written : written + 65536])
            stuck_since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.005)
    return written


def _feed(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.close(descriptor)


def test_it_ends_at_once_when_ssh_stops_reading(bench: Bench) -> None:
    """Ssh was killed: its end of the output breaks, and no packet is needed to notice."""
    bench.start()
    os.close(bench.stdout)
    assert bench.ended(1)


def test_it_ends_at_once_on_a_signal_and_lets_the_farewell_out(bench: Bench) -> None:
    """The wake-up descriptor ends it; what ssh wrote just before still reaches the server."""
    os.write(bench.stdin, b"disconnect")
    os.write(bench.wake, b"x")
    bench.start()
    assert bench.ended(1)
    assert read_all(bench.server.recv) == b"disconnect"


def test_a_reset_by_the_server_ends_it_once_ssh_has_seen_the_end(bench: Bench) -> None:
    """The server's host died: ssh reads the end of its input."""
    bench.start()
    bench.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    bench.server.close()
    assert read_all(lambda n: os.read(bench.stdout, n)) == b""
    os.close(bench.stdin)
    assert bench.ended()


def test_an_idle_relay_does_not_wake_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves: the one poll lasts. Nor does it spin while the server does not read."""
    polls = 0
    poll = Relay._poll

    def counted(relay: Relay, timeout_ms: float | None) -> dict[int, int]:
        nonlocal polls
        polls += 1
        return poll(relay, timeout_ms)

    monkeypatch.setattr(Relay, "_poll", counted)
    bench.start()
    os.set_blocking(bench.stdin, False)
    _write_until_stuck(lambda part: os.write(bench.stdin, part), bytes(BIG))
    before = polls
    os.close(bench.stdin)  # a hang-up that nobody asked for yet
    time.sleep(0.3)
    assert polls - before <= 2


def test_it_stops_at_the_limit_or_when_asked(bench: Bench) -> None:
    """``until`` and ``limit_s`` end a part of the way; the rest goes on later."""
    started = time.monotonic()
    bench.relay.run(limit_s=0.05)
    assert 0.05 <= time.monotonic() - started < 1
    bench.server.sendall(b"SSH-2.0-x\r\n")
    bench.relay.run(until=lambda: bench.tapped.endswith(b"\n"), limit_s=5)
    assert not bench.relay.finished
    assert os.read(bench.stdout, 100) == b"SSH-2.0-x\r\n"


def test_it_stops_at_the_limit_even_while_the_server_talks(bench: Bench) -> None:
    """A server that sends a byte now and then, for ever, does not keep the lock for ever."""
    over = threading.Event()

    def talk() -> None:
        while not over.wait(0.01):
            bench.server.sendall(b".")

    talker = threading.Thread(target=talk)
    talker.start()
    timer = threading.Timer(5, over.set)
    timer.start()
    started = time.monotonic()
    bench.relay.run(limit_s=0.1)
    assert time.monotonic() - started < 2
    over.set()
    timer.cancel()
    talker.join()


@pytest.fixture
def one_socket() -> Iterator[tuple[Relay, socket.socket, socket.socket, socket.socket]]:
    """Return a relay with one socket for both of ssh's directions: it, ssh, the server, ours."""
    ssh, ours = socket.socketpair()
    server, connection = _tcp_pair()
    wake, waker = os.pipe()
    sink = os.dup(ours.fileno())
    ssh.settimeout(10)
    relay = Relay(connection, source=ours.fileno(), sink=sink, wake_fd=wake, tap=None)
    yield relay, ssh, server, ours
    for one in (ssh, ours, server, connection):
        one.close()
    for descriptor in (wake, waker, sink):
        with suppress(OSError):
            os.close(descriptor)


def _carry(relay: Relay) -> threading.Thread:
    """Let the relay run, not longer than 10 s."""
    thread = threading.Thread(target=lambda: relay.run(limit_s=10))
    thread.start()
    return thread


def test_one_socket_for_both_directions_sees_the_end(
    one_socket: tuple[Relay, socket.socket, socket.socket, socket.socket],
) -> None:
    """`ProxyCommand ssh jump sshknock-proxy %h %p`: the server's end ends it all."""
    relay, ssh, server, _ = one_socket
    carrying = _carry(relay)
    server.sendall(b"goodbye")
    server.shutdown(socket.SHUT_WR)
    assert read_all(ssh.recv) == b"goodbye"
    ssh.sendall(b"thanks")
    ssh.shutdown(socket.SHUT_WR)
    assert read_all(server.recv) == b"thanks"
    carrying.join()
    assert relay.finished


def test_one_socket_that_ssh_closed_ends_it_at_once(
    one_socket: tuple[Relay, socket.socket, socket.socket, socket.socket],
) -> None:
    """Its hang-up is ssh's end, and no reason to spin until the server says something."""
    relay, ssh, server, _ = one_socket
    ssh.sendall(b"disconnect")
    ssh.close()
    started = time.monotonic()
    relay.run(limit_s=10)
    relay.drain()
    assert relay.finished
    assert time.monotonic() - started < 2
    assert server.recv(100) == b"disconnect"


def test_a_slow_ssh_on_a_socket_does_not_stop_the_other_direction(
    one_socket: tuple[Relay, socket.socket, socket.socket, socket.socket],
) -> None:
    """Sockets are made non-blocking as pipes are, and given back as they came."""
    relay, ssh, server, ours = one_socket
    carrying = _carry(relay)
    server.setblocking(False)
    _write_until_stuck(server.send, bytes(BIG))
    ssh.sendall(b"still here")
    server.settimeout(5)
    assert server.recv(100) == b"still here"
    ssh.close()
    carrying.join()
    relay.release()
    assert ours.getblocking()
    assert os.get_blocking(ours.fileno())


def test_ssh_gets_its_pipes_back_as_they_came(bench: Bench) -> None:
    """They may be shared with others, who expect them to wait."""
    assert not os.get_blocking(bench.source)
    bench.relay.release()
    assert os.get_blocking(bench.source)
    assert os.get_blocking(bench.sink)


lines = st.binary(max_size=60).filter(lambda b: b"\n" not in b and not b.startswith(b"SSH-"))


@given(st.lists(lines, max_size=5), st.data())
def test_the_identification_is_found_in_any_pieces(
    before: list[bytes], data: st.DataObject
) -> None:
    """Lines before it are allowed, and the pieces may be of any size."""
    text = b"".join(line + b"\r\n" for line in before) + b"SSH-2.0-OpenSSH_9.2\r\nrest"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    seen = Identification()
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        seen.feed(memoryview(text)[start:end])
    assert seen.text == "SSH-2.0-OpenSSH_9.2"


@given(st.lists(lines, max_size=20))
def test_other_lines_are_no_identification(other: list[bytes]) -> None:
    """A web server, a mail server, noise: no confirm."""
    seen = Identification()
    seen.feed(memoryview(b"".join(line + b"\n" for line in other) + b"SSH-2.0-unfinished"))
    assert seen.text is None


def test_the_identification_is_shown_as_plain_text() -> None:
    """It is the server's: no escapes for the terminal, nothing but ASCII, not longer than 255."""
    seen = Identification()
    seen.feed(memoryview(b"SSH-2.0-\x1b[2J\xc3\xbc" + bytes(300) + b"\n"))
    assert seen.text == "SSH-2.0-?[2J??" + "?" * (255 - 14)


def test_the_search_for_the_identification_is_bounded() -> None:
    """A server that talks for ever is given up."""
    seen = Identification()
    seen.feed(memoryview(bytes(Identification.LONGEST + 1)))
    assert seen.over
    seen.feed(memoryview(b"\nSSH-2.0-late\r\n"))
    assert seen.text is None
