"""From the last knock to a connection that stands, on the loopback."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sshknock.client.connect import Abandoned, NoWatch, connect
from sshknock.client.route import Route, resolve
from tests.client.conftest import open_descriptors
from tests.client.door import HOST, free_port


class PipeWatch:
    """A watch that reports when something is written."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def descriptors(self) -> tuple[tuple[int, int], ...]:
        """Watch the reading end."""
        return ((self.reader, select.POLLIN),)

    def close(self) -> None:
        """Close both ends."""
        os.close(self.reader)
        os.close(self.writer)


@pytest.fixture
def watch() -> Iterator[PipeWatch]:
    """Return a watch."""
    made = PipeWatch()
    yield made
    made.close()


@pytest.fixture
def silent() -> Iterator[Route]:
    """Return a port that drops SYNs: a listener whose queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((HOST, 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        yield resolve(HOST, address[1])


def test_a_port_that_opens_later_is_reached_as_soon_as_it_opens() -> None:
    """Refusals are "not yet"; the first attempt that stands wins, and there is one connection."""
    port = free_port()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    opener = threading.Timer(0.1, listener.listen)
    started = time.monotonic()
    opener.start()
    outcome = connect(resolve(HOST, port), NoWatch(), limit_s=5)
    took = time.monotonic() - started
    opener.join()
    assert outcome.connection is not None
    with listener, outcome.connection:
        assert outcome.refused
        assert outcome.rtt_s is not None
        assert 0.1 <= took < 0.35
        listener.settimeout(0)
        listener.accept()[0].close()
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_port_that_stays_shut_ends_at_the_limit() -> None:
    """Nothing but refusals: no connection, in time."""
    started = time.monotonic()
    outcome = connect(resolve(HOST, free_port()), NoWatch(), limit_s=0.2)
    assert outcome.connection is None
    assert outcome.refused
    assert 0.2 <= time.monotonic() - started < 0.5


def test_a_port_that_is_silent_ends_at_the_limit(silent: Route) -> None:
    """No answer at all: no connection, no refusal, and no attempt is left open."""
    before = open_descriptors()
    started = time.monotonic()
    outcome = connect(silent, NoWatch(), limit_s=0.3)
    assert (outcome.connection, outcome.refused) == (None, False)
    assert 0.3 <= time.monotonic() - started < 0.6
    assert open_descriptors() == before


def test_a_probe_ends_with_the_first_refusal() -> None:
    """A probe does not wait any longer once the port has said no."""
    started = time.monotonic()
    outcome = connect(resolve(HOST, free_port()), NoWatch(), limit_s=5, patient=False)
    assert outcome.connection is None
    assert outcome.refused
    assert time.monotonic() - started < 1


def test_it_gives_up_at_once_when_nobody_waits_any_more(silent: Route, watch: PipeWatch) -> None:
    """The watch reports in the middle: Abandoned, and at once."""
    threading.Timer(0.1, os.write, (watch.writer, b"x")).start()
    started = time.monotonic()
    with pytest.raises(Abandoned):
        connect(silent, watch, limit_s=5)
    assert time.monotonic() - started < 1


def test_a_probe_sends_more_than_one_syn_before_it_says_that_nothing_answers(silent: Route) -> None:
    """A lost packet must not look like a port that is shut: the confirm after it would be false."""
    syns = 0

    def count(self: Route, kind: int) -> socket.socket:
        nonlocal syns
        syns += 1
        return real(self, kind)

    real = Route.socket
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Route, "socket", count)
        assert connect(silent, NoWatch(), limit_s=0.3, patient=False).connection is None
    assert syns > 2
